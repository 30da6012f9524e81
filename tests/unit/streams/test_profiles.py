"""A profile is a fold of a user's events: once, in any order of arrival, and never too large."""

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import (
    MAX_ID_CHARS,
    MAX_PREFERENCE_CHARS,
    Author,
    Event,
    Forget,
    Gains,
    Impression,
    Interaction,
    Preferences,
)
from streams.profiles import (
    MAX_HISTORY,
    MAX_SEEN,
    MAX_SHOWN,
    Entry,
    Likes,
    Profile,
    Shown,
    contained,
    decode_profile,
    encode_profile,
    fold,
    glance_profile,
    is_applied,
)
from streams.topics import PROFILES
from tests.support.laws import law

LAW = law(50)
GAINS = Gains({"click": 1.0, "like": 2.0, "dislike": -2.0, "rating": 2.0})

STORED_1 = (
    b'{"version":1,"history":[[10.0,"dune","click",1.0],[20.5,"emma","rating",-0.5]],'
    b'"seen":["emma","dune"],"counters":{"click":1,"rating":1,"impression":2},'
    b'"partition":3,"offset":120}'
)
"""An older layout, version 1: what changelogs held then must be read for ever."""
STORED_2 = (
    b'{"version":2,"history":[[10.0,"dune","click",1.0],[20.5,"emma","rating",-0.5]],'
    b'"seen":["emma","dune"],"counters":{"click":1,"rating":1,"impression":2},'
    b'"partition":3,"offset":120,"shown":{"moby":[2,30.5]}}'
)
"""An older layout, version 2."""
STORED = (
    b'{"version":3,"history":[[10.0,"dune","click",1.0],[20.5,"emma","rating",-0.5]],'
    b'"seen":["emma","dune"],"counters":{"click":1,"rating":1,"impression":2},'
    b'"partition":3,"offset":120,"shown":{"moby":[2,30.5]},'
    b'"likes":["Likes sand.","model",40.0,2]}'
)
"""The released layout, version 3."""
KNOWN = Profile(
    history=(Entry(10.0, "dune", "click", 1.0), Entry(20.5, "emma", "rating", -0.5)),
    seen=("emma", "dune"),
    counters={"click": 1, "rating": 1, "impression": 2},
    partition=3,
    offset=120,
    shown={"moby": Shown(2, 30.5)},
    likes=Likes("Likes sand.", "model", 40.0, 2),
)
KNOWN_2 = msgspec.structs.replace(KNOWN, version=2, likes=None)
KNOWN_1 = msgspec.structs.replace(KNOWN_2, version=1, shown={})

ITEMS = st.sampled_from([f"item-{n}" for n in range(12)])
INTERACTIONS = st.builds(
    Interaction,
    user_id=st.just("ann"),
    at=st.floats(0, 1e9) | st.integers(0, 5).map(float),
    item_id=ITEMS,
    action=st.sampled_from(["click", "like", "dislike"]),
)
IMPRESSIONS = st.builds(
    Impression, user_id=st.just("ann"), at=st.floats(0, 1e9), slate_id=ITEMS, item_ids=st.just(())
)
PREFERENCES = st.one_of(
    st.builds(
        Preferences,
        user_id=st.just("ann"),
        at=st.integers(0, 9).map(float),
        text=st.none() | st.sampled_from(["", "No horror.", "Sea stories."]),
        by=st.just("user"),
    ),
    st.builds(
        Preferences,
        user_id=st.just("ann"),
        at=st.integers(0, 9).map(float),
        text=st.just("Likes sand."),
        by=st.sampled_from(["model", "engine"]),
        basis=st.integers(1, 9),
    ),
)
HISTORIES = st.lists(st.one_of(INTERACTIONS, IMPRESSIONS, PREFERENCES), max_size=20)


def impression(at: float, *item_ids: str) -> Impression:
    return Impression(user_id="ann", at=at, slate_id="s", item_ids=item_ids)


def click(item_id: str, at: float) -> Interaction:
    return Interaction(user_id="ann", at=at, item_id=item_id, action="click")


def folded(profile: Profile, event: Event, *, offset: int, partition: int = 0) -> Profile:
    after = fold(profile, event, gains=GAINS, partition=partition, offset=offset)
    if after is None:  # only a stranger whom somebody wrote about
        assert isinstance(event, Preferences)
        return profile
    return after


def fold_all(events: list[Event], start: Profile = Profile()) -> Profile:  # noqa: B008 (frozen)
    """Fold events at the offsets of their arrival."""
    for offset, event in enumerate(events):
        start = folded(start, event, offset=offset)
    return start


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


# What a user likes, in words


def wrote(text: str | None, at: float = 50.0) -> Preferences:
    return Preferences(user_id="ann", at=at, text=text, by="user")


def generated(basis: int, text: str = "Likes sand.", by: Author = "model") -> Preferences:
    return Preferences(user_id="ann", at=60.0, text=text, by=by, basis=basis)


CLICKS: list[Event] = [click(f"item-{n}", float(n)) for n in range(6)]


def likes(*events: Event) -> Likes | None:
    return fold_all([*CLICKS, *events]).likes


