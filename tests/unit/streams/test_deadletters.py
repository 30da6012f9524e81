"""What was refused is kept as it came, with enough in the headers to find and mend it."""

import pytest

from streams.deadletters import MAX_VALUE_BYTES, dead_letter, reason
from streams.errors import MalformedEvent, MalformedItem, RejectedEvent, UnknownAction
from streams.origins import Origin
from streams.topics import DEAD_LETTERS

ORIGIN = Origin("shop.events", 3, 120)
ERROR = MalformedEvent("at -1.0, expected seconds since 1970")


@pytest.mark.parametrize("value", [b"", b"{", b"\xff\x00\xfe", b"x" * 300_000])
def test_the_bytes_are_kept_as_they_came(value: bytes) -> None:
    letter = dead_letter(ORIGIN, key=b"\xff", value=value, error=ERROR)
    assert (letter.key, letter.value) == (b"\xff", value)
    assert "cut" not in dict(letter.headers)


def test_no_key_and_no_value_stay_none() -> None:
    letter = dead_letter(ORIGIN, key=None, value=None, error=ERROR)
    assert (letter.key, letter.value) == (None, None)


def test_the_headers_say_why_and_where_from() -> None:
    letter = dead_letter(ORIGIN, key=b"u", value=b"{", error=ERROR)
    assert dict(letter.headers) == {
        "reason": b"malformed_event",
        "message": b"at -1.0, expected seconds since 1970",
        "origin": b"shop.events-3-120",
        "topic": b"shop.events",
        "partition": b"3",
        "offset": b"120",
    }


def test_a_value_at_the_limit_is_whole() -> None:
    value = b"x" * MAX_VALUE_BYTES
    letter = dead_letter(ORIGIN, key=None, value=value, error=ERROR)
    assert letter.value == value
    assert "cut" not in dict(letter.headers)


def test_a_value_past_the_limit_is_cut_and_its_length_is_told() -> None:
    value = b"a" * MAX_VALUE_BYTES + b"b"
    letter = dead_letter(ORIGIN, key=None, value=value, error=ERROR)
    assert letter.value == b"a" * MAX_VALUE_BYTES
    assert dict(letter.headers)["cut"] == str(MAX_VALUE_BYTES + 1).encode()


def test_the_longest_letter_fits_into_its_topic() -> None:
    letter = dead_letter(
        ORIGIN, key=b"k" * 1024, value=b"x" * (MAX_VALUE_BYTES + 1), error=RejectedEvent("é" * 9999)
    )
    headers = sum(len(name) + len(text) for name, text in letter.headers)
    assert len(letter.value or b"") + headers + 1024 + 200 < DEAD_LETTERS.max_message_bytes


def test_a_long_message_is_cut() -> None:
    letter = dead_letter(ORIGIN, key=None, value=None, error=RejectedEvent("x" * 5000))
    assert dict(letter.headers)["message"] == b"x" * 1000


def test_a_message_that_is_no_utf8_is_no_obstacle() -> None:
    letter = dead_letter(ORIGIN, key=None, value=None, error=RejectedEvent("a\ud800b"))
    assert dict(letter.headers)["message"] == b"a?b"


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (RejectedEvent(), "rejected_event"),
        (MalformedItem(), "malformed_item"),
        (UnknownAction(), "unknown_action"),
    ],
)
def test_a_reason_is_the_kind_of_error_in_small_letters(error: RejectedEvent, name: str) -> None:
    assert reason(error) == name
