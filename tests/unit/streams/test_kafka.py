"""What can be said of Kafka without one: how it is reached, and what is said when it is not."""

from typing import Any

import pytest
from aiokafka import TopicPartition

from streams.errors import BrokerUnreachable
from streams.kafka import (
    Broker,
    LogReader,
    Position,
    partition_of,
    wait_for_broker,
)
from streams.topics import ALL

NOBODY = "127.0.0.1:1"
"""Port 1 is never listened to."""


def test_every_client_is_made_with_address_and_name() -> None:
    options = Broker("one:9092,two:9092", client_id="worker-1").options()
    assert options == {
        "bootstrap_servers": "one:9092,two:9092",
        "client_id": "worker-1",
        "security_protocol": "PLAINTEXT",
    }


def test_the_outbox_can_send_whatever_a_topic_can_hold() -> None:
    assert max(topic.max_message_bytes for topic in ALL) <= Broker("x").max_request


async def test_nobody_at_the_address_is_said_with_the_address_and_what_to_do() -> None:
    with pytest.raises(BrokerUnreachable, match=rf"{NOBODY} within 0\.01 s: start it, or set"):
        await wait_for_broker(Broker(NOBODY), patience=0.01)


async def test_an_address_that_does_not_resolve_is_nobody() -> None:
    with pytest.raises(BrokerUnreachable, match="nowhere"):
        await wait_for_broker(Broker("nowhere.invalid:9092"), patience=0.01)


async def test_an_address_that_is_none_is_said_to_be_wrong() -> None:
    with pytest.raises(BrokerUnreachable, match="localhost:abc"):
        await wait_for_broker(Broker("localhost:abc"), patience=0.01)


def test_a_reader_is_behind_by_what_lies_before_the_end_it_saw() -> None:
    reader = LogReader(Broker(NOBODY), "items")
    reader.ends, reader.positions = {0: 10, 1: 5}, {0: 4, 1: 5}
    assert reader.behind == 6


def test_a_reader_past_the_end_it_saw_is_not_behind() -> None:
    reader = LogReader(Broker(NOBODY), "items")
    reader.ends, reader.positions = {0: 10, 1: 5}, {0: 12, 1: 4}
    assert reader.behind == 1


def test_a_reader_of_an_empty_log_is_not_behind() -> None:
    assert LogReader(Broker(NOBODY), "items").behind == 0


class Compacted:
    """A consumer of aiokafka whose log has no records before offset 10, though it had them."""

    async def getmany(self, **_: Any) -> dict[TopicPartition, list[Any]]:
        return {}

    async def position(self, _: TopicPartition) -> int:
        return 10


async def test_a_reader_goes_past_an_end_that_compaction_has_emptied() -> None:
    """Else it would be behind for ever."""
    reader = LogReader(Broker(NOBODY), "items")
    reader._consumer = Compacted()
    reader.ends, reader.positions = {0: 10}, {0: 4}
    assert await reader.read(wait=0.0) == []
    assert (reader.behind, reader.positions) == (0, {0: 10})


# Where a group stands, and where a key goes


def test_a_group_that_never_committed_goes_on_at_the_beginning() -> None:
    assert Position(begin=5, end=9, committed=None).lag == 4


def test_a_group_whose_place_is_gone_goes_on_at_the_beginning() -> None:
    assert Position(begin=5, end=9, committed=2).lag == 4


def test_a_group_at_the_end_has_no_lag() -> None:
    assert Position(begin=5, end=9, committed=9).lag == 0
    assert Position(begin=0, end=0, committed=None).lag == 0


def test_a_group_that_committed_past_a_lost_end_has_no_lag() -> None:
    assert Position(begin=0, end=3, committed=9).lag == 0


@pytest.mark.parametrize(
    ("key", "murmur2"),
    [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536)],
)
def test_a_key_goes_where_the_java_client_sends_it(key: bytes, murmur2: int) -> None:
    """The hashes are those of Kafka's own UtilsTest."""
    assert partition_of(key, 11) == (murmur2 & 0x7FFFFFFF) % 11


@pytest.mark.parametrize("partitions", [1, 4, 7])
def test_a_key_stays_within_the_partitions(partitions: int) -> None:
    places = {partition_of(str(n).encode(), partitions) for n in range(200)}
    assert places == set(range(partitions))
