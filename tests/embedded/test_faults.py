"""
A quick selection of faults, on the mock cluster of librdkafka, so no Kafka is needed.

The same audit as in `tests/faults`: every event folded exactly once, and answered.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agents.consuming import EXIT_CODE
from streams import topics
from streams.embedded import EmbeddedBroker
from streams.kafka import Broker
from tests.support.drills import PARTITIONS, Drill
from tests.support.streaming import Moment
from tests.support.wire import send

PRODUCE = 0
"""Kafka's number of the request."""
NOT_LEADER, TIMED_OUT, TOO_FEW_REPLICAS = 6, 7, 19
NOT_AUTHORIZED = 29
RATE = 50.0
SESSION = "3"
"""Seconds until the partitions of one that was killed are given out again."""
POISON = (
    (topics.EVENTS, b"poison", b"\xff\xfe\x00\x80"),
    (topics.EVENTS, None, b'{"kind":"forget","user_id":"user-1"}'),
    (topics.CO_VISITS, b"item-1", b"[" * 100_000),
    (topics.SLATE_REQUESTS, b"user-1", None),
)


@pytest.fixture
def mock() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as embedded:
        yield embedded


@pytest.fixture
async def mocked(mock: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Drill]:
    """A drill on the mock cluster; not in the table, for it is no Kafka."""
    broker = Broker(mock.bootstrap, fetch_wait=0.01)
    async with Drill(broker, prefix="", folder=tmp_path) as drill:
        for name in dict(drill.names):
            mock.declare(name, PARTITIONS)
        await drill.announce(100)
        yield drill


async def test_a_worker_killed_and_then_deployed_anew_loses_nothing(mocked: Drill) -> None:
    worker = await mocked.ready("one", HEADWATER_SESSION_TIMEOUT=SESSION)
    timeline = [Moment(1.0, worker.kill), Moment(3.0, worker.redeploy)]
    await mocked.stream(rate=RATE, seconds=5, timeline=timeline)
    outcome = await mocked.finish()
    assert not outcome.damage
    assert outcome.exits == (-signal.SIGKILL, 0)


async def test_poison_in_the_midst_of_a_stream_becomes_dead_letters_and_costs_nothing(
    mocked: Drill,
) -> None:
    async def poison() -> set[str]:
        ids: set[str] = set()
        for topic, key, value in POISON:
            ids.update(await send(mocked.broker, mocked.name(topic), (key, value)))
        return ids

    await mocked.ready("one")
    _, poisoned = await asyncio.gather(mocked.stream(rate=RATE, seconds=2), poison())
    outcome = await mocked.finish()
    assert mocked.dead_letters() == poisoned
    assert not outcome.damage
    assert not outcome.exits


async def test_a_broker_that_refuses_for_a_moment_costs_nothing(
    mocked: Drill, mock: EmbeddedBroker
) -> None:
    await mocked.ready("one")
    errors = (NOT_LEADER, TIMED_OUT, TOO_FEW_REPLICAS) * 5
    timeline = [
        Moment(1.0, lambda: mock.push_errors(PRODUCE, *errors)),
        Moment(2.0, lambda: mock.set_rtt(200)),
        Moment(3.0, lambda: mock.set_rtt(0)),
    ]
    await mocked.stream(rate=RATE, seconds=4, timeline=timeline)
    outcome = await mocked.finish()
    assert not outcome.damage
    assert not outcome.exits


async def test_a_refusal_for_good_ends_the_worker_and_loses_nothing(
    mocked: Drill, mock: EmbeddedBroker
) -> None:
    worker = await mocked.ready("one", HEADWATER_SESSION_TIMEOUT=SESSION)
    await mocked.stream(rate=RATE, seconds=1)
    worker.freeze()  # so that the next to be refused is the worker and not the stream
    await mocked.stream(rate=RATE, seconds=1)
    mock.push_errors(PRODUCE, NOT_AUTHORIZED)
    await asyncio.to_thread(worker.thaw)
    outcome = await mocked.finish()
    assert not outcome.damage
    assert outcome.exits == (EXIT_CODE,)
