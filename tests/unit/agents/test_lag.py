"""Lag is what the broker has and the worker has not committed, also when nothing is fetched."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from faust.types import TP

from agents.lag import LagWatch
from agents.metrics import Metrics

A0, A1, B0 = TP("events", 0), TP("events", 1), TP("co-visits", 0)


class Consumer:
    """Knows what is committed; the broker knows the rest."""

    def __init__(self, ends: dict[TP, int] | Exception, committed: dict[TP, int | None]) -> None:
        self.ends = ends
        self._committed_offset = committed
        self.mine = set(committed)

    def assignment(self) -> set[TP]:
        return self.mine

    async def highwaters(self, *tps: TP) -> dict[TP, int]:
        if isinstance(self.ends, Exception):
            raise self.ends
        return {tp: self.ends[tp] for tp in tps}


class Looking:
    """A watch that is asked to look."""

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer
        self.metrics = Metrics()
        app = SimpleNamespace(consumer=consumer)
        self.watch = LagWatch(app, topics=["events", "co-visits"], metrics=self.metrics)

    async def look(self) -> dict[str, float | None]:
        await self.watch.look()
        sample = self.metrics.registry.get_sample_value
        return {t: sample("headwater_consumer_lag", {"topic": t}) for t in ("events", "co-visits")}


async def test_the_partitions_of_a_topic_are_added_up() -> None:
    looking = Looking(Consumer({A0: 10, A1: 7, B0: 3}, {A0: 4, A1: None, B0: 3}))
    assert await looking.look() == {"events": 13, "co-visits": 0}


async def test_a_topic_whose_partitions_have_gone_to_others_has_no_lag_here() -> None:
    looking = Looking(Consumer({A0: 10, B0: 3}, {A0: 4, B0: 1}))
    await looking.look()
    looking.consumer.mine = {B0}
    assert await looking.look() == {"events": 0, "co-visits": 2}
    looking.consumer.mine = set()
    assert await looking.look() == {"events": 0, "co-visits": 0}


@pytest.mark.parametrize("error", [ConnectionError("gone"), TimeoutError()])
async def test_while_the_broker_does_not_answer_the_last_figures_stand(error: Exception) -> None:
    looking = Looking(Consumer({A0: 10}, {A0: 4}))
    await looking.look()
    looking.consumer.ends = error
    assert (await looking.look())["events"] == 6
