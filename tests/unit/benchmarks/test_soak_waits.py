"""Which events were answered, and when."""

from __future__ import annotations

import math

import pytest

from benchmarks.soak.waits import Answer, Waits, quantiles_ms
from streams.requests import Trigger


def slate(*triggers: int, partition: int = 0) -> Answer:
    """It answers the last of them, and names the others."""
    *older, newest = (f"events-{partition}-{offset}" for offset in triggers)
    return Answer(Trigger(newest, "click", 0.0, 0.0), supersedes=tuple(older))


def sent(*moments: float) -> Waits:
    waits = Waits()
    for offset, at in enumerate(moments):
        waits.note_event(0, offset, at=at)
    return waits


def test_a_slate_answers_its_own_event_and_those_that_it_names() -> None:
    waits = sent(1.0, 2.0, 3.0)
    waits.note_slate(slate(0, 1), at=4.0)
    assert waits.take_fresh() == [2.0, 3.0]
    assert (waits.events, waits.slates, waits.superseded, waits.unanswered) == (3, 1, 1, 1)


def test_events_of_other_partitions_are_others() -> None:
    waits = sent(1.0)
    waits.note_event(1, 0, at=1.0)
    waits.note_slate(slate(0, partition=1), at=2.0)
    assert waits.unanswered == 1


def test_only_the_first_answer_ends_the_wait() -> None:
    waits = sent(1.0)
    waits.note_slate(slate(0), at=2.0)
    waits.note_slate(slate(0), at=9.0)
    assert waits.take_fresh() == [1.0]
    assert waits.between(0.0, 2.0).tolist() == [1.0]


def test_a_slate_that_comes_again_is_a_repeat_and_one_that_names_it_is_none() -> None:
    waits = sent(1.0, 2.0)
    waits.note_slate(slate(0), at=3.0)
    waits.note_slate(slate(0, 1), at=4.0)
    assert waits.repeated == 0
    waits.note_slate(slate(0), at=5.0)
    assert waits.repeated == 1


def test_a_slate_may_be_read_before_its_event() -> None:
    waits = Waits()
    waits.note_slate(slate(0), at=2.0)
    assert waits.take_fresh() == []
    waits.note_event(0, 0, at=1.5)
    assert waits.take_fresh() == [0.5]
    assert waits.take_fresh() == []
    assert waits.unanswered == 0


def test_waits_are_those_of_the_events_sent_in_the_time_asked_for() -> None:
    waits = sent(1.0, 2.0, 3.0)
    waits.note_slate(slate(1), at=2.25)
    found = waits.between(2.0, 4.0)
    assert found[0] == 0.25
    assert math.isnan(found[1])
    assert len(found) == 2


def test_nothing_sent_is_nothing_waiting() -> None:
    assert Waits().unanswered == 0
    assert len(Waits().between(0.0, 9.0)) == 0


def test_degraded_slates_are_counted() -> None:
    waits = sent(1.0)
    waits.note_slate(Answer(slate(0).trigger, degraded=("replica-behind: 3",)), at=2.0)
    assert waits.degraded == 1


def test_of_nothing_there_is_no_quantile() -> None:
    assert all(math.isnan(q) for q in quantiles_ms([]))


def test_quantiles_are_in_milliseconds() -> None:
    assert quantiles_ms([n / 1000 for n in range(101)]) == pytest.approx((50.0, 99.0, 100.0))
