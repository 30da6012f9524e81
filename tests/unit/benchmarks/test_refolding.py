"""The oracle of soak and fault suite, and how it tells what differs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from benchmarks.refolding import Difference, Refold, compare
from streams.events import Interaction
from streams.predecessors import Predecessors
from streams.profiles import Profile


def refold(*, known: dict[str, Profile] | None = None) -> Refold:
    """Three events of two users on two items."""
    wanted = Refold(known)
    for offset, (user, item) in enumerate([("ann", "dune"), ("eve", "dune"), ("ann", "emma")]):
        event = Interaction(user_id=user, item_id=item, action="click", at=100.0 + offset)
        wanted.add(event, partition=0, offset=offset)
    return wanted


def test_each_event_is_in_one_profile_and_in_one_trend() -> None:
    wanted = refold()
    assert {user: dict(p.counters) for user, p in wanted.profiles.items()} == {
        "ann": {"click": 2},
        "eve": {"click": 1},
    }
    assert {i: t.interactions for i, t in wanted.trends.items()} == {"dune": 2, "emma": 1}


def test_what_was_known_before_is_folded_on() -> None:
    known = {"ann": Profile(seen=("emma",), counters={"click": 200})}
    wanted = refold(known=known)
    assert wanted.profiles["ann"].counters == {"click": 202}
    assert wanted.trends["emma"].supporters == 0, "she had seen it"
    assert known["ann"].counters == {"click": 200}


def test_the_same_is_no_difference() -> None:
    found = refold()
    assert compare(found.profiles, found.trends, wanted=refold()) == Difference(0, 0, 0)


def test_the_last_digits_of_a_popularity_are_no_difference() -> None:
    found = refold()
    trend = found.trends["dune"]
    found.trends["dune"] = msgspec.structs.replace(trend, popularity=trend.popularity * (1 + 1e-12))
    assert compare(found.profiles, found.trends, wanted=refold()).wrong == 0


@pytest.mark.parametrize(
    "change",
    [{"surge": 9.0}, {"predecessors": Predecessors(("emma",), (1,), (10_000,), (10_000,))}],
)
def test_another_surge_and_other_predecessors_are_wrong(change: dict[str, Any]) -> None:
    found = refold()
    found.trends["dune"] = msgspec.structs.replace(found.trends["dune"], **change)
    assert compare(found.profiles, found.trends, wanted=refold()) == Difference(0, 0, wrong=1)


def test_who_came_from_where_is_in_the_trends() -> None:
    assert refold().trends["emma"].predecessors.item_ids == ("dune",)


@pytest.mark.parametrize(
    ("clicks", "expected"),
    [(1, Difference(lost=1, over_counted=0, wrong=1)), (4, Difference(0, 2, 1))],
)
def test_what_a_profile_lacks_or_has_too_much_is_counted(clicks: int, expected: Difference) -> None:
    found = refold()
    found.profiles["ann"] = msgspec.structs.replace(
        found.profiles["ann"], counters={"click": clicks}
    )
    assert compare(found.profiles, found.trends, wanted=refold()) == expected


def test_a_loss_here_is_not_made_good_by_a_surplus_there() -> None:
    found = refold()
    ann, eve = found.profiles["ann"], found.profiles["eve"]
    found.profiles["ann"] = msgspec.structs.replace(ann, counters={"click": 1})
    found.profiles["eve"] = msgspec.structs.replace(eve, counters={"click": 2})
    assert compare(found.profiles, found.trends, wanted=refold()) == Difference(1, 1, 2)


def test_a_missing_trend_loses_its_events_and_is_wrong() -> None:
    found = refold()
    del found.trends["dune"]
    assert compare(found.profiles, found.trends, wanted=refold()) == Difference(2, 0, 1)


def test_another_history_is_wrong_though_the_counts_are_right() -> None:
    found = refold()
    found.profiles["ann"] = msgspec.structs.replace(found.profiles["ann"], history=())
    assert compare(found.profiles, found.trends, wanted=refold()) == Difference(0, 0, 1)
