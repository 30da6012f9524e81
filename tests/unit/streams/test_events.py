"""Whatever stands on `events` is an event or is refused with a reason, and nothing else happens."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import MalformedEvent, RejectedEvent
from streams.events import (
    MAX_ID_CHARS,
    MAX_IMPRESSION_ITEMS,
    MAX_PREFERENCE_CHARS,
    Event,
    Forget,
    Impression,
    Interaction,
    Preferences,
    encode_event,
)
from tests.support.laws import law
from tests.support.raw_events import AHEAD, CLICK, FORGET, GAINS, NOW, SHOWN, decode, read

LAW = law(50)

DEEP = b"[" * 5000 + b"]" * 5000
"""Ten kilobytes that no recursive reader gets through."""

WROTE = {"kind": "preferences", "user_id": "ann", "at": NOW, "text": "No horror.", "by": "user"}

ALL = [CLICK, SHOWN, FORGET, WROTE]

IDS = st.text(
    st.characters(exclude_categories=("C", "Z"), include_characters=" "), min_size=1, max_size=20
)

TIMES = st.floats(0, NOW + AHEAD)

INTERACTIONS = st.builds(
    Interaction,
    user_id=IDS,
    at=TIMES,
    item_id=IDS,
    action=st.sampled_from(sorted(set(GAINS.actions) - {"rating"})),
    slate_id=st.none() | IDS,
)

RATINGS = st.builds(
    Interaction,
    user_id=IDS,
    at=TIMES,
    item_id=IDS,
    action=st.just("rating"),
    value=st.floats(0, 5),
)

IMPRESSIONS = st.builds(
    Impression,
    user_id=IDS,
    at=TIMES,
    slate_id=IDS,
    item_ids=st.lists(IDS, max_size=5).map(tuple),
)

FORGETS = st.builds(Forget, user_id=IDS, at=TIMES)

OWN_WORDS = st.builds(Preferences, user_id=IDS, at=TIMES, text=st.none() | st.just("") | IDS)

WORDS = st.builds(
    Preferences,
    user_id=IDS,
    at=TIMES,
    text=IDS.filter(str.strip),
    by=st.sampled_from(["model", "engine"]),
    basis=st.integers(1, 999),
)

EVENTS: st.SearchStrategy[Event] = st.one_of(
    INTERACTIONS, RATINGS, IMPRESSIONS, FORGETS, OWN_WORDS, WORDS
)


# What is taken
@pytest.mark.parametrize("action", sorted(set(GAINS.actions) - {"rating"}))
def test_every_action_with_a_gain_is_taken(action: str) -> None:
    event = read(CLICK, action=action)
    assert event == Interaction(user_id="ann", at=NOW, item_id="dune", action=action)
    assert GAINS.of(event) == GAINS.actions[action]


@pytest.mark.parametrize("stars", [0, 0.5, 2.75, 5])
def test_a_rating_is_taken_with_its_stars(stars: float) -> None:
    event = read(CLICK, action="rating", value=stars)
    assert isinstance(event, Interaction)
    assert event.value == stars


def test_an_impression_keeps_the_order_shown() -> None:
    event = read(SHOWN, item_ids=["solaris", "dune", "emma"])
    assert event == Impression(
        user_id="ann", at=NOW, slate_id="s-1", item_ids=("solaris", "dune", "emma")
    )


def test_a_forget_needs_a_user_and_nothing_else() -> None:
    assert read(FORGET) == Forget(user_id="ann", at=NOW)


@pytest.mark.parametrize("fields", ALL, ids=lambda f: f["kind"])
def test_the_time_of_receipt_stands_in_for_a_missing_time(fields: dict[str, Any]) -> None:
    assert read(fields, at=None).at == NOW


def test_a_time_of_zero_is_a_time() -> None:
    assert read(CLICK, at=0).at == 0.0


def test_a_time_a_little_ahead_is_taken_and_kept() -> None:
    assert read(CLICK, at=NOW + AHEAD).at == NOW + AHEAD


@pytest.mark.parametrize("fields", ALL, ids=lambda f: f["kind"])
def test_fields_nobody_knows_are_passed_over(fields: dict[str, Any]) -> None:
    assert read(fields, session="x", nested={"a": [1, None]}) == read(fields)


@pytest.mark.parametrize("name", ["ann", "ünïcode", "日本", "with space", "🙂", "a" * MAX_ID_CHARS])
def test_printable_ids_are_taken_as_they_are(name: str) -> None:
    assert read(FORGET, user_id=name).user_id == name


def test_as_many_items_as_allowed_are_taken_on_an_impression() -> None:
    event = read(SHOWN, item_ids=["dune"] * MAX_IMPRESSION_ITEMS)
    assert isinstance(event, Impression)
    assert len(event.item_ids) == MAX_IMPRESSION_ITEMS


def test_a_user_may_write_delete_and_hand_over_their_preferences() -> None:
    assert read(WROTE) == Preferences(user_id="ann", at=NOW, text="No horror.", by="user")
    assert read(WROTE, text=None) == Preferences(user_id="ann", at=NOW, by="user")
    assert read(WROTE, text="") == Preferences(user_id="ann", at=NOW, text="", by="user")


def test_what_others_write_says_what_it_is_from() -> None:
    event = read(WROTE, by="model", basis=7)
    assert event == Preferences(user_id="ann", at=NOW, text="No horror.", by="model", basis=7)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": "x" * (MAX_PREFERENCE_CHARS + 1)}, "at most 500 printable characters"),
        ({"text": "two\nlines"}, "at most 500 printable characters"),
        ({"by": "a stranger"}, "Invalid enum value"),
        ({"by": "model"}, "basis 0, expected words"),
        ({"by": "engine", "basis": 5, "text": None}, "expected words"),
        ({"by": "engine", "basis": 5, "text": " "}, "expected words"),
        ({"by": "engine", "basis": -5}, "expected words"),
        ({"text": 7}, "text"),
    ],
    ids=str,
)
def test_preferences_that_break_a_rule_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(MalformedEvent, match=message):
        read(WROTE, **changes)


# Gains
@pytest.mark.parametrize(
    ("stars", "gain"),
    [(5.0, 2.0), (2.75, 0.0), (3.875, 1.0), (0.5, -2.0), (0.0, -2.0 * 2.75 / 2.25)],
)
def test_stars_count_by_their_distance_from_neutral(stars: float, gain: float) -> None:
    rating = Interaction(user_id="ann", item_id="dune", action="rating", value=stars)
    assert GAINS.of(rating) == pytest.approx(gain)


@LAW
@given(st.lists(st.floats(0, 5), min_size=2, max_size=2))
def test_more_stars_never_count_less(stars: list[float]) -> None:
    fewer, more = (
        GAINS.of(Interaction(user_id="u", item_id="i", action="rating", value=value))
        for value in sorted(stars)
    )
    assert fewer <= more


def test_only_a_rating_has_stars_that_count() -> None:
    event = Interaction(user_id="u", item_id="i", action="click", value=5.0)
    assert GAINS.of(event) == 1.0


# Laws
@LAW
@given(event=EVENTS)
def test_decoding_what_was_encoded_gives_the_event_back(event: Event) -> None:
    assert decode(event.user_id.encode(), encode_event(event)) == event


@LAW
@given(key=st.none() | st.binary(max_size=20), value=st.none() | st.binary(max_size=200))
def test_any_bytes_decode_or_are_rejected(key: bytes | None, value: bytes | None) -> None:
    _decode_or_reject(key, value)


@LAW
@given(event=EVENTS, data=st.data())
def test_altered_events_decode_or_are_rejected(event: Event, data: st.DataObject) -> None:
    value = bytearray(encode_event(event))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(value)))
        value[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    _decode_or_reject(event.user_id.encode(), bytes(value))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@LAW
@given(fields=st.sampled_from(ALL), name=st.text(max_size=4), data=st.data())
def test_events_with_anything_in_a_field_decode_or_are_rejected(
    fields: dict[str, Any], name: str, data: st.DataObject
) -> None:
    field = data.draw(st.sampled_from([*sorted(fields), "value", "slate_id", name]))
    value = json.dumps({**fields, field: data.draw(JSON)}).encode()
    _decode_or_reject(b"ann", value)


@pytest.mark.parametrize("fields", ALL, ids=lambda f: f["kind"])
def test_deep_nesting_is_rejected(fields: dict[str, Any]) -> None:
    value = json.dumps(fields).encode()[:-1] + b',"x":' + DEEP + b"}"
    _decode_or_reject(b"ann", value)


def _decode_or_reject(key: bytes | None, value: bytes | None) -> None:
    try:
        event = decode(key, value)
    except RejectedEvent:
        return
    assert isinstance(event, Interaction | Impression | Forget | Preferences)
    assert event.at is not None
    assert event.user_id.encode() == key
