"""
Read-only copies of compacted topics, one in every worker.

A replica follows its topic outside any consumer group and is ready once it has reached the end the
log had at start.  From then on an answer needs nothing outside the process.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from mode import Service

from agents.catalogue import Catalogue
from agents.decoding import read_rankers, read_vectors
from agents.drafts import Draft
from agents.metrics import Metrics
from agents.proof import Proof, lasts_of, places_of
from agents.snapshotting import Restored, Snapshotting
from agents.stretches import Last
from agents.takeover import Takeover
from streams.deadletters import reason
from streams.kafka import LogReader, Record
from streams.vectors import VectorRecord

log = logging.getLogger("headwater")

FETCH_WAIT = 0.2
"""Seconds to wait for new records; a real Kafka answers as soon as there is one."""
PROBES = 8
"""Items per read whose findability is proven; more would cost a search each during a load."""


class Replica(Service):  # type: ignore[misc]
    """Follows one topic."""

    def __init__(self, name: str, reader: LogReader, metrics: Metrics, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.reader = reader
        self.metrics = metrics
        self.ready = asyncio.Event()
        self.applied: dict[int, int] = {}
        """Partition to the offset up to which everything was taken over."""
        self.ahead = 0
        """Of what lies behind that, how much was taken over already."""

    async def restore(self) -> Mapping[int, int]:
        """Load what was kept locally; partition to the offset to go on from."""
        return {}

    async def apply(self, records: Sequence[Record]) -> None:
        """Take over records, in order per partition."""
        raise NotImplementedError

    def position(self) -> Mapping[int, int]:
        """Partition to the offset up to which everything that was read is taken over."""
        return self.reader.positions

    def refuse(self, record: Record, error: Exception) -> None:
        """Every worker reads the record, so it is counted and logged but not sent anywhere."""
        log.error(
            "%s-%d-%d refused: %s; the item stays as it was",
            record.topic,
            record.partition,
            record.offset,
            error,
        )
        self.metrics.dead_letters.labels(record.topic, reason(error)).inc()

    async def catch_up(self) -> bool:
        """
        All that the log had at start was handed to `apply`; called before `ready`.

        Returns:
            Whether that was enough; if not, the log is read again from where the reader is now.
        """
        return True

    async def tick(self) -> None:
        """Do what is to be done now and then; called between reads."""

    async def reset(self) -> None:
        """Throw away what was restored: it belongs to another log."""

    async def on_start(self) -> None:
        """Not ready yet; what takes time is done beside what others do at the start."""
        self.metrics.replica_ready.labels(self.name).set(0)

    async def begin(self) -> None:
        """Restore and connect."""
        await self.reader.start(await self.restore())
        if self.reader.restarted:
            log.warning("%s: the snapshot is not of this log; reading it from the start", self.name)
            await self.reset()
            self.reader.rewind()
        self.applied = dict(self.reader.positions)

    @Service.task  # type: ignore[untyped-decorator]
    async def _follow(self) -> None:
        began = time.monotonic()
        await self.begin()
        while not self.should_stop:
            if records := await self.reader.read(wait=FETCH_WAIT):
                await self.apply(records)
                self.applied = dict(self.position())
            await self.tick()
            if not self.ready.is_set():
                self.metrics.replica_behind.labels(self.name).set(self.reader.behind)
                if not self.reader.behind and await self.catch_up():
                    self.ready.set()
                    self.metrics.replica_ready.labels(self.name).set(1)
                    log.info("%s: caught up in %.2f s", self.name, time.monotonic() - began)

    async def on_stop(self) -> None:
        """Disconnect."""
        await self.reader.stop()


class VectorReplica(Replica):
    """`item-vectors` into the index and the facts of the catalogue."""

    def __init__(
        self,
        reader: LogReader,
        metrics: Metrics,
        *,
        catalogue: Catalogue,
        fingerprint: bytes,
        snapshots: Snapshotting,
        takeover: Takeover,
        **kwargs: Any,
    ) -> None:
        super().__init__("item-vectors", reader, metrics, **kwargs)
        self.catalogue = catalogue
        self.fingerprint = fingerprint
        self.snapshots = snapshots
        self.takeover = takeover
        self._proof = Proof({})
        self._lasts: dict[int, Last] = {}
        """Partition to the newest record that was taken over."""

    async def restore(self) -> Mapping[int, int]:
        """A rebuilt index, else the newest snapshot that can be trusted, else nothing."""
        begun: Draft | Restored | None = self.takeover.begin()
        if begun is None:
            begun = await asyncio.to_thread(self.snapshots.read, self.catalogue)
            if begun is not None:
                self.snapshots.adopt(begun, self.catalogue)
        self._gauge()
        if begun is None:
            return {}
        self._lasts = dict(begun.lasts)
        self._proof = Proof(self._lasts)
        return {**begun.offsets, **places_of(self._lasts)}

    async def reset(self) -> None:
        """Empty the catalogue: what it was filled from is of another log."""
        self.snapshots.refuse()
        self._proof, self._lasts = Proof({}), {}
        self.catalogue.clear()

    async def catch_up(self) -> bool:
        """Begin again where the log does not have the last records of what was restored."""
        if self._proof.holds:
            return True
        await self.reset()
        self.reader.rewind()
        return False

    async def apply(self, records: Sequence[Record]) -> None:
        """Vectors in a thread, facts after them, so that what is announced can be found."""
        if not self.ready.is_set():
            self._proof.see(records)
        changes = read_vectors(
            records,
            dim=self.catalogue.index.dim,
            fingerprint=self.fingerprint,
            refuse=self.refuse,
        )
        vectors, gone = changes.vectors, changes.gone
        for item_id in gone:
            self.catalogue.discard(item_id)
        for item_id, vector in vectors.items():
            self.catalogue.unsettle(item_id, vector.content_hash)
        moved = self._moved(vectors)
        came = [(i, vector) for i, vector in moved.items() if not self._is_there(i, vector)]
        await asyncio.to_thread(self._write, moved, gone)
        for item_id, vector in vectors.items():
            self.catalogue.announce(item_id, vector)
        if self.ready.is_set():
            await asyncio.to_thread(self._probe, came[-PROBES:])
        self._lasts |= lasts_of(records)
        self._gauge()
        self.snapshots.note_change()

    async def tick(self) -> None:
        """Take over a rebuilt index when there is one; write a snapshot when it is time."""
        free = self.ready.is_set() and not self.snapshots.busy
        if await self.takeover.tick(may_swap=free):
            self._gauge()
            self.snapshots.note_change()
        if self.ready.is_set():  # what lies behind may be older than the log tells of removals
            self.snapshots.tick(self.catalogue, self.applied, self._lasts)

    def _moved(self, vectors: Mapping[str, VectorRecord]) -> dict[str, VectorRecord]:
        """Those whose text is new; the others have only new facts, and keep their place."""
        return {
            item_id: vector
            for item_id, vector in vectors.items()
            if (known := self.catalogue.known(item_id)) is None
            or known.content_hash != vector.content_hash
        }

    def _is_there(self, item_id: str, vector: VectorRecord) -> bool:
        """Can the same announcement be found already, and something was only added to it?"""
        known = self.catalogue.known(item_id)
        place = None if known is None else (known.partition, known.offset)
        return place == (vector.partition, vector.offset)

    def _write(self, vectors: Mapping[str, VectorRecord], gone: Sequence[str]) -> None:
        for item_id in gone:
            self.catalogue.index.discard(item_id)
        self.catalogue.index.upsert_many([(i, v.vector) for i, v in vectors.items()])

    def _probe(self, items: Sequence[tuple[str, VectorRecord]]) -> None:
        """Prove that items can be found by their own vectors, and how long that took."""
        for item_id, record in items:
            query = record.vector.astype("f4")[None, :]
            found = {match.item_id for match in self.catalogue.index.search(query, n=5)[0]}
            if item_id in found:
                self.metrics.item_to_findable.observe(max(time.time() - record.announced_at, 0))
            else:
                log.warning("item %r is in the index but not among its own neighbours", item_id)

    def _gauge(self) -> None:
        stats = self.catalogue.index.stats()
        self.metrics.index_items.set(stats.live)
        self.metrics.index_tombstones.set(stats.tombstones)
        self.metrics.index_generation.set(stats.generation)
        self.metrics.index_rebuild.set(stats.rebuild_seconds)
        failures = stats.rebuild_failures + self.takeover.failures
        self.metrics.index_rebuild_failures.set(failures)

    async def on_stop(self) -> None:
        """Disconnect and leave a snapshot behind."""
        await self.takeover.close()
        await super().on_stop()
        self.catalogue.index.close()
        if self.ready.is_set():  # or a whole snapshot would be replaced by a part of it
            self.snapshots.finish(self.catalogue, self.applied, self._lasts)


class RankerReplica(Replica):
    """`rankers` into the catalogue: all workers rank alike."""

    def __init__(
        self, reader: LogReader, metrics: Metrics, *, catalogue: Catalogue, **kwargs: Any
    ) -> None:
        super().__init__("rankers", reader, metrics, **kwargs)
        self.catalogue = catalogue

    async def apply(self, records: Sequence[Record]) -> None:
        """Follow the newest of each strategy."""
        for strategy, ranker in read_rankers(records, refuse=self.refuse).items():
            self.catalogue.learn(strategy, ranker)
