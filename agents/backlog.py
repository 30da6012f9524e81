"""
Let events pass at the workers' pace: the embedded broker drops the oldest records without a word.

Sent is only what fits beside what the workers have not read yet, on `events` itself and on the
topics that events cause records on.  When nobody reads, that is said instead of waited for.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence

from agents.capacity import MIB, record_bytes
from agents.feeding import Placed
from streams import topics
from streams.errors import CapacityExceeded
from streams.kafka import Broker, LogReader, Position, group_positions
from streams.topics import Topics

UNREAD_BYTES = 2 * MIB
"""What may wait for the workers on a partition, of the 5 MiB that it holds."""
CAUSED_RECORDS = UNREAD_BYTES // 256
"""The same in slate requests, with ids of usual length; a co-visit is smaller."""
LOOK_EVERY = 4_000
"""Events between looks at what is not full by our own count."""
PATIENCE = 15.0
"""Seconds without any progress of the workers after which nobody is reading."""
POLL = 0.25

Positions = Mapping[str, Mapping[int, Position]]
"""Topic to partition to how far the workers have come."""
Look = Callable[[], Awaitable[Positions]]


class Backlog:
    """A `feeding.Pace` that waits for the workers."""

    def __init__(
        self,
        names: Topics,
        look: Look,
        *,
        patience: float = PATIENCE,
        on_wait: Callable[[bool], None],
    ) -> None:
        """
        Begin with nothing unread.

        Args:
            names: Of the topics.
            look: Finds out how far the workers have come on `watched`.
            patience: Seconds to wait for any progress.
            on_wait: Told when waiting begins and ends.
        """
        self._look = look
        self._events = names.name(topics.EVENTS)
        self._patience = patience
        self._on_wait = on_wait
        self._unread: defaultdict[int, deque[tuple[int, int]]] = defaultdict(deque)
        self._bytes: defaultdict[int, int] = defaultdict(int)
        self._since_look = 0

    def add(self, partition: int, *, offset: int, size: int) -> None:
        """An event of so many bytes stands on the topic."""
        self._unread[partition].append((offset, size))
        self._bytes[partition] += size

    async def __call__(self, placed: Sequence[Placed]) -> None:
        """
        Count a batch; return when there is room for another.

        Raises:
            CapacityExceeded: There is none, and nobody reads.
        """
        for parcel, place in placed:
            size = record_bytes(parcel.key, parcel.value)
            self.add(place.partition, offset=place.offset, size=size)
        self._since_look += len(placed)
        if self._since_look >= LOOK_EVERY or max(self._bytes.values(), default=0) > UNREAD_BYTES:
            self._since_look = 0
            await self._wait()

    async def _wait(self) -> None:
        read, moved = -1, time.monotonic()
        try:
            while crowded := self._crowded(positions := await self._look()):
                self._on_wait(True)
                reading = sum(p.reading for parts in positions.values() for p in parts.values())
                if reading > read:
                    read, moved = reading, time.monotonic()
                elif time.monotonic() - moved > self._patience:
                    raise CapacityExceeded(_nobody_reads(crowded, self._patience))
                await asyncio.sleep(POLL)
        finally:
            self._on_wait(False)

    def _crowded(self, positions: Positions) -> str:
        """The first topic without room, in words; empty when all have some."""
        for partition, position in positions[self._events].items():
            self._forget(partition, position.reading)
        for partition, size in self._bytes.items():
            if size > UNREAD_BYTES:
                return f"topic {self._events!r}, partition {partition}: {size / MIB:.1f} MiB"
        for topic, partitions in positions.items():
            for partition, position in partitions.items():
                if topic != self._events and position.lag > CAUSED_RECORDS:
                    return f"topic {topic!r}, partition {partition}: {position.lag} records"
        return ""

    def _forget(self, partition: int, reading: int) -> None:
        """What stands before an offset was read."""
        unread = self._unread[partition]
        while unread and unread[0][0] < reading:
            self._bytes[partition] -= unread.popleft()[1]


def _nobody_reads(crowded: str, patience: float) -> str:
    return (
        f"{crowded} not read yet, and no worker has read any in {patience:g} s.  The embedded "
        "broker would drop the oldest: start `headwater worker` and go on, or use Apache Kafka "
        "(HEADWATER_BROKER=host:port)"
    )


async def backlog_of(
    broker: Broker,
    names: Topics,
    *,
    group: str,
    on_wait: Callable[[bool], None],
    patience: float = PATIENCE,
) -> Backlog:
    """A backlog of a group that knows what waited before the first event was sent."""
    events = names.name(topics.EVENTS)
    watched = [names.name(t) for t in (topics.EVENTS, topics.SLATE_REQUESTS, topics.CO_VISITS)]

    async def look() -> Positions:
        return await group_positions(broker, group=group, topics=watched)

    backlog = Backlog(names, look, patience=patience, on_wait=on_wait)
    positions = (await look())[events]
    reader = LogReader(broker, events)
    try:
        await reader.start({p: position.reading for p, position in positions.items()})
        while reader.behind:
            for record in await reader.read(wait=1.0):
                size = record_bytes(record.key, record.value)
                backlog.add(record.partition, offset=record.offset, size=size)
    finally:
        await reader.stop()
    return backlog
