"""What breaks a rule of events is refused, with its name."""

import json
from typing import Any

import pytest

from streams.errors import MalformedEvent, UnknownAction
from streams.events import MAX_ID_CHARS, MAX_IMPRESSION_ITEMS, decode_event
from tests.support.raw_events import AHEAD, CLICK, FORGET, GAINS, NOW, SHOWN, decode, read


# What is refused: the bytes
@pytest.mark.parametrize(
    "value",
    [b"", b"{", b"null", b"[]", b"7", b'"x"', b"\x00\x01", b"{}{}", b"\xef\xbb\xbf{}"],
    ids=repr,
)
def test_bytes_that_are_no_json_object_are_refused(value: bytes) -> None:
    with pytest.raises(MalformedEvent, match="not an event"):
        decode(b"ann", value)


def test_text_that_is_no_utf8_is_refused() -> None:
    with pytest.raises(MalformedEvent, match="not an event"):
        decode(b"\xff", b'{"kind":"forget","user_id":"\xff"}')


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(MalformedEvent):
        decode(b"ann", b'{"kind":"forget","user_id":"\\ud800"}')


def test_no_value_is_refused() -> None:
    with pytest.raises(MalformedEvent, match="no value"):
        decode(b"ann", None)


# What is refused: the fields
def test_an_unknown_kind_is_refused_with_its_name() -> None:
    with pytest.raises(MalformedEvent, match="'shrug'"):
        read(CLICK, kind="shrug")


def test_no_kind_is_refused() -> None:
    with pytest.raises(MalformedEvent, match="kind"):
        read(CLICK, kind=None)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        (CLICK, "user_id"),
        (CLICK, "item_id"),
        (CLICK, "action"),
        (SHOWN, "user_id"),
        (SHOWN, "slate_id"),
        (SHOWN, "item_ids"),
        (FORGET, "user_id"),
    ],
)
def test_a_missing_field_is_named(fields: dict[str, Any], name: str) -> None:
    with pytest.raises(MalformedEvent, match=f"`{name}`"):
        read(fields, **{name: None})


@pytest.mark.parametrize(
    "changes",
    [{"user_id": 7}, {"item_id": ["dune"]}, {"action": {}}, {"at": "now"}, {"at": True}],
    ids=repr,
)
def test_a_field_of_the_wrong_shape_is_named(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedEvent, match=rf"\$\.{next(iter(changes))}"):
        read(CLICK, **changes)


def test_an_unknown_action_is_refused_with_its_name_and_the_known_ones() -> None:
    with pytest.raises(UnknownAction, match=r"'shrug'.*click, dislike, like, rating, view"):
        read(CLICK, action="shrug")


@pytest.mark.parametrize("name", ["", "a" * (MAX_ID_CHARS + 1), "a\x00b", "a\nb", "\x1b[31m"])
@pytest.mark.parametrize(
    ("fields", "field"),
    [(CLICK, "user_id"), (CLICK, "item_id"), (SHOWN, "slate_id"), (FORGET, "user_id")],
)
def test_an_empty_huge_or_unprintable_id_is_refused(
    fields: dict[str, Any], field: str, name: str
) -> None:
    with pytest.raises(MalformedEvent, match=rf"{field} .*expected 1 to 256 printable"):
        read(fields, **{field: name})


def test_a_refusal_does_not_quote_a_huge_id_in_full() -> None:
    with pytest.raises(MalformedEvent) as refusal:
        read(CLICK, item_id="x" * 100_000)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("name", ["", "a" * (MAX_ID_CHARS + 1), "a\x00b"])
def test_an_id_nobody_can_work_with_is_refused_on_an_impression(name: str) -> None:
    with pytest.raises(MalformedEvent):
        read(SHOWN, item_ids=["dune", name])


@pytest.mark.parametrize("name", ["", "a" * (MAX_ID_CHARS + 1), "a\x00b"])
def test_an_id_nobody_can_work_with_is_refused_as_the_slate_of_an_interaction(name: str) -> None:
    with pytest.raises(MalformedEvent):
        read(CLICK, slate_id=name)


def test_too_many_items_on_an_impression_are_refused_with_their_number() -> None:
    with pytest.raises(MalformedEvent, match="201 items, expected at most 200"):
        read(SHOWN, item_ids=["dune"] * (MAX_IMPRESSION_ITEMS + 1))


@pytest.mark.parametrize("stars", [None, -0.5, 5.5, 1e300])
def test_a_rating_without_stars_or_with_impossible_ones_is_refused(stars: float | None) -> None:
    with pytest.raises(MalformedEvent, match="expected a value from 0 to 5"):
        read(CLICK, action="rating", value=stars)


# What is refused: the key
def test_no_key_is_refused() -> None:
    with pytest.raises(MalformedEvent, match="no key"):
        decode(None, json.dumps(CLICK).encode())


@pytest.mark.parametrize("key", [b"", b"bob", b"ann ", b"\xff", b'"ann"'])
def test_a_key_that_is_not_the_user_is_refused(key: bytes) -> None:
    with pytest.raises(MalformedEvent, match="expected the user id"):
        decode(key, json.dumps(CLICK).encode())


# What is refused: the time
def test_a_time_in_milliseconds_is_refused_with_a_hint() -> None:
    with pytest.raises(MalformedEvent, match=r"is it in milliseconds\?"):
        read(CLICK, at=NOW * 1000)


def test_a_time_just_too_far_ahead_is_refused() -> None:
    with pytest.raises(MalformedEvent, match="3601 s after it was received"):
        read(CLICK, at=NOW + AHEAD + 1)


@pytest.mark.parametrize("at", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"1" + b"0" * 400])
def test_a_time_that_is_no_finite_number_is_refused(at: bytes) -> None:
    with pytest.raises(MalformedEvent):
        decode(b"ann", b'{"kind":"forget","user_id":"ann","at":' + at + b"}")


@pytest.mark.parametrize("received_at", [float("nan"), float("inf"), -1.0])
def test_a_time_of_receipt_that_is_no_time_does_not_become_one(received_at: float) -> None:
    with pytest.raises(MalformedEvent, match="expected seconds since 1970"):
        decode_event(
            b"ann",
            b'{"kind":"forget","user_id":"ann"}',
            gains=GAINS,
            received_at=received_at,
            max_ahead=AHEAD,
        )


def test_a_negative_time_is_refused() -> None:
    with pytest.raises(MalformedEvent, match="expected seconds since 1970"):
        read(CLICK, at=-1)
