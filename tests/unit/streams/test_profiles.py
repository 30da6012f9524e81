"""A profile is a fold of a user's events: once, in any order of arrival, and never too large."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import Event, Forget, Impression, Interaction
from streams.profiles import (
    MAX_HISTORY,
    MAX_SEEN,
    MAX_SHOWN,
    Entry,
    Profile,
    Shown,
    encode_profile,
    fold,
    is_applied,
)
from tests.support.histories import (
    GAINS,
    HISTORIES,
    INTERACTIONS,
    KNOWN,
    LAW,
    click,
    fold_all,
    folded,
    impression,
)


# What an event adds
def test_an_interaction_is_remembered_seen_and_counted() -> None:
    assert folded(Profile(), click("dune", 5.0), offset=7, partition=3) == Profile(
        history=(Entry(5.0, "dune", "click", 1.0),),
        seen=("dune",),
        counters={"click": 1},
        partition=3,
        offset=7,
    )


def test_a_rating_is_remembered_with_the_gain_of_its_stars() -> None:
    rating = Interaction(user_id="ann", at=1.0, item_id="dune", action="rating", value=0.5)
    assert folded(Profile(), rating, offset=0).history[0].gain == -2.0


def test_an_impression_is_counted_and_nothing_of_it_is_seen() -> None:
    shown = Impression(user_id="ann", at=1.0, slate_id="s", item_ids=("dune",))
    assert folded(Profile(), shown, offset=4, partition=0) == Profile(
        counters={"impression": 1}, partition=0, offset=4, shown={"dune": Shown(1, 1.0)}
    )


def test_what_is_shown_again_and_not_touched_is_counted_up() -> None:
    shows: list[Event] = [
        impression(1.0, "dune"),
        impression(3.0, "dune", "emma"),
        impression(2.0, "dune"),
    ]
    assert fold_all(shows).shown == {"dune": Shown(3, 3.0), "emma": Shown(1, 3.0)}


def test_what_was_touched_is_not_among_the_shown_any_more() -> None:
    profile = fold_all([impression(1.0, "dune", "emma"), click("dune", 2.0)])
    assert profile.shown == {"emma": Shown(1, 1.0)}


def test_of_what_was_shown_the_last_to_be_shown_are_kept() -> None:
    names = [f"item-{n}" for n in range(MAX_SHOWN + 5)]
    shows = [impression(float(n), name) for n, name in enumerate(names[:-1])]
    again = fold_all([*shows, impression(500.0, names[0]), impression(501.0, names[-1])])
    assert len(again.shown) == MAX_SHOWN
    assert names[0] in again.shown
    assert names[1] not in again.shown
    assert list(again.shown)[-2:] == [names[0], names[-1]]


def test_to_be_forgotten_leaves_nothing() -> None:
    assert fold(KNOWN, Forget("ann", 1.0), gains=GAINS, partition=3, offset=121) is None


def test_an_old_wish_to_be_forgotten_is_not_carried_out_again() -> None:
    assert fold(KNOWN, Forget("ann", 1.0), gains=GAINS, partition=3, offset=120) == KNOWN


def test_a_second_visit_is_remembered_but_seen_once() -> None:
    profile = fold_all([click("dune", 1.0), click("emma", 2.0), click("dune", 3.0)])
    assert [entry.item_id for entry in profile.history] == ["dune", "emma", "dune"]
    assert profile.seen == ("dune", "emma")
    assert profile.counters == {"click": 3}


def test_the_profile_given_is_not_changed() -> None:
    before = encode_profile(KNOWN)
    folded(KNOWN, click("solaris", 1.0), offset=121, partition=3)
    assert encode_profile(KNOWN) == before


# Once
@pytest.mark.parametrize(("offset", "applied"), [(119, True), (120, True), (121, False)])
def test_an_event_up_to_the_offset_is_contained(offset: int, applied: bool) -> None:
    assert is_applied(KNOWN, partition=3, offset=offset) == applied


def test_a_lower_offset_of_another_partition_is_not_contained() -> None:
    assert not is_applied(KNOWN, partition=2, offset=5)
    after = folded(KNOWN, click("solaris", 1.0), offset=5, partition=2)
    assert "solaris" in after.seen
    assert (after.partition, after.offset) == (2, 5)


def test_a_stranger_contains_nothing_not_even_the_first_event() -> None:
    assert not is_applied(Profile(), partition=0, offset=0)


@LAW
@given(events=HISTORIES, last=INTERACTIONS)
def test_folding_twice_equals_folding_once(events: list[Event], last: Event) -> None:
    once = fold_all([*events, last])
    assert folded(once, last, offset=len(events)) == once


@LAW
@given(events=HISTORIES, data=st.data())
def test_reading_again_from_any_earlier_place_changes_nothing(
    events: list[Event], data: st.DataObject
) -> None:
    profile = fold_all(events)
    start = data.draw(st.integers(0, len(events)))
    for offset in range(start, len(events)):
        assert folded(profile, events[offset], offset=offset) == profile


# In any order
@LAW
@given(events=HISTORIES, seed=st.integers(0, 1000))
def test_the_order_of_arrival_does_not_matter_for_what_is_known(
    events: list[Event], seed: int
) -> None:
    shuffled = random.Random(seed).sample(events, len(events))
    one, other = fold_all(events), fold_all(shuffled)
    assert one.history == other.history
    assert set(one.seen) == set(other.seen)
    assert one.counters == other.counters


@LAW
@given(events=HISTORIES, seed=st.integers(0, 1000))
def test_nor_does_it_when_the_history_is_full(events: list[Event], seed: int) -> None:
    entries = tuple(Entry(n * 1e6, "old", "click", 1.0) for n in range(MAX_HISTORY))
    full = Profile(history=entries, seen=("old",))
    shuffled = random.Random(seed).sample(events, len(events))
    one, other = fold_all(events, full), fold_all(shuffled, full)
    assert one.history == other.history
    assert len(one.history) == MAX_HISTORY


@LAW
@given(events=HISTORIES)
def test_the_history_is_oldest_first(events: list[Event]) -> None:
    times = [entry.at for entry in fold_all(events).history]
    assert times == sorted(times)


def test_a_late_event_finds_its_place_and_counts_as_seen_last() -> None:
    profile = fold_all([click("dune", 10.0), click("emma", 20.0), click("late", 15.0)])
    assert [entry.item_id for entry in profile.history] == ["dune", "late", "emma"]
    assert profile.seen == ("dune", "emma", "late")


# Never too large
def test_a_full_history_keeps_the_newest_by_event_time() -> None:
    times = random.Random(7).sample(range(MAX_HISTORY + 30), MAX_HISTORY + 30)
    profile = fold_all([click(f"item-{time}", float(time)) for time in times])
    assert [entry.at for entry in profile.history] == list(range(30, MAX_HISTORY + 30))


def test_an_event_older_than_a_full_history_is_seen_and_counted_only() -> None:
    full = fold_all([click("dune", float(time)) for time in range(1, MAX_HISTORY + 1)])
    after = folded(full, click("ancient", 0.5), offset=MAX_HISTORY)
    assert after.history == full.history
    assert after.seen == ("dune", "ancient")
    assert after.counters == {"click": MAX_HISTORY + 1}


def test_the_items_seen_are_the_last_to_arrive() -> None:
    full = Profile(seen=tuple(f"item-{n}" for n in range(MAX_SEEN)))
    after = fold_all([click("new-1", 2.0), click("new-2", 1.0)], full)
    assert len(after.seen) == MAX_SEEN
    assert after.seen[0] == "item-2"
    assert after.seen[-2:] == ("new-1", "new-2")