def test_what_a_model_wrote_is_kept_with_its_author_and_what_it_knew() -> None:
    assert likes(generated(5)) == Likes("Likes sand.", "model", 60.0, 5)


def test_it_counts_as_nothing_that_the_user_did() -> None:
    profile = fold_all([*CLICKS, generated(5), wrote("No horror.")])
    assert profile.interactions == 6
    assert profile.counters == {"click": 6}


def test_of_what_others_wrote_the_one_that_knew_more_stands() -> None:
    newer, older = generated(6, "Likes sand and spice."), generated(5)
    assert likes(older, newer) == likes(newer, older) == Likes(newer.text or "", "model", 60.0, 6)


def test_a_models_words_take_the_place_of_counts_from_the_same_history_and_not_the_reverse() -> (
    None
):
    counts, words = generated(5, "Mostly sand.", by="engine"), generated(5)
    assert likes(counts, words) == likes(words, counts) == Likes("Likes sand.", "model", 60.0, 5)


def test_the_users_own_words_win_and_stand() -> None:
    own = Likes("No horror.", "user", 50.0)
    assert likes(generated(5), wrote("No horror.")) == own
    assert likes(wrote("No horror."), generated(6)) == own


def test_of_the_users_own_words_the_last_stand_whenever_they_arrive() -> None:
    assert likes(wrote("No horror.", 9.0), wrote("Sea.", 8.0)) == Likes("No horror.", "user", 9.0)


def test_what_the_user_has_deleted_is_not_written_again() -> None:
    assert likes(generated(5), wrote(None), generated(6)) == Likes("", "user", 50.0)


def test_the_user_can_let_others_write_again() -> None:
    assert likes(wrote(None), wrote("", 51.0), generated(6)) == Likes(
        "Likes sand.", "model", 60.0, 6
    )
    assert likes(generated(5), wrote("")) == Likes("Likes sand.", "model", 60.0, 5)


def test_words_that_arrive_after_the_user_was_forgotten_bring_nobody_back() -> None:
    late = generated(5)
    assert fold(Profile(), late, gains=GAINS, partition=0, offset=9) is None
    returned = fold_all([click("dune", 1.0)])
    assert folded(returned, late, offset=1).likes is None


def test_the_longest_words_fit_beside_the_longest_lists() -> None:
    largest = Profile(
        seen=tuple(f"{n:x>{MAX_ID_CHARS}}" for n in range(MAX_SEEN)),
        likes=Likes("鯨" * MAX_PREFERENCE_CHARS, "user", 0.0),
    )
    assert len(encode_profile(largest)) < PROFILES.max_message_bytes


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


def test_the_largest_profile_fits_into_a_record_of_its_changelog() -> None:
    largest = Profile(seen=tuple(f"{n:x>{MAX_ID_CHARS}}" for n in range(MAX_SEEN)))
    assert len(encode_profile(largest)) < PROFILES.max_message_bytes


# Bytes


@LAW
@given(events=HISTORIES)
def test_decoding_what_was_encoded_gives_the_profile_back(events: list[Event]) -> None:
    profile = fold_all(events)
    assert decode_profile(encode_profile(profile)) == profile


def test_a_profile_stored_in_the_released_layout_is_read() -> None:
    assert decode_profile(STORED) == KNOWN


@pytest.mark.parametrize(("stored", "known"), [(STORED_1, KNOWN_1), (STORED_2, KNOWN_2)])
def test_an_older_layout_is_still_read(stored: bytes, known: Profile) -> None:
    assert decode_profile(stored) == known


@pytest.mark.parametrize("stored", [STORED_1, STORED_2])
def test_a_profile_of_an_older_layout_goes_on_in_the_released_one(stored: bytes) -> None:
    after = folded(decode_profile(stored), click("solaris", 30.0), offset=121, partition=3)
    assert after.version == 3
    assert after.seen == ("emma", "dune", "solaris")


def test_the_released_layout_is_still_what_is_written() -> None:
    assert encode_profile(KNOWN) == STORED


def test_a_field_added_by_a_later_version_is_passed_over() -> None:
    assert decode_profile(STORED[:-1] + b',"mood":{"x":1}}') == KNOWN


def test_a_profile_of_a_later_version_is_refused() -> None:
    """Reading on would drop what that version knew, and write the rest back over it."""
    with pytest.raises(msgspec.DecodeError, match="layout version 4, this Headwater knows up to 3"):
        decode_profile(STORED.replace(b'"version":3', b'"version":4'))


def test_a_stored_profile_says_its_version() -> None:
    assert b'"version":3' in encode_profile(Profile())


# Glances


@pytest.mark.parametrize("stored", [STORED, STORED_2, STORED_1])
def test_a_glance_tells_which_events_a_profile_contains(stored: bytes) -> None:
    whole, glance = decode_profile(stored), glance_profile(stored)
    assert (glance.version, glance.partition) == (whole.version, whole.partition)
    assert [contained(glance, p) for p in range(9)] == [contained(whole, p) for p in range(9)]


def test_a_glance_refuses_a_later_layout_and_what_is_no_object() -> None:
    for value in (STORED.replace(b'"version":3', b'"version":4'), STORED[:-1], b"[]", b"", b"["):
        with pytest.raises(msgspec.DecodeError):
            glance_profile(value)
