"""The sums, from what is on the topics."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from benchmarks.refolding import Difference, Refold
from benchmarks.soak.sums import Sums, sums_of
from streams.events import Interaction
from streams.profiles import Profile

KNOWN = {"ann": Profile(seen=("dune",), counters={"click": 200}), "eve": Profile()}


def folded() -> Refold:
    """Ann, who was known, acts on what she knew and on what is new to her."""
    found = Refold(KNOWN)
    for offset, item in enumerate(["dune", "emma"]):
        event = Interaction(user_id="ann", item_id=item, action="like", at=100.0 + offset)
        found.add(event, partition=0, offset=offset)
    return found


def add_up(found: Refold) -> Sums:
    return sums_of(2, found.profiles, found.trends, known=KNOWN, wanted=folded(), dead_letters=0)


EXACT = Sums(
    events=2,
    in_profiles=2,
    in_trends=2,
    difference=Difference(0, 0, 0),
    new_ids=1,
    dead_letters=0,
)


def test_what_was_there_in_the_beginning_does_not_count() -> None:
    assert add_up(folded()) == EXACT


def test_an_event_missing_in_a_profile_is_missing_in_the_sum() -> None:
    found = folded()
    found.profiles["ann"] = msgspec.structs.replace(
        found.profiles["ann"], counters={"click": 200, "like": 1}
    )
    assert add_up(found) == replace(EXACT, in_profiles=1, difference=Difference(1, 0, 1))


def test_an_event_twice_in_a_trend_is_too_much_in_the_sum() -> None:
    found = folded()
    found.trends["emma"] = msgspec.structs.replace(found.trends["emma"], interactions=2)
    assert add_up(found) == replace(EXACT, in_trends=3, difference=Difference(0, 1, 1))


def test_a_profile_of_the_beginning_that_is_gone_is_noticed() -> None:
    found = folded()
    del found.profiles["eve"]
    assert add_up(found).difference.wrong == 1
