"""Two workers on Apache Kafka, one of them gone for good: none lost, none counted twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.apache_kafka import ApacheKafka
from streams.kafka import Broker
from tests.support.drills import Drill
from tests.support.streaming import Moment
from tests.support.supervising import Supervised

pytestmark = pytest.mark.kafka


@pytest.mark.timeout(180)
@pytest.mark.parametrize("ending", [Supervised.lose, Supervised.stop], ids=["killed", "stopped"])
async def test_every_event_counts_exactly_once_when_a_worker_ends(
    kafka: ApacheKafka, tmp_path: Path, ending: Callable[[Supervised], None]
) -> None:
    broker = Broker(kafka.bootstrap)
    async with Drill(broker, prefix=f"{ending.__name__}.", folder=tmp_path) as drill:
        await drill.declare()
        await drill.announce()
        one, two = await drill.ready("one"), await drill.ready("two")
        await drill.stream(rate=200, seconds=10, timeline=[Moment(5, lambda: ending(one))])
        assert two.figures().total("headwater_events_folded_total") > 0
        outcome = await drill.finish()
    assert outcome.events == 2_000
    assert not outcome.damage
    assert not outcome.dead_letters
    assert not outcome.exits
