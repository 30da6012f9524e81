"""A log of item vectors in memory, a rebuilt index of it, and a replica that may take that over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np

from agents.catalogue import Catalogue
from agents.drafts import Draft, new_index
from agents.handover import Answer, Handover
from agents.metrics import Metrics
from agents.rebuilding import build, read_newest
from agents.replicas import VectorReplica
from agents.snapshotting import Snapshotting
from agents.takeover import Takeover
from agents.testing import HashEncoder, SmallLog
from indexes.embedding import DIM, fingerprint
from indexes.exact import ExactIndex
from indexes.images import Snapshottable
from streams.errors import MalformedVector
from streams.items import ItemFacts, content_hash
from streams.kafka import LogReader, Record
from streams.vectors import VectorRecord, decode_vector, encode_vector

TOPIC = "item-vectors"
PARTITIONS = 2


def value(text: str, *, title: str = "") -> bytes:
    """An item's record; its title is its text where none is given."""
    (row,) = HashEncoder()([text])
    facts = ItemFacts(title or text)
    return encode_vector(
        VectorRecord(fingerprint(), content_hash(text), row, facts, 0, 0, announced_at=0.0)
    )


def log_of(records: list[Record] | None = None) -> SmallLog:
    """A reader of these records, of those too that are added to the list later."""
    log = SmallLog(TOPIC, partitions=PARTITIONS)
    log.records = [] if records is None else records
    return log


async def draft_of(records: list[Record], *, kind: str = "exact") -> Draft:
    """What the command makes of a log."""
    newest = await read_newest(log_of(records), fingerprint=fingerprint(), on_step=lambda _: None)
    return build(
        newest,
        fingerprint=fingerprint(),
        new_index=lambda items: new_index(kind, items=items, on_alarm=lambda _: None),
        on_step=lambda _: None,
    ).draft


class Serving:
    """A replica that is driven by hand, and the command's side of the handover."""

    def __init__(
        self,
        own: Path,
        *,
        index: Snapshottable | None = None,
        records: list[Record] | None = None,
        every: float = 3600.0,
    ) -> None:
        self.log = log_of(records)
        self.new_reader: Callable[[], LogReader] = lambda: log_of(self.log.records)
        """What a takeover reads the log with; put another in its place."""
        self.metrics = Metrics()
        chosen = ExactIndex(DIM) if index is None else index
        self.catalogue = Catalogue(chosen, half_life=1000.0)
        self.snapshots = Snapshotting(own, every=every, metrics=self.metrics)
        self.command = Handover(own)
        self.takeover = Takeover(
            Handover(own),
            catalogue=self.catalogue,
            fingerprint=fingerprint(),
            new_reader=self._make_reader,
            metrics=self.metrics,
        )
        self.replica = VectorReplica(
            self.log,
            self.metrics,
            catalogue=self.catalogue,
            fingerprint=fingerprint(),
            snapshots=self.snapshots,
            takeover=self.takeover,
        )

    def _make_reader(self) -> LogReader:
        return self.new_reader()

    async def start(self) -> None:
        await self.replica.on_start()
        await self.replica.begin()
        await self.follow()
        if not await self.replica.catch_up():
            await self.follow()
        self.replica.ready.set()

    async def follow(self) -> None:
        """Read what there is."""
        if records := await self.log.read(wait=0.0):
            await self.replica.apply(records)
        self.replica.applied = dict(self.log.positions)

    async def offer(self, draft: Draft | None = None) -> str:
        """What the command leaves when it has read all that is there now."""
        made = await draft_of(self.log.records) if draft is None else draft
        return self.command.offer(made)

    async def prepare(self) -> None:
        """Until what has begun, if anything, is done but for the swap."""
        task = self.takeover._preparing
        if task is not None:
            await asyncio.wait([task])

    async def tick(self) -> None:
        """As often as it takes to take over what is there, if anything."""
        await self.replica.tick()
        await self.prepare()
        await self.replica.tick()

    async def stop(self) -> None:
        await self.replica.on_stop()

    def answer(self, digest: str) -> Answer | None:
        return self.command.answer(digest)

    def count(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


def contents(catalogue: Catalogue) -> dict[str, str]:
    """Item to title, of what is known; each must be in the index, with the vector of its text."""
    found = sorted(catalogue.index.item_ids())
    assert found == sorted(catalogue.matching({}))
    titles = {}
    for item_id in found:
        known = catalogue.known(item_id)
        assert known is not None
        titles[item_id] = known.facts.title
        assert known.content_hash == content_hash(known.facts.title)
        (row,) = HashEncoder()([known.facts.title])
        assert np.allclose(catalogue.vector(item_id), row.astype("f4"), atol=2e-3)
    return titles


def folded(records: list[Record]) -> dict[str, str]:
    """The oracle: item to title, record by record."""
    titles: dict[str, str] = {}
    for record in records:
        assert record.key is not None
        item_id = record.key.decode()
        if record.value is None:
            titles.pop(item_id, None)
            continue
        try:
            titles[item_id] = decode_vector(item_id, record.value, dim=DIM).facts.title
        except MalformedVector:
            continue
    return titles
