"""What a user comes back to: how often, how lately, and whether it is time again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slates.config import DAY
from streams.profiles import Entry

LATELY_DAYS = 30.0
"""Days after which the last time counts half."""
NAMES = ("times", "due", "lately")
"""
Features, in the order of the columns; 0 for what the user never had.

`times`: logarithm of how often; `due`: 1 when as long ago as it usually is between two times;
`lately`: 1 for now, halved every `LATELY_DAYS`.
"""


@dataclass(frozen=True, slots=True)
class Habit:
    """One item in one user's history."""

    times: int
    first: float
    """Seconds since 1970."""
    last: float

    @property
    def interval(self) -> float | None:
        """Seconds that usually pass between two times; None before the second."""
        passed = self.last - self.first
        return passed / (self.times - 1) if self.times > 1 and passed > 0 else None


def habits_of(history: Sequence[Entry]) -> Mapping[str, Habit]:
    """
    Count what a user came to; what they turned down is no habit.

    >>> habits_of([Entry(0.0, "tea", "purchase", 3.0), Entry(60.0, "tea", "purchase", 3.0)])
    {'tea': Habit(times=2, first=0.0, last=60.0)}
    """
    habits: dict[str, Habit] = {}
    for entry in history:
        if entry.gain > 0:
            before = habits.get(entry.item_id)
            first, times = (entry.at, 0) if before is None else (before.first, before.times)
            habits[entry.item_id] = Habit(times + 1, first, entry.at)
    return habits


def measure_habits(
    item_ids: Sequence[str], habits: Mapping[str, Habit], now: float
) -> NDArray[np.float64]:
    """Measure items: (len(NAMES), m)."""
    columns = np.zeros((len(NAMES), len(item_ids)))
    if not habits:
        return columns
    for k, item_id in enumerate(item_ids):
        habit = habits.get(item_id)
        if habit is not None:
            columns[:, k] = _measure(habit, now)
    return columns


def _measure(habit: Habit, now: float) -> tuple[float, float, float]:
    since = max(now - habit.last, 0.0)
    lately = 2.0 ** -(since / DAY / LATELY_DAYS)
    return float(np.log1p(habit.times)), _due(habit, since), lately


def _due(habit: Habit, since: float) -> float:
    if habit.interval is None:
        return 0.0
    usual = max(habit.interval, DAY)
    return float(np.exp(-abs(since - usual) / usual))
