"""
How far a consumer group has come.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.kafka.brokers import Broker
from streams.kafka.declaring import partition_counts


class Position(NamedTuple):
    """How far a consumer group has come on one partition."""

    begin: int
    """First offset that is still there."""
    end: int
    """The offset that the next record gets."""
    committed: int | None
    """Next offset to read; None when the group has never committed."""

    @property
    def reading(self) -> int:
        """
        Where the group goes on; at the beginning when it never committed.

        >>> Position(begin=5, end=9, committed=2).reading
        5
        """
        return max(self.begin, self.committed or 0)

    @property
    def lag(self) -> int:
        """Offsets still to be read."""
        return max(self.end - self.reading, 0)


async def group_positions(
    broker: Broker, *, group: str, topics: Sequence[str]
) -> dict[str, dict[int, Position]]:
    """How far a consumer group has come: topic to partition to position."""
    counts = await partition_counts(broker)
    parts = [TopicPartition(topic, p) for topic in topics for p in range(counts.get(topic, 0))]
    consumer = AIOKafkaConsumer(**broker.options(), group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(parts)
        begins = await consumer.beginning_offsets(parts)
        committed = {tp: await consumer.committed(tp) for tp in parts}
    finally:
        await consumer.stop()
    found: dict[str, dict[int, Position]] = {topic: {} for topic in topics}
    for tp in parts:
        found[tp.topic][tp.partition] = Position(begins[tp], ends[tp], committed[tp])
    return found


async def group_lag(broker: Broker, *, group: str, topic: str) -> dict[int, int] | None:
    """
    How far a consumer group is behind on a topic.

    Returns:
        Partition to offsets not yet committed; None when the group has never committed there.
    """
    positions = (await group_positions(broker, group=group, topics=[topic]))[topic]
    if all(position.committed is None for position in positions.values()):
        return None
    return {partition: position.lag for partition, position in positions.items()}
