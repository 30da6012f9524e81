"""A broker that refuses and dawdles: the mock cluster of librdkafka, so no Kafka is needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agents.consuming import EXIT_CODE
from streams.embedded import EmbeddedBroker
from streams.kafka import Broker
from tests.support.drills import PARTITIONS, Drill
from tests.support.streaming import Moment

PRODUCE = 0
"""Kafka's number of the request."""
NOT_LEADER, TIMED_OUT, TOO_FEW_REPLICAS = 6, 7, 19
NOT_AUTHORIZED = 29


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
    await mocked.stream(rate=50, seconds=4, timeline=timeline)
    outcome = await mocked.finish()
    assert not outcome.damage
    assert not outcome.exits


async def test_a_refusal_for_good_ends_the_worker_and_loses_nothing(
    mocked: Drill, mock: EmbeddedBroker
) -> None:
    worker = await mocked.ready("one")
    await mocked.stream(rate=50, seconds=1)
    worker.freeze()  # so that the next to be refused is the worker and not the stream
    await mocked.stream(rate=50, seconds=1)
    mock.push_errors(PRODUCE, NOT_AUTHORIZED)
    await asyncio.to_thread(worker.thaw)
    outcome = await mocked.finish()
    assert not outcome.damage
    assert outcome.exits == (EXIT_CODE,)
