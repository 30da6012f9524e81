"""A broker that is killed, and one that stands still."""

from __future__ import annotations

import pytest

from benchmarks.apache_kafka import ApacheKafka
from tests.support.drills import Drill
from tests.support.streaming import RATE, Moment

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]


async def test_a_broker_killed(drill: Drill, kafka: ApacheKafka) -> None:
    """SIGKILL of the only broker, started again with its data."""

    def restart() -> None:
        kafka.kill()
        kafka.start()

    await drill.ready("one")
    await drill.ready("two")
    await drill.stream(rate=RATE, seconds=25, timeline=[Moment(6, restart)])
    outcome = await drill.finish(patience=90)
    assert not outcome.damage
    assert not outcome.dead_letters


async def test_a_broker_paused(drill: Drill, kafka: ApacheKafka) -> None:
    """SIGSTOP of the only broker for 15 s."""
    await drill.ready("one")
    await drill.ready("two")
    timeline = [Moment(5, kafka.pause), Moment(20, kafka.resume)]
    try:
        await drill.stream(rate=RATE, seconds=28, timeline=timeline)
        outcome = await drill.finish(patience=90)
    finally:
        kafka.resume()
    assert not outcome.damage
    assert not outcome.dead_letters
