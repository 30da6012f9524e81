"""Whatever stands on `slate-requests` is a request with a cause, or is refused with a reason."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import MalformedRequest, RejectedEvent
from streams.requests import (
    MAX_ITEMS,
    MAX_WORDS_CHARS,
    Range,
    SlateRequest,
    Trigger,
    decode_request,
    encode_request,
)
from tests.support.laws import law

LAW = law(50)
NOW = 1_700_000_000.0
ORIGIN = "slate-requests-0-7"
CAUSE = Trigger(id="events-3-120", kind="click", at=10.0, received_at=11.0)
FULL: dict[str, Any] = {
    "user_id": "ann",
    "n": 5,
    "scenario": "feed",
    "exclude": ["dune"],
    "filters": {"author": "Herbert", "subject": ["sand", "sea"], "year": {"min": 1960}},
    "deadline": 1.5,
    "words": "something short about the sea",
    "trigger": {"id": "events-3-120", "kind": "click", "at": 10.0, "received_at": 11.0},
}

WORDS = st.text("abcäß日 ", min_size=1, max_size=6)
BOUND = st.none() | st.floats(allow_nan=False, allow_infinity=False)
REQUESTS = st.builds(
    SlateRequest,
    user_id=WORDS,
    n=st.none() | st.integers(1, MAX_ITEMS),
    scenario=WORDS,
    exclude=st.lists(WORDS, max_size=3).map(tuple),
    filters=st.dictionaries(
        WORDS,
        WORDS | st.lists(WORDS, max_size=2).map(tuple) | st.builds(Range, BOUND, BOUND),
        max_size=2,
    ),
    deadline=BOUND,
    words=WORDS,
    trigger=st.builds(Trigger, WORDS, WORDS, st.floats(0, NOW), st.floats(0, NOW)),
)


def decode(key: bytes | None, value: bytes | None) -> SlateRequest:
    return decode_request(key, value, origin=ORIGIN, received_at=NOW)


def read(fields: dict[str, Any], **changes: Any) -> SlateRequest:
    return decode(b"ann", json.dumps({**fields, **changes}).encode())


# What is taken


def test_a_request_has_all_that_was_sent() -> None:
    assert read(FULL) == SlateRequest(
        user_id="ann",
        n=5,
        exclude=("dune",),
        filters={"author": "Herbert", "subject": ("sand", "sea"), "year": Range(min=1960.0)},
        deadline=1.5,
        words="something short about the sea",
        trigger=CAUSE,
    )


def test_a_user_is_enough_and_the_request_is_then_its_own_cause() -> None:
    trigger = Trigger(id=ORIGIN, kind="request", at=NOW, received_at=NOW)
    assert read({"user_id": "ann"}) == SlateRequest(user_id="ann", trigger=trigger)


@pytest.mark.parametrize("n", [1, MAX_ITEMS])
def test_one_to_a_hundred_items_may_be_asked_for(n: int) -> None:
    assert read(FULL, n=n).n == n


@pytest.mark.parametrize("length", [0, 1, MAX_WORDS_CHARS])
def test_words_may_be_as_long_as_a_few_sentences(length: int) -> None:
    assert read(FULL, words="ä" * length).words == "ä" * length


# What is refused


def test_longer_words_are_refused() -> None:
    with pytest.raises(MalformedRequest, match="'ann': 1001 characters of words, expected at most"):
        read(FULL, words="ä" * (MAX_WORDS_CHARS + 1))


@pytest.mark.parametrize("n", [0, -1, MAX_ITEMS + 1, 10**18])
def test_any_other_number_of_items_is_refused(n: int) -> None:
    with pytest.raises(MalformedRequest, match=f"user 'ann': n {n}, expected 1 to 100"):
        read(FULL, n=n)


def test_no_value_is_refused() -> None:
    with pytest.raises(MalformedRequest, match="no value"):
        decode(b"ann", None)


@pytest.mark.parametrize("value", [b"", b"{", b"null", b"[]", b"{}", b'{"user_id":"\xff"}'])
def test_bytes_that_are_no_request_are_refused(value: bytes) -> None:
    with pytest.raises(MalformedRequest, match="not a slate request"):
        decode(b"ann", value)


@pytest.mark.parametrize("key", [None, b"", b"bob", b"\xff"])
def test_a_key_that_is_not_the_user_is_refused(key: bytes | None) -> None:
    with pytest.raises(MalformedRequest, match="expected the user id"):
        decode(key, b'{"user_id":"ann"}')


@pytest.mark.parametrize("user_id", ["", "a\x00b", "x" * 257])
def test_a_user_nobody_can_work_with_is_refused(user_id: str) -> None:
    with pytest.raises(MalformedRequest, match=r"user_id .*printable"):
        decode(user_id.encode(), json.dumps({"user_id": user_id}).encode())


@pytest.mark.parametrize(
    "changes",
    [
        {"n": "5"},
        {"n": 5.5},
        {"n": True},
        {"exclude": "dune"},
        {"filters": {"year": 1965}},
        {"filters": {"year": {"min": "x"}}},
        {"filters": {"year": {"minimum": 1960}}},
        {"deadline": "soon"},
        {"trigger": {"id": "x"}},
        {"scenario": None},
    ],
    ids=repr,
)
def test_a_field_of_the_wrong_shape_is_refused_with_its_name(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedRequest, match=rf"\$\.{next(iter(changes))}"):
        read(FULL, **changes)


def test_a_field_nobody_knows_is_refused_with_its_name_and_those_that_are_known() -> None:
    value = json.dumps({"user_id": "ann", "filter": {"author": "Herbert"}}).encode()
    with pytest.raises(MalformedRequest, match=r"'filter' is no field.*known are .*filters"):
        decode_request(b"ann", value, origin=ORIGIN, received_at=NOW)


def test_a_request_of_a_later_version_may_have_fields_that_this_one_does_not_know() -> None:
    value = json.dumps({**FULL, "mood": "gay"}).encode()
    assert decode_request(b"ann", value, origin=ORIGIN, received_at=NOW).trigger == CAUSE


@pytest.mark.parametrize("value", [b'{"user_id":"ann","\xff":1}', b'{"user_id":"ann","a":"\xff"}'])
def test_a_field_that_is_no_text_is_refused(value: bytes) -> None:
    with pytest.raises(MalformedRequest):
        decode_request(b"ann", value, origin=ORIGIN, received_at=NOW)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_deadline_that_is_not_finite_is_refused(number: str) -> None:
    with pytest.raises(MalformedRequest):
        decode(b"ann", f'{{"user_id":"ann","deadline":{number}}}'.encode())


# Laws


@LAW
@given(request=REQUESTS)
def test_decoding_what_was_encoded_gives_the_request_back(request: SlateRequest) -> None:
    assert decode(request.user_id.encode(), encode_request(request)) == request


@LAW
@given(key=st.none() | st.binary(max_size=20), value=st.none() | st.binary(max_size=200))
def test_any_bytes_decode_or_are_rejected(key: bytes | None, value: bytes | None) -> None:
    _decode_or_reject(key, value)


@LAW
@given(
    places=st.dictionaries(st.integers(0, 200), st.binary(min_size=1, max_size=3), max_size=4),
)
def test_altered_requests_decode_or_are_rejected(places: dict[int, bytes]) -> None:
    value = bytearray(json.dumps(FULL).encode())
    for place, found in places.items():
        value[place : place + 1] = found
    _decode_or_reject(b"ann", bytes(value))


def test_deep_nesting_is_rejected() -> None:
    _decode_or_reject(b"ann", b'{"user_id":"ann","x":' + b"[" * 5000 + b"]" * 5000 + b"}")


def _decode_or_reject(key: bytes | None, value: bytes | None) -> None:
    try:
        request = decode(key, value)
    except RejectedEvent:
        return
    assert request.user_id.encode() == key
    assert request.trigger is not None
