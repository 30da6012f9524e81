"""
Rejected events, kept with their reason: the records of the `dead-letters` topic.

The value is the bytes as they came.  Reason, message and origin are headers, so that a letter can
be read, mended and sent again without decoding anything.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from streams.errors import RejectedEvent
from streams.origins import Origin

MAX_VALUE_BYTES = 15 * 1_048_576
"""What is kept of a value; past it the rest is cut and the header `cut` gives the full length."""
SHORT_VALUE_BYTES = 65_536
"""What is kept of a value where the broker does not take more."""


class DeadLetter(NamedTuple):
    """One record of `dead-letters`."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


def dead_letter(
    origin: Origin,
    *,
    key: bytes | None,
    value: bytes | None,
    error: RejectedEvent,
    keep: int = MAX_VALUE_BYTES,
) -> DeadLetter:
    """
    Keep what was rejected, of its value at most `keep` bytes.

    >>> letter = dead_letter(Origin("events", 0, 7), key=b"u", value=b"{", error=RejectedEvent("x"))
    >>> letter.value, dict(letter.headers)["origin"], dict(letter.headers)["reason"]
    (b'{', b'events-0-7', b'rejected_event')
    """
    headers = [
        ("reason", reason(error).encode()),
        ("message", str(error)[:1000].encode(errors="replace")),
        ("origin", str(origin).encode()),
        ("topic", origin.topic.encode()),
        ("partition", str(origin.partition).encode()),
        ("offset", str(origin.offset).encode()),
    ]
    if value is not None and len(value) > keep:
        headers.append(("cut", str(len(value)).encode()))
        value = value[:keep]
    return DeadLetter(key, value, headers)


def reason(error: Exception) -> str:
    """
    A short name of the kind of error, fit for a metric's label.

    >>> reason(RejectedEvent())
    'rejected_event'
    """
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
