"""
A topic read as the log that it is, outside any consumer group.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.errors import TopicMismatch
from streams.kafka.brokers import Broker
from streams.kafka.declaring import partition_counts


class Record(NamedTuple):
    """One record of a topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    received_at: float
    """Its timestamp, seconds since 1970."""
    headers: tuple[tuple[str, bytes], ...] = ()
    generation: int = -1
    """Of the consumer group that it was read in; -1 where it was read outside of one."""


class LogReader:
    """
    A topic read from given offsets on, all partitions, outside any consumer group.

    No group means no rebalance and no commit: the position is kept by whoever reads.
    """

    def __init__(self, broker: Broker, topic: str, *, partitions: Sequence[int] = ()) -> None:
        self._broker = broker
        self.topic = topic
        self._wanted = tuple(partitions)
        self.positions: dict[int, int] = {}
        """Partition to the next offset to read."""
        self.ends: dict[int, int] = {}
        """Partition to the end of the log when reading started."""
        self._consumer: Any = None

    async def start(
        self, offsets: Mapping[int, int] | None = None, *, at_end: bool = False
    ) -> None:
        """
        Connect and go to the offsets given, else to the beginning or the end.

        An offset outside the log, such as one of a broker that has lost its data, restarts that
        partition from its beginning: look at `restarted`.

        Raises:
            TopicMismatch: The topic does not exist.
        """
        self._consumer = AIOKafkaConsumer(
            **self._broker.options(),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=int(self._broker.fetch_wait * 1000),
            max_partition_fetch_bytes=4 * 1_048_576,
        )
        await self._consumer.start()
        parts = [TopicPartition(self.topic, p) for p in self._wanted or await self._partitions()]
        self._consumer.assign(parts)
        begins = await self._consumer.beginning_offsets(parts)
        ends = await self._consumer.end_offsets(parts)
        self.begins = {tp.partition: offset for tp, offset in begins.items()}
        self.ends = {tp.partition: offset for tp, offset in ends.items()}
        wanted = dict(offsets or {})
        inside = {
            p: o for p, o in wanted.items() if self.begins.get(p, 0) <= o <= self.ends.get(p, 0)
        }
        self.restarted = inside != wanted
        for tp in parts:
            start = self.ends if at_end else self.begins
            position = inside.get(tp.partition, start[tp.partition])
            self.positions[tp.partition] = position
            self._consumer.seek(tp, position)

    async def _partitions(self) -> list[int]:
        count = (await partition_counts(self._broker)).get(self.topic, 0)
        if not count:
            raise TopicMismatch(
                f"topic {self.topic!r} does not exist at {self._broker.bootstrap}: "
                "run `headwater topics create`"
            )
        return list(range(count))

    async def read(self, *, wait: float, most: int = 2000) -> list[Record]:
        """The next records, in order per partition; none after `wait` seconds without any."""
        found = await self._consumer.getmany(timeout_ms=int(wait * 1000), max_records=most)
        records = [_record(m) for messages in found.values() for m in messages]
        for record in records:
            self.positions[record.partition] = record.offset + 1
        if not records and self.behind:
            await self._pass_gaps()
        return records

    async def _pass_gaps(self) -> None:
        """Go past what compaction has left of the end of a log: offsets without records."""
        for partition in self.positions:
            position = await self._consumer.position(TopicPartition(self.topic, partition))
            self.positions[partition] = position

    def rewind(self) -> None:
        """Read again from the beginning."""
        self.go_to(self.begins)

    def go_to(self, offsets: Mapping[int, int]) -> None:
        """Read on from these offsets, which must be in the log; other partitions stay."""
        for partition, offset in offsets.items():
            self.positions[partition] = offset
            self._consumer.seek(TopicPartition(self.topic, partition), offset)

    @property
    def behind(self) -> int:
        """Offsets between here and the end seen at start; 0 when caught up."""
        return sum(max(end - self.positions[p], 0) for p, end in self.ends.items())

    async def lag(self) -> int:
        """Offsets between here and the end of the log now."""
        ends = await self._consumer.end_offsets([TopicPartition(self.topic, p) for p in self.ends])
        return sum(max(end - self.positions[tp.partition], 0) for tp, end in ends.items())

    async def stop(self) -> None:
        """Disconnect; one that was never started is no error."""
        if self._consumer is not None:
            await self._consumer.stop()


def _record(message: Any) -> Record:
    return Record(
        message.topic,
        message.partition,
        message.offset,
        message.key,
        message.value,
        message.timestamp / 1000.0,
        tuple(message.headers),
    )


async def read_to_end(
    broker: Broker, topic: str, *, offsets: Mapping[int, int] | None = None
) -> AsyncIterator[list[Record]]:
    """Every record that is on the topic now, in batches; from given offsets on where there are."""
    reader = LogReader(broker, topic)
    try:
        await reader.start(offsets)
        while reader.behind:
            if records := await reader.read(wait=1.0):
                yield records
            elif not await reader.lag():
                return
    finally:
        await reader.stop()
