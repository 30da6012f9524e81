"""How long to wait before a model is asked again: as long as it says, and not all at once."""

from __future__ import annotations

import math
from email.utils import parsedate_to_datetime

LONGEST_PAUSE = 600.0
"""Seconds.  A server that wants more is asked after ten minutes: it may have been a mistake."""


def retry_after(headers: dict[str, str], *, now: float) -> float | None:
    """
    Seconds that a server asks to be left alone; None where it does not say.

    Args:
        headers: Of its answer, with names in lower case.
        now: Seconds since 1970, for a date where the answer does not say when it was sent; where it
            does, the two clocks need not agree.

    >>> retry_after({"retry-after": "2.5"}, now=0)
    2.5
    >>> sent, then = "Mon, 30 Nov 2026 10:00:00 GMT", "Mon, 30 Nov 2026 10:00:20 GMT"
    >>> retry_after({"retry-after": then, "date": sent}, now=0)
    20.0
    >>> retry_after({"retry-after": "soon"}, now=0) is None
    True

    Source:
        RFC 9110, 10.2.3.
    """
    said = headers.get("retry-after", "").strip()
    seconds = _number(said)
    if seconds is None and (then := _date(said)) is not None:
        sent = _date(headers.get("date", ""))
        seconds = then - (now if sent is None else sent)
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_PAUSE)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
