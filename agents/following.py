"""Follow a topic from a place on, as its records come."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from streams.kafka import Broker, LogReader, Record, partition_counts, partition_of

READ_WAIT = 0.2
"""Seconds a read may wait for records; how soon it is seen that nobody listens any more."""


async def follow(
    broker: Broker,
    topic: str,
    *,
    key: bytes | None = None,
    from_start: bool = False,
    stopped: Callable[[], bool],
) -> AsyncGenerator[Record, None]:
    """
    The records of a topic, what is there by time and then each as it comes.

    Args:
        broker: Where to look.
        topic: Its name there.
        key: Only records with this key, from the only partition that has them.
        from_start: Begin with the oldest record instead of the next.
        stopped: Asked whenever there is nothing to give; True ends it.

    Raises:
        TopicMismatch: The topic does not exist.
    """
    partitions = []
    if key is not None and (count := (await partition_counts(broker)).get(topic)):
        partitions = [partition_of(key, count)]
    reader = LogReader(broker, topic, partitions=partitions)
    await reader.start(at_end=not from_start)
    try:
        while not stopped():
            records = await reader.read(wait=READ_WAIT)
            for record in sorted(records, key=lambda r: r.received_at):
                if key is None or record.key == key:
                    yield record
    finally:
        await reader.stop()
