"""
How old local state may be: a log that is compacted does not tell for ever what was removed.

An older copy would bring back an item or a user that is gone, and nothing on the log would object.
"""

from __future__ import annotations

from pathlib import Path

from streams.errors import LocalStateUnusable
from streams.topics import DELETE_RETENTION

MAX_AGE = DELETE_RETENTION.total_seconds() / 2
"""
Seconds after which a copy is no use.

The log forgets that a key was removed after twice that.
"""
CONFIRM_EVERY = MAX_AGE / 12
"""Seconds after which a copy that has not changed is marked as still valid."""


def check_age(path: Path, as_of: float, *, now: float) -> None:
    """
    Make sure that a copy can be gone on from.

    Args:
        path: Of the copy, for the message.
        as_of: When it was what the log said, seconds since 1970; one in the future tells of a
            clock that was wrong, then or now.
        now: Seconds since 1970.

    Raises:
        LocalStateUnusable: It is too old.

    >>> check_age(Path("copy"), 0.0, now=3600.0)
    """
    if (age := abs(now - as_of)) > MAX_AGE:
        raise LocalStateUnusable(
            f"{path}: it is {age / 3600:.1f} h old, expected at most {MAX_AGE / 3600:g}",
            reason="too_old",
        )
