"""What operators do to topics and groups behind a worker's back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, RecordsToDelete
from aiokafka.errors import CommitFailedError

from streams.kafka import Broker


@asynccontextmanager
async def _admin(broker: Broker) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def add_partitions(broker: Broker, topic: str, total: int) -> None:
    """Give a topic more partitions, as `kafka-topics --alter` does."""
    async with _admin(broker) as admin:
        await admin.create_partitions({topic: NewPartitions(total)})


async def delete_records(broker: Broker, topic: str, before: Mapping[int, int]) -> None:
    """Delete everything before an offset of each partition, as retention does."""
    async with _admin(broker) as admin:
        await admin.delete_records(
            {TopicPartition(topic, p): RecordsToDelete(offset) for p, offset in before.items()}
        )


@asynccontextmanager
async def foreign_member(
    broker: Broker, group: str, *topics: str, assignors: Sequence[object] = ()
) -> AsyncIterator[AIOKafkaConsumer]:
    """Another program that reads topics in a group: by default one that divides by ranges."""
    options = {"partition_assignment_strategy": tuple(assignors)} if assignors else {}
    consumer = AIOKafkaConsumer(
        *topics,
        bootstrap_servers=broker.bootstrap,
        group_id=group,
        client_id="somebody-else",
        session_timeout_ms=6_000,
        **options,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def delete_topics(broker: Broker, *names: str) -> None:
    """Delete topics, and return when nobody knows them any more."""
    async with _admin(broker) as admin:
        await admin.delete_topics(list(names))
        while set(names) & set(await admin.list_topics()):
            await asyncio.sleep(0.1)


async def commit(broker: Broker, group: str, topic: str, offsets: Mapping[int, int]) -> None:
    """Say where a group goes on, as `kafka-consumer-groups --reset-offsets` does."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=broker.bootstrap, group_id=group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        partitions = {TopicPartition(topic, p): offset for p, offset in offsets.items()}
        consumer.assign(list(partitions))
        while True:
            try:
                return await consumer.commit(partitions)
            except CommitFailedError:  # the session of one that was killed is not over yet
                await asyncio.sleep(0.5)
    finally:
        await consumer.stop()
