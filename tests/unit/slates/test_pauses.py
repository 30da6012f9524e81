"""A server says how long it wants to be left alone, in seconds or until when."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.pauses import LONGEST_PAUSE, retry_after

NOW = datetime(2026, 11, 30, 10, tzinfo=UTC).timestamp()


def date(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(NOW + seconds, UTC), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "1e9"}, LONGEST_PAUSE),
        ({"retry-after": date(30)}, 30.0),
        ({"retry-after": date(-30)}, 0.0),
        ({"retry-after": date(30), "date": "yesterday"}, 30.0),
    ],
)
def test_both_forms_are_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now=NOW) == seconds


@given(st.integers(0, 500), st.floats(-1e9, 1e9))
def test_the_clock_of_the_server_need_not_agree_with_ours(wanted: int, ahead: float) -> None:
    headers = {"retry-after": date(wanted), "date": date(0)}
    assert retry_after(headers, now=NOW + ahead) == wanted
