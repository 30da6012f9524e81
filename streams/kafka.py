"""
Kafka as the rest of Headwater sees it: an outbox, a log to read, topics to declare.

The only module that imports aiokafka.  Its errors leave here as ours, naming the broker and what
to do about it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    IncompatibleBrokerVersion,
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    for_code,
)
from aiokafka.partitioner import DefaultPartitioner
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from streams.errors import BrokerUnreachable, DeliveryFailed, TopicMismatch
from streams.origins import Origin
from streams.topics import Topic

MAX_REQUEST_BYTES = 16 * 1_048_588
"""Largest request of the outbox; a dead letter may be as large as what a broker ever let in."""

_TOPIC_EXISTS = 36
"""Kafka's error code for a topic that is there already."""


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


@dataclass(frozen=True, slots=True)
class Broker:
    """How to reach Kafka."""

    bootstrap: str
    """`host:port`, or several with commas between."""
    client_id: str = "headwater"
    fetch_wait: float = 0.1
    """Seconds a fetch may wait for data at the broker; a real Kafka wakes it at once."""

    def options(self) -> dict[str, Any]:
        """What every client is made with."""
        return {"bootstrap_servers": self.bootstrap, "client_id": self.client_id}


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


_partitioner = DefaultPartitioner()


def partition_of(key: bytes, partitions: int) -> int:
    """
    The partition a key's records go to, by murmur2 as with every Kafka client.

    >>> partition_of(b"ann", 4), partition_of(b"eve", 4)
    (2, 0)
    """
    places = list(range(partitions))
    return int(_partitioner(key, places, places))


async def wait_for_broker(broker: Broker, *, patience: float) -> None:
    """
    Return as soon as a broker answers.

    Args:
        broker: Where to look.
        patience: Seconds to keep trying.

    Raises:
        BrokerUnreachable: None did in that time.
    """
    try:
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(KafkaConnectionError),
            stop=stop_after_delay(patience),
            wait=wait_fixed(0.5),
            reraise=True,
        ):
            with attempt:
                async with _admin(broker) as admin:
                    await admin.describe_cluster()
    except ValueError as exc:  # aiokafka's word for an address it cannot read
        raise BrokerUnreachable(
            f"{broker.bootstrap} is no address: set HEADWATER_BROKER to host:port"
        ) from exc
    except KafkaConnectionError as exc:
        raise BrokerUnreachable(
            f"no Kafka broker answers at {broker.bootstrap} within {patience:g} s: "
            "start it, or set HEADWATER_BROKER to host:port"
        ) from exc


