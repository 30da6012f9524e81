"""
What was sent has arrived, or the outbox says so before any offset moves.

Faust's own buffer gives up after a tenth of a second without progress, and only logs a refusal.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from streams.embedded import EmbeddedBroker
from streams.errors import DeliveryFailed
from streams.kafka import Broker, LogReader, Outbox

PRODUCE = 0
"""Kafka's number of the request."""
NOT_AUTHORIZED = 29
SLOW = 150
"""Milliseconds for an answer; Faust has patience for 100."""

Send = Callable[[Outbox], Awaitable[object]]


async def post(outbox: Outbox) -> object:
    return await outbox.post("slates", key=b"ann", value=b"{}")


async def post_later(outbox: Outbox) -> object:
    return await outbox.post_later("slates", key=b"ann", value=b"{}")


async def post_many(outbox: Outbox) -> object:
    return await outbox.post_many("slates", 0, [(b"ann", b"{}")])


async def offer(outbox: Outbox) -> object:
    return await outbox.offer("slates", key=b"ann", value=b"{}")


every_way = pytest.mark.parametrize("send", [post, post_later, post_many, offer])


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        running.declare("slates", 1)
        yield running


@pytest.fixture
async def outbox(broker: EmbeddedBroker) -> AsyncIterator[Outbox]:
    made = Outbox(Broker(broker.bootstrap, fetch_wait=0.01))
    await made.start()
    yield made
    await made.stop()


async def count(broker: EmbeddedBroker) -> int:
    """Records on the topic."""
    reader = LogReader(Broker(broker.bootstrap, fetch_wait=0.01), "slates")
    await reader.start()
    await reader.stop()
    return reader.ends[0]


@every_way
async def test_what_is_settled_has_arrived_however_long_that_takes(
    broker: EmbeddedBroker, outbox: Outbox, send: Send
) -> None:
    await post(outbox)
    await outbox.settle()
    broker.set_rtt(SLOW)
    await send(outbox)
    await outbox.settle()
    broker.set_rtt(0)
    assert await count(broker) == 2


@every_way
async def test_what_was_posted_and_settled_knows_its_place(
    broker: EmbeddedBroker, outbox: Outbox, send: Send
) -> None:
    broker.set_rtt(SLOW)
    sent, many = await post(outbox), await outbox.post_many("slates", 0, [(b"eve", b"{}")])
    await send(outbox)
    await outbox.settle()
    broker.set_rtt(0)
    assert sent.done()  # type: ignore[attr-defined]
    assert many.offsets() is not None


@every_way
async def test_a_refusal_is_said_by_the_next_to_ask_and_for_ever(
    broker: EmbeddedBroker, outbox: Outbox, send: Send
) -> None:
    broker.push_errors(PRODUCE, NOT_AUTHORIZED)
    await send(outbox)
    for _ in range(2):
        with pytest.raises(DeliveryFailed, match="TopicAuthorizationFailed"):
            await outbox.settle()


@every_way
async def test_after_a_refusal_nothing_more_is_sent(
    broker: EmbeddedBroker, outbox: Outbox, send: Send
) -> None:
    broker.push_errors(PRODUCE, NOT_AUTHORIZED)
    await post(outbox)
    with pytest.raises(DeliveryFailed):
        await outbox.settle()
    with pytest.raises(DeliveryFailed):
        await send(outbox)
    assert await count(broker) == 0


async def test_what_has_arrived_is_on_every_copy_of_its_topic(outbox: Outbox) -> None:
    """A leader's word alone is gone with the leader."""
    assert [p._sender._acks for p in (outbox._producer, outbox._bulk)] == [-1, -1]


async def test_a_log_is_read_outside_of_any_group(broker: EmbeddedBroker) -> None:
    """So that a replica is there while partitions move."""
    reader = LogReader(Broker(broker.bootstrap, fetch_wait=0.01), "slates")
    await reader.start()
    assert reader._consumer._group_id is None
    await reader.stop()
