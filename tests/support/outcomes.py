"""What a fault did to a stream, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """One stream, from its first event until the last was folded and answered."""

    events: int
    """On the log, and fit to be folded."""
    lost: int
    """Missing in profiles or in trends, whichever misses more."""
    over_counted: int
    """Too many in profiles or in trends, whichever has more."""
    wrong: int
    """Profiles and trends that are not what the same folds make of the log in plain Python."""
    went_back: int
    """Changelog records that are older than the one before of their key."""
    unanswered: int
    """Events that no slate answers."""
    dead_letters: int
    repeated: int
    """Slates sent again."""
    changed: Mapping[str, int]
    """Why a repeat had other items than the first, to how many."""
    longest_delay: float
    """Seconds from the sending of an event to its first slate."""
    outage: float
    """Longest time, in seconds, in which an event was waiting for longer than `LATE`."""
    exits: tuple[int, ...]
    """Exit codes of workers that nobody had told to end for good."""

    @property
    def damage(self) -> Mapping[str, int]:
        """All that must never be, whatever the fault; empty when all is well."""
        found = {
            "lost": self.lost,
            "over-counted": self.over_counted,
            "wrong": self.wrong,
            "went back": self.went_back,
            "unanswered": self.unanswered,
            "repeats that differ, and nobody knows why": self.changed.get(UNEXPLAINED, 0),
        }
        return {name: count for name, count in found.items() if count}


LATE = 1.0
"""Seconds without an answer after which an event counts as late; without faults it takes 0.02."""
UNEXPLAINED = "unexplained"