class Outbox:
    """
    Everything a worker sends, and the proof that it arrived.

    No linger: a record leaves at once, and batches form by themselves while one is under way.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._failure: BaseException | None = None

    async def start(self) -> None:
        """Connect."""
        self._producer = AIOKafkaProducer(
            **self._broker.options(),
            acks="all",
            linger_ms=0,
            max_batch_size=131_072,
            max_request_size=MAX_REQUEST_BYTES,
        )
        await self._producer.start()

    async def stop(self) -> None:
        """Send what is left and disconnect."""
        await self._producer.stop()

    async def post(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        partition: int | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> asyncio.Future[Any]:
        """
        Send a record; `settle` proves that it arrived.

        Raises:
            DeliveryFailed: It cannot be sent at all, or something before it could not.
        """
        self._raise_failure()
        try:
            sent: asyncio.Future[Any] = await self._producer.send(
                topic, value=value, key=key, partition=partition, headers=list(headers)
            )
        except KafkaError as exc:
            raise DeliveryFailed(f"topic {topic!r}, key {key!r}: {exc!r}") from exc
        sent.add_done_callback(self._remember_failure)
        return sent

    async def offer(self, topic: str, *, key: bytes, value: bytes) -> asyncio.Future[Origin | None]:
        """
        Send a record that the broker may find too large, which fails nothing else.

        Returns:
            What becomes the record's place after `settle`; None where it was too large.

        Raises:
            DeliveryFailed: As `post`.
        """
        self._raise_failure()
        taken: asyncio.Future[Origin | None] = asyncio.get_running_loop().create_future()
        try:
            sent = await self._producer.send(topic, value=value, key=key)
        except MessageSizeTooLargeError:
            taken.set_result(None)
        except KafkaError as exc:
            raise DeliveryFailed(f"topic {topic!r}, key {key!r}: {exc!r}") from exc
        else:
            sent.add_done_callback(partial(self._tell, taken))
        return taken

    def _tell(self, taken: asyncio.Future[Origin | None], sent: asyncio.Future[Any]) -> None:
        if sent.cancelled() or taken.cancelled():
            taken.cancel()
        elif (error := sent.exception()) is None:
            place = sent.result()
            taken.set_result(Origin(place.topic, place.partition, place.offset))
        elif isinstance(error, MessageSizeTooLargeError):
            taken.set_result(None)
        else:
            self._remember_failure(sent)
            taken.cancel()

    async def settle(self) -> None:
        """
        Wait until the broker has acknowledged everything posted so far.

        Raises:
            DeliveryFailed: Some of it was not taken, now or earlier.
        """
        await self._producer.flush()
        self._raise_failure()

    def _remember_failure(self, sent: asyncio.Future[Any]) -> None:
        if self._failure is None and not sent.cancelled():
            self._failure = sent.exception()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise DeliveryFailed(f"the broker refused a record: {self._failure!r}")


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
        return records

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
        """Disconnect."""
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


async def read_to_end(broker: Broker, topic: str) -> AsyncIterator[list[Record]]:
    """Every record that is on the topic now, in batches."""
    reader = LogReader(broker, topic)
    try:
        await reader.start()
        while reader.behind:
            if records := await reader.read(wait=1.0):
                yield records
            elif not await reader.lag():
                return
    finally:
        await reader.stop()


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


@asynccontextmanager
async def _admin(broker: Broker) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**broker.options())
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def cluster_id(broker: Broker) -> str:
    """The id a cluster was given when it was made; another one means another log."""
    async with _admin(broker) as admin:
        described = await admin.describe_cluster()
    return str(described["cluster_id"])


async def declare_topics(
    broker: Broker, topics: Mapping[str, Topic], *, partitions: int, replication: int
) -> list[str]:
    """
    Create the topics that are missing; those that exist are left as they are.

    Returns:
        The names that were created.

    Raises:
        TopicMismatch: The broker refused one, with its reason.
    """
    new = [
        NewTopic(name, partitions, replication, topic_configs=dict(topic.config()))
        for name, topic in topics.items()
    ]
    async with _admin(broker) as admin:
        reply = await admin.create_topics(new)
    created = []
    for name, code, *_ in reply.topic_errors:
        if code == 0:
            created.append(name)
        elif code != _TOPIC_EXISTS:
            raise TopicMismatch(f"topic {name!r}: the broker says {for_code(code)().message}")
    return created


async def partition_counts(broker: Broker) -> dict[str, int]:
    """Topic to number of partitions, of all topics there are."""
    async with _admin(broker) as admin:
        found = await admin.describe_topics()
    return {topic["topic"]: len(topic["partitions"]) for topic in found}


async def check_topics(
    broker: Broker, topics: Mapping[str, Topic], *, partitions: int, configs: bool = True
) -> list[str]:
    """
    Compare a broker's topics with the table.

    Args:
        broker: Where to look.
        topics: Name on the broker to its row of the table.
        partitions: How many each must have.
        configs: Compare the cleanup policy too; the embedded broker cannot tell it.

    Returns:
        One line per difference, with topic, what it is and what was expected; empty when all is
        well.  Nothing is repaired: a changed topic may hold data somebody wants.
    """
    counts = await partition_counts(broker)
    wrong = []
    for name in topics:
        if name not in counts:
            wrong.append(f"topic {name!r} is missing: run `headwater topics create`")
        elif counts[name] != partitions:
            wrong.append(
                f"topic {name!r} has {counts[name]} partitions, expected {partitions}: "
                "set HEADWATER_PARTITIONS to what it has, or create it anew"
            )
    if configs:
        there = {name: topic for name, topic in topics.items() if name in counts}
        wrong += await _check_policies(broker, there)
    return wrong


async def _check_policies(broker: Broker, topics: Mapping[str, Topic]) -> list[str]:
    wanted = {name: topic.config()["cleanup.policy"] for name, topic in topics.items()}
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, name, configs={"cleanup.policy": None})
        for name in wanted
    ]
    if not resources:
        return []
    async with _admin(broker) as admin:
        try:
            replies = await admin.describe_configs(resources)
        except IncompatibleBrokerVersion:  # a broker that cannot tell, such as the embedded one
            return []
    wrong = []
    for _, _, _, name, entries in (r for reply in replies for r in reply.resources):
        policy = next((entry[1] for entry in entries if entry[0] == "cleanup.policy"), "?")
        if set(policy.split(",")) != set(wanted[name].split(",")):
            wrong.append(f"topic {name!r} has cleanup.policy {policy}, expected {wanted[name]}")
    return wrong
