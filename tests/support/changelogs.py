"""Changelogs in memory, and workers that restore from them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from agents.keeping import Keeping
from agents.metrics import Metrics
from agents.restoring import Restoring
from agents.tables import FoldTable
from agents.testing import NOWHERE
from streams.kafka import Broker, LogReader, Record

EVENTS, VISITS = "shop.events", "shop.co-visits"
PROFILES, TRENDS = "shop.profiles", "shop.item-trends"
AT_ONCE = 2
"""Records a reader returns together, so that few of them are many reads."""


class Changelogs:
    """Changelogs in memory, and every reader that was opened on them."""

    def __init__(self, folder: Path) -> None:
        self.records: list[Record] = []
        self.readers: list[SmallReader] = []
        self.partitions = 4
        """Of every topic."""
        self.folder = folder
        """Of local copies."""
        self.keepings: list[Keeping] = []
        self.on_read: Callable[[SmallReader], None] | None = None
        """Called before each read; may raise."""
        self.blocked: str | None = None
        """A topic of which nothing can be read."""

    def end(self, topic: str, partition: int) -> int:
        here = [r.offset for r in self.records if (r.topic, r.partition) == (topic, partition)]
        return max(here, default=-1) + 1

    def write(self, key: bytes, value: bytes | None, *, topic: str, partition: int = 0) -> None:
        offset = self.end(topic, partition)
        self.records.append(Record(topic, partition, offset, key, value, 0.0))

    def open(self, broker: Broker, topic: str, *, partitions: Sequence[int]) -> "SmallReader":
        reader = SmallReader(self, broker, topic, partitions)
        self.readers.append(reader)
        return reader

    async def counts(self, _: Broker) -> dict[str, int]:
        return {PROFILES: self.partitions, TRENDS: self.partitions}

    def keeping(self, metrics: Metrics) -> Keeping:
        """The local copies of one more worker."""
        self.keepings.append(Keeping(self.folder, metrics=metrics))
        return self.keepings[-1]

    def was_read(self) -> list[tuple[str, tuple[int, ...]]]:
        """Topic and partitions of each reader, and forget them."""
        opened = [(reader.topic, reader.partitions) for reader in self.readers]
        self.readers.clear()
        return opened


class SmallReader(LogReader):
    """Reads some partitions of one changelog."""

    def __init__(
        self, logs: Changelogs, broker: Broker, topic: str, partitions: Sequence[int]
    ) -> None:
        super().__init__(broker, topic, partitions=partitions)
        self.partitions = tuple(partitions)
        self.running = False
        self.stops = 0
        self._logs = logs

    def _here(self) -> list[Record]:
        return [
            r
            for r in self._logs.records
            if r.topic == self.topic and r.partition in self.partitions
        ]

    async def start(
        self, offsets: Mapping[int, int] | None = None, *, at_end: bool = False
    ) -> None:
        self.running = True
        self.ends = {p: self._logs.end(self.topic, p) for p in self.partitions}
        inside = {p: o for p, o in (offsets or {}).items() if o <= self.ends[p]}
        self.positions = {**dict.fromkeys(self.partitions, 0), **inside}

    async def read(self, *, wait: float, most: int = AT_ONCE) -> list[Record]:
        assert self.running
        if self._logs.on_read is not None:
            self._logs.on_read(self)
        if self._logs.blocked == self.topic:
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        found = [r for r in self._here() if r.offset >= self.positions[r.partition]][:AT_ONCE]
        for record in found:
            self.positions[record.partition] = record.offset + 1
        return found

    async def stop(self) -> None:
        self.running = False
        self.stops += 1


class Owning:
    """A worker with two tables of numbers."""

    def __init__(self, logs: Changelogs) -> None:
        self.logs = logs
        self.profiles, self.trends = table_of(EVENTS, PROFILES), table_of(VISITS, TRENDS)
        self.metrics = Metrics()
        self.keeping = logs.keeping(self.metrics)
        self.restoring = Restoring(
            NOWHERE, [self.profiles, self.trends], keeping=self.keeping, metrics=self.metrics
        )

    async def restore(self, generation: int, events: Sequence[int] = ()) -> None:
        """Own these partitions of `events`."""
        await self.restoring.restore(generation, {EVENTS: set(events)})

    def values(self, partition: int = 0) -> dict[str, int]:
        """What a shard has."""
        shard = self.profiles.shard(partition)
        found = {key: shard.peek(key) for key in {**shard._values, **shard._packed}}
        return {key: value for key, value in found.items() if value is not None}


def table_of(source: str, changelog: str) -> FoldTable[int]:
    return FoldTable(
        source=source,
        changelog=changelog,
        encode=msgspec.json.encode,
        decode=msgspec.json.Decoder(int).decode,
    )
