"""One co-visit in: the trend of its item folded, once however often it comes."""

import pytest

from agents.metrics import Metrics
from agents.testing import DictState
from agents.trending import Trending
from streams.errors import MalformedEvent
from streams.kafka import Record
from streams.trends import CoVisit, Trend, decode_trend, encode_co_visit, encode_trend, fold

HALF_LIFE = 1000.0


class Folding:
    """A `Trending` with what it was handed."""

    def __init__(self) -> None:
        self.trends: DictState[Trend] = DictState()
        self.metrics = Metrics()
        self.trending = Trending(trends=self.trends, half_life=HALF_LIFE, metrics=self.metrics)

    async def fold(self, value: bytes | None, *, key: bytes | None = b"dune") -> None:
        await self.trending.fold_co_visit(Record("co-visits", 3, 11, key, value, 0.0))

    def folded(self) -> float | None:
        return self.metrics.registry.get_sample_value("headwater_co_visits_folded_total")


def visit(offset: int = 0, *, partition: int = 0, at: float = 0.0, gain: float = 1.0) -> CoVisit:
    return CoVisit(at=at, gain=gain, first=True, partition=partition, offset=offset)


async def test_a_co_visit_is_folded_into_the_trend_of_its_item() -> None:
    folding = Folding()
    await folding.fold(encode_co_visit(visit(0)))
    await folding.fold(encode_co_visit(visit(1, at=HALF_LIFE)))
    expected = fold(
        fold(Trend(), visit(0), half_life=HALF_LIFE), visit(1, at=HALF_LIFE), half_life=HALF_LIFE
    )
    assert folding.trends.values == {"dune": expected}
    assert expected.popularity == 1.5


async def test_a_trend_is_put_where_its_co_visit_came_from() -> None:
    folding = Folding()
    await folding.fold(encode_co_visit(visit(0)))
    assert [(key, partition) for key, _, partition in folding.trends.puts] == [("dune", 3)]


async def test_a_repeated_co_visit_changes_nothing() -> None:
    folding = Folding()
    for again in (0, 1, 1, 0):
        await folding.fold(encode_co_visit(visit(again)))
    assert len(folding.trends.puts) == folding.folded() == 2
    assert folding.trends.values["dune"].interactions == 2


async def test_co_visits_of_other_partitions_of_events_are_no_repeats() -> None:
    folding = Folding()
    await folding.fold(encode_co_visit(visit(7, partition=0)))
    await folding.fold(encode_co_visit(visit(7, partition=1)))
    assert folding.trends.values["dune"].supporters == 2


async def test_a_trend_in_another_partition_is_not_the_item_s() -> None:
    folding = Folding()
    folding.trends.shard(0).put("dune", Trend(popularity=9.0))
    await folding.fold(encode_co_visit(visit(0)))
    folded = folding.trends.shard(3).peek("dune")
    assert folded is not None
    assert folded.popularity == 1.0


async def test_what_can_be_folded_can_be_read_back_from_the_changelog() -> None:
    folding = Folding()
    await folding.fold(encode_co_visit(visit(7, at=86_400.0 * 20_000)))
    trend = folding.trends.values["dune"]
    assert decode_trend(encode_trend(trend)) == trend


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, b"[]"),
        (b"dune", None),
        (b"dune", b"{}"),
        (b"dune", b"[1]"),
        (b"dune", b"\xff"),
        (b"\xff", encode_co_visit(visit(0))),
        (b"dune", b"[0.0,1.0,true,0,0," + b"[" * 9000 + b"]" * 9000 + b"]"),
    ],
    ids=["no key", "no value", "an object", "short", "no text", "key no text", "nested deeply"],
)
async def test_what_is_no_co_visit_is_rejected(key: bytes | None, value: bytes | None) -> None:
    folding = Folding()
    with pytest.raises(MalformedEvent):
        await folding.fold(value, key=key)
    assert folding.trends.puts == []
