"""What a replica of a log is made of, driven by hand."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from agents.catalogue import Catalogue
from agents.handover import Handover
from agents.metrics import Metrics
from agents.replicas import VectorReplica
from agents.snapshotting import Snapshotting
from agents.takeover import Takeover
from agents.testing import HashEncoder, SmallLog
from indexes.embedding import DIM, fingerprint
from indexes.exact import ExactIndex
from indexes.images import Snapshottable
from streams.items import ItemFacts, content_hash
from streams.vectors import VectorRecord, encode_vector

PATIENCE = 60.0


def value(
    text: str = "sand",
    *,
    title: str = "Dune",
    vector: NDArray[Any] | None = None,
    encoder: bytes | None = None,
    announced_at: float = 0.0,
) -> bytes:
    row = HashEncoder()([text])[0] if vector is None else vector
    made_by = encoder or fingerprint()
    facts = ItemFacts(title)
    return encode_vector(VectorRecord(made_by, content_hash(text), row, facts, 0, 0, announced_at))


class Following:
    """A `VectorReplica` with what it was handed."""

    def __init__(self, folder: Path, *, index: Snapshottable | None = None) -> None:
        self.log = SmallLog("item-vectors", partitions=2)
        self.metrics = Metrics()
        chosen = ExactIndex(DIM) if index is None else index
        self.catalogue = Catalogue(chosen, half_life=1000.0)
        self.snapshots = Snapshotting(folder, every=3600.0, metrics=self.metrics)
        self.replica = VectorReplica(
            self.log,
            self.metrics,
            catalogue=self.catalogue,
            fingerprint=fingerprint(),
            snapshots=self.snapshots,
            takeover=Takeover(
                Handover(folder),
                catalogue=self.catalogue,
                fingerprint=fingerprint(),
                new_reader=lambda: SmallLog("item-vectors", partitions=2),
                metrics=self.metrics,
            ),
        )

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        await self.replica.start()
        try:
            await self.until(self.replica.ready.is_set)
            yield
        finally:
            await self.replica.stop()

    async def until(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not what():
                await asyncio.sleep(0.001)

    async def read(self) -> None:
        """Until everything on the log has been taken over."""
        target = sum(record.partition >= 0 for record in self.log.records)
        await self.until(lambda: sum(self.log.positions.values()) == target)
        reads = self.log.reads
        await self.until(lambda: self.log.reads > reads + 1)

    def refused(self, reason: str) -> float | None:
        labels = {"topic": "item-vectors", "reason": reason}
        return self.count("headwater_dead_letters_total", **labels)

    def count(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


class Gated(ExactIndex):
    """An index whose next write waits for the gate."""

    def __init__(self, *, open: bool = False) -> None:
        super().__init__(DIM)
        self.reached = threading.Event()
        self.gate = threading.Event()
        if open:
            self.gate.set()

    def upsert_many(self, items: Sequence[tuple[str, NDArray[Any]]]) -> None:
        self.reached.set()
        assert self.gate.wait(PATIENCE)
        super().upsert_many(items)
