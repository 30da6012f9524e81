"""
Fill the shards of newly owned partitions from their changelogs, before their events flow.

Faust's own recovery is not used: it reads through the consumer that is being moved, and can lose
the signal that it has ended.  Ours is a reader outside the group, as replicas have.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

from agents.metrics import Metrics
from agents.tables import FoldTable, Shard
from streams.errors import ChangelogUnreadable
from streams.kafka import Broker, LogReader, Record
from streams.origins import Origin
from streams.wire import UNDECODABLE

log = logging.getLogger("headwater")

V = TypeVar("V")

READ_WAIT = 0.5
"""Seconds to wait for records that the log has."""
DECODE_BATCH = 200
"""Values decoded before others may use the event loop."""


class Restoring:
    """Keeps the shards of a worker in step with the partitions it owns."""

    def __init__(
        self, broker: Broker, tables: Sequence[FoldTable[Any]], *, metrics: Metrics
    ) -> None:
        self._broker = broker
        self._tables = tables
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
        """
        unbroken = generation == self._generation + 1
        self._generation = generation
        for table in self._tables:
            table.retain(owned.get(table.source, ()) if unbroken else ())
        for table in self._tables:
            if missing := sorted(set(owned.get(table.source, ())) - set(table.shards)):
                await self._fill(table, missing)

    async def _fill(self, table: FoldTable[V], partitions: Sequence[int]) -> None:
        began = time.monotonic()
        newest = await self._newest(table.changelog, partitions)
        shards = {p: Shard(await _decoded(table, records)) for p, records in newest.items()}
        table.give(shards)
        took = time.monotonic() - began
        self._metrics.restore_seconds.labels(table.changelog).set(took)
        keys = sum(map(len, shards.values()))
        log.info("%s: %d keys of partitions %s in %.2f s", table.changelog, keys, partitions, took)

    async def _newest(
        self, topic: str, partitions: Sequence[int]
    ) -> dict[int, dict[bytes, Record]]:
        """Partition to the newest record of each key."""
        newest: dict[int, dict[bytes, Record]] = {partition: {} for partition in partitions}
        reader = LogReader(self._broker, topic, partitions=partitions)
        try:
            await reader.start()
            while reader.behind:
                for record in await reader.read(wait=READ_WAIT):
                    newest[record.partition][record.key or b""] = record
        finally:
            await reader.stop()
        return newest


async def _decoded(table: FoldTable[V], records: Mapping[bytes, Record]) -> dict[str, V]:
    values: dict[str, V] = {}
    for count, (key, record) in enumerate(records.items()):
        if record.value is not None:
            try:
                values[key.decode()] = table.decode(record.value)
            except UNDECODABLE as exc:
                raise ChangelogUnreadable(
                    f"{Origin(record.topic, record.partition, record.offset)}, key {key!r}: {exc}; "
                    "a newer Headwater may have written it: run that version, or delete the key's "
                    "record and replay its events"
                ) from exc
        if count % DECODE_BATCH == 0:
            await asyncio.sleep(0)
    return values
