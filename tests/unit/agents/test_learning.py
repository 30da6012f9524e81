"""One lesson in: the ranker of its strategy folded, once however often it comes."""

import pytest

from agents.learning import Learning
from agents.metrics import Metrics
from agents.testing import DictState
from slates.ranking import START
from streams.errors import MalformedEvent
from streams.kafka import Record
from streams.rankers import (
    Lesson,
    Ranker,
    decode_ranker,
    encode_lesson,
    encode_ranker,
    fold_lesson,
)


class Folding:
    """A `Learning` with what it was handed."""

    def __init__(self) -> None:
        self.rankers: DictState[Ranker] = DictState()
        self.metrics = Metrics()
        self.learning = Learning(rankers=self.rankers, metrics=self.metrics)

    async def fold(self, value: bytes | None, *, key: bytes | None = b"hybrid") -> None:
        await self.learning.fold_lesson(Record("lessons", 3, 11, key, value, 0.0))

    def folded(self) -> float | None:
        labels = {"step": "folded"}
        return self.metrics.registry.get_sample_value("headwater_lessons_total", labels)


def lesson(offset: int = 0, *, partition: int = 0, close: float = 0.5) -> bytes:
    return encode_lesson(Lesson({"close": close}, partition, offset))


async def test_a_lesson_is_folded_into_the_ranker_of_its_strategy() -> None:
    folding = Folding()
    await folding.fold(lesson(0))
    await folding.fold(lesson(1, close=-0.1))
    once = fold_lesson(Ranker(), Lesson({"close": 0.5}, 0, 0), start=START)
    twice = fold_lesson(once, Lesson({"close": -0.1}, 0, 1), start=START)
    assert folding.rankers.values == {"hybrid": twice}


async def test_the_first_lesson_moves_the_weights_of_the_start() -> None:
    folding = Folding()
    await folding.fold(lesson())
    weights = folding.rankers.values["hybrid"].weights
    assert weights["close"] > START["close"]
    assert {n: w for n, w in weights.items() if n != "close"} == {
        n: w for n, w in START.items() if n != "close"
    }


async def test_strategies_learn_apart() -> None:
    folding = Folding()
    await folding.fold(lesson(0), key=b"hybrid")
    await folding.fold(lesson(0), key="größer".encode())
    assert set(folding.rankers.values) == {"hybrid", "größer"}
    assert {ranker.lessons for ranker in folding.rankers.values.values()} == {1}


async def test_a_ranker_is_put_where_its_lesson_came_from() -> None:
    folding = Folding()
    await folding.fold(lesson())
    assert [(key, partition) for key, _, partition in folding.rankers.puts] == [("hybrid", 3)]


async def test_a_repeated_lesson_changes_nothing() -> None:
    folding = Folding()
    for again in (0, 1, 1, 0):
        await folding.fold(lesson(again))
    assert len(folding.rankers.puts) == folding.folded() == 2
    assert folding.rankers.values["hybrid"].lessons == 2


async def test_lessons_of_other_partitions_of_events_are_no_repeats() -> None:
    folding = Folding()
    await folding.fold(lesson(7, partition=0))
    await folding.fold(lesson(7, partition=1))
    assert folding.rankers.values["hybrid"].lessons == 2


async def test_what_can_be_folded_can_be_read_back_from_the_changelog() -> None:
    folding = Folding()
    await folding.fold(lesson(7))
    ranker = folding.rankers.values["hybrid"]
    assert decode_ranker(encode_ranker(ranker)) == ranker


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, lesson()),
        (b"hybrid", None),
        (b"hybrid", b"[]"),
        (b"hybrid", b"{}"),
        (b"hybrid", b"\xff"),
        (b"\xff", lesson()),
        (b"hybrid", encode_lesson(Lesson({"close": 1e9}, 0, 0))),
        (b"hybrid", b'{"step":{"close":"much"},"partition":0,"offset":0}'),
        (b"hybrid", b'{"x":' + b"[" * 9000 + b"]" * 9000 + b"}"),
    ],
    ids=[
        "no key",
        "no value",
        "a list",
        "short",
        "no text",
        "key no text",
        "too large a step",
        "a step in words",
        "nested deeply",
    ],
)
async def test_what_is_no_lesson_is_rejected(key: bytes | None, value: bytes | None) -> None:
    folding = Folding()
    with pytest.raises(MalformedEvent, match="lesson"):
        await folding.fold(value, key=key)
    assert folding.rankers.puts == []
    assert not folding.folded()
