"""
Fill the shards of newly owned partitions from their changelogs, before their events flow.

Faust's own recovery is not used: it reads through the consumer that is being moved, and can lose
the signal that it has ended.  Ours is a reader outside the group, as replicas have.  What was kept
in local files need not be read again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

from agents.keeping import Keeping, Kept, Place
from agents.metrics import Metrics
from agents.packing import Packing
from agents.shards import Shard
from agents.tables import FoldTable
from agents.tails import Tail, read_tails
from streams.errors import TopicMismatch
from streams.kafka import Broker, partition_counts

log = logging.getLogger("headwater")

V = TypeVar("V")


class Restoring:
    """Keeps the shards of a worker in step with the partitions it owns."""

    def __init__(
        self,
        broker: Broker,
        tables: Sequence[FoldTable[Any]],
        *,
        keeping: Keeping,
        metrics: Metrics,
    ) -> None:
        self._broker = broker
        self._tables = tables
        self._keeping = keeping
        self._metrics = metrics
        self._generation = -1

    async def restore(self, generation: int, owned: Mapping[str, Collection[int]]) -> None:
        """
        Own the shards of these partitions and no others.

        What was owned in the generation just before is still right, for every member takes part in
        every generation.  After a gap somebody else may have owned it, so it is read again.

        Args:
            generation: Of the consumer group.
            owned: Source topic to partitions.

        Raises:
            ChangelogUnreadable: A value on a changelog cannot be decoded.
            TopicMismatch: A changelog has fewer partitions than its source.
        """
        unbroken = generation == self._generation + 1
        self._generation = generation
        for table in self._tables:
            table.retain(owned.get(table.source, ()) if unbroken else ())
        await self._keeping.retain([Place(t.changelog, p) for t in self._tables for p in t.shards])
        for table in self._tables:
            if missing := sorted(set(owned.get(table.source, ())) - set(table.shards)):
                await self._check_partitions(table, missing)
                await self._fill(table, missing)
        await self._keeping.leave_early()

    async def _check_partitions(self, table: FoldTable[V], partitions: Sequence[int]) -> None:
        count = (await partition_counts(self._broker)).get(table.changelog, 0)
        if partitions[-1] >= count:
            raise TopicMismatch(
                f"{table.source}-{partitions[-1]} is assigned to this worker, its state belongs on "
                f"{table.changelog}-{partitions[-1]}, but topic {table.changelog!r} has {count} "
                f"partitions: give it as many as {table.source!r} has "
                "(`headwater topics check` shows both)"
            )

    async def _fill(self, table: FoldTable[V], partitions: Sequence[int]) -> None:
        began = time.monotonic()
        places = {p: Place(table.changelog, p) for p in partitions}
        kept = {p: await self._keeping.load(place) for p, place in places.items()}
        known = {p: None if found is None else found.mark for p, found in kept.items()}
        tails = await read_tails(self._broker, table.changelog, known)
        shards: dict[int, Shard[V]] = {}
        highest: dict[int, int] = {}
        for partition, tail in tails.items():
            found = kept.pop(partition)
            if found is not None and tail.after is None:
                await self._keeping.refuse(places[partition])
                found = None
            packing = Packing(table, partition, copy=self._described(places[partition], found))
            await packing.pack({} if found is None else found.rows, tail)
            shards[partition], highest[partition] = packing.shard(), packing.highest
        table.give(shards)
        table.restored = {**table.restored, **highest}
        self._keep(table, tails)
        took = time.monotonic() - began
        self._metrics.restore_seconds.labels(table.changelog).set(took)
        keys = sum(map(len, shards.values()))
        log.info("%s: %d keys of partitions %s in %.2f s", table.changelog, keys, partitions, took)

    def _described(self, place: Place, kept: Kept | None) -> str:
        """Names where a value stands that was not read from the log just now."""
        if kept is None:
            return str(place)
        return f"{place} before offset {kept.mark.end}, kept in {self._keeping.path(place)}"

    def _keep(self, table: FoldTable[V], tails: Mapping[int, Tail]) -> None:
        stretches = {Place(table.changelog, p): tail.stretch() for p, tail in tails.items()}
        self._keeping.add({place: new for place, new in stretches.items() if new is not None})
