"""
Ids derived from where a record came from, so that a replay draws the same ones.

Nothing in Headwater is given a random id: topic, partition and offset name a record for ever,
and whatever it causes is named after it.
"""

from __future__ import annotations

from typing import NamedTuple


class Origin(NamedTuple):
    """Where a record stands in the log."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        """
        The id used in headers, slates and messages.

        >>> str(Origin("events", 3, 120))
        'events-3-120'
        """
        return f"{self.topic}-{self.partition}-{self.offset}"


def slate_id(trigger_id: str) -> str:
    """
    The id of the slate that a trigger leads to; the same however often it is built.

    >>> slate_id("events-3-120")
    'slate-events-3-120'
    """
    return f"slate-{trigger_id}"
