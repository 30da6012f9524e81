"""
Fill the shards of newly owned partitions from their changelogs, before their events flow.

Faust's own recovery is not used: it reads through the consumer that is being moved, and can lose
the signal that it has ended.  Ours is a reader outside the group, as replicas have.  What was kept
in local files need not be read again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from agents.keeping import Keeping, Place
from agents.kept import Mark
from agents.metrics import Metrics
from agents.tables import FoldTable, Shard
from agents.tails import Tail, read_tails
from streams.errors import ChangelogUnreadable, TopicMismatch
from streams.kafka import Broker, partition_counts
from streams.wire import UNDECODABLE

log = logging.getLogger("headwater")

V = TypeVar("V")

DECODE_BATCH = 200
"""Values decoded before others may use the event loop."""


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
        values: dict[int, dict[str, V]] = {partition: {} for partition in partitions}
        highest: dict[int, int] = {}
        known = {p: await self._load(table, p, values[p]) for p in partitions}
        tails = await read_tails(self._broker, table.changelog, known)
        for partition, tail in tails.items():
            if known[partition] is not None and tail.after is None:
                await self._keeping.refuse(Place(table.changelog, partition))
                values[partition].clear()
            await _overlay(table, values[partition], tail.changes(), where=tail.where)
            highest[partition] = await _highest(table, partition, values[partition])
        table.give({partition: Shard(found) for partition, found in values.items()})
        table.restored = {**table.restored, **highest}
        self._keep(table, tails)
        took = time.monotonic() - began
        self._metrics.restore_seconds.labels(table.changelog).set(took)
        keys = sum(map(len, values.values()))
        log.info("%s: %d keys of partitions %s in %.2f s", table.changelog, keys, partitions, took)

    async def _load(self, table: FoldTable[V], partition: int, values: dict[str, V]) -> Mark | None:
        """Fill in what was kept of a partition, and say what it is."""
        place = Place(table.changelog, partition)
        kept = await self._keeping.load(place)
        if kept is None:
            return None
        where = f"{place} before offset {kept.mark.end}, kept in {self._keeping.path(place)}"
        await _overlay(table, values, kept.rows, where=lambda _: where)
        return kept.mark

    def _keep(self, table: FoldTable[V], tails: Mapping[int, Tail]) -> None:
        stretches = {Place(table.changelog, p): tail.stretch() for p, tail in tails.items()}
        self._keeping.add({place: new for place, new in stretches.items() if new is not None})


async def _highest(table: FoldTable[V], partition: int, values: Mapping[str, V]) -> int:
    """The last offset of the source that any of the values contains; -1 where none tells."""
    highest = -1
    for count, value in enumerate(values.values()):
        if table.contained is not None:
            highest = max(highest, table.contained(value, partition))
        if count % DECODE_BATCH == 0:
            await asyncio.sleep(0)
    return highest


async def _overlay(
    table: FoldTable[V],
    values: dict[str, V],
    changes: Mapping[bytes, bytes | None],
    *,
    where: Callable[[bytes], object],
) -> None:
    """Decode changes into values; `where` tells where that of a key was read."""
    for count, (key, value) in enumerate(changes.items()):
        if value is None:
            values.pop(key.decode(errors="surrogateescape"), None)
        else:
            try:
                values[key.decode()] = table.decode(value)
            except UNDECODABLE as exc:
                raise ChangelogUnreadable(
                    f"{where(key)}, key {key!r}: {exc}; "
                    "a newer Headwater may have written it: run that version, or delete the key's "
                    "record and replay its events"
                ) from exc
        if count % DECODE_BATCH == 0:
            await asyncio.sleep(0)
