"""What a user comes back to: how often, how lately, whether it is time again, and do others?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slates.config import DAY
from streams.profiles import Entry

LATELY_DAYS = 30.0
"""Days after which the last time counts half."""
FADE_DAYS = 90.0
"""
Days after which a time counts half in `again`.

This and the three below were chosen on the first fifth of online-retail, where 60 and 180 days, a
doubt of 5, powers from .3 to .5 and from .2 to .35 are within .003 of recall@10.
"""
DOUBT = 10.0
"""Visits added to those of an item, of which `USUAL` are of people who came back."""
USUAL = 0.2
RETURNS_POWER = 0.4
POPULARITY_POWER = 0.25
LEAST_POPULARITY = 0.1
"""Added to popularity, so that what nobody wants at the moment can still be told apart."""
NAMES = ("times", "due", "lately", "again")
"""
Features, in the order of the columns; 0 for what the user never had.

`times`: logarithm of how often; `due`: 1 when as long ago as it usually is between two times;
`lately`: 1 for now, halved every `LATELY_DAYS`; `again`: how often, older times fading, times what
draws people back to the item (`pull_of`), as a logarithm.
"""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Habit:
    """One item in one user's history."""

    times: int
    first: float
    """Seconds since 1970."""
    last: float
    recent: float = 1.0
    """Times, each halved every `FADE_DAYS`, as of the last."""

    @property
    def interval(self) -> float | None:
        """Seconds that usually pass between two times; None before the second."""
        passed = self.last - self.first
        return passed / (self.times - 1) if self.times > 1 and passed > 0 else None


def habits_of(history: Sequence[Entry]) -> Mapping[str, Habit]:
    """
    Count what a user came to; what they turned down is no habit.

    >>> habits_of([Entry(0.0, "tea", "purchase", 3.0), Entry(90 * DAY, "tea", "purchase", 3.0)])
    {'tea': Habit(times=2, first=0.0, last=7776000.0, recent=1.5)}
    """
    habits: dict[str, Habit] = {}
    for entry in history:
        if entry.gain > 0:
            habits[entry.item_id] = _once_more(habits.get(entry.item_id), entry.at)
    return habits


def _once_more(before: Habit | None, at: float) -> Habit:
    """A habit after one time more, not before the last."""
    if before is None:
        return Habit(1, at, at)
    return Habit(before.times + 1, before.first, at, 1 + before.recent * _faded(at - before.last))


def _faded(seconds: float) -> float:
    return float(2.0 ** -(seconds / DAY / FADE_DAYS))


def pull_of(
    visits: NDArray[np.floating], people: NDArray[np.integer], popularity: Numbers
) -> Numbers:
    """
    What draws people back to items: that others come back to them, and come to them now.

    Args:
        visits: (m,) interactions of each item, over all time.
        people: (m,) different users behind them.
        popularity: (m,) decayed sum of gains.

    >>> pull_of(np.array([30.0, 30.0]), np.array([10, 30]), np.array([4.0, 4.0])).round(2)
    array([1.12, 0.43])
    """
    returns = (np.maximum(visits - people, 0.0) + DOUBT * USUAL) / (visits + DOUBT)
    pull: Numbers = returns**RETURNS_POWER * (LEAST_POPULARITY + popularity) ** POPULARITY_POWER
    return pull


def measure_habits(
    item_ids: Sequence[str], habits: Mapping[str, Habit], now: float, pull: Numbers
) -> Numbers:
    """
    Measure items.

    Args:
        item_ids: (m,) what may be shown.
        habits: What the user comes back to.
        now: Event time, seconds since 1970.
        pull: (m,) `pull_of` the items.

    Returns:
        (len(NAMES), m).
    """
    columns = np.zeros((len(NAMES), len(item_ids)))
    for k, item_id in enumerate(item_ids if habits else ()):
        habit = habits.get(item_id)
        if habit is not None:
            columns[:, k] = _measure(habit, now, float(pull[k]))
    return columns


def _measure(habit: Habit, now: float, pull: float) -> tuple[float, float, float, float]:
    since = max(now - habit.last, 0.0)
    lately = 2.0 ** -(since / DAY / LATELY_DAYS)
    again = float(np.log1p(habit.recent * _faded(since) * pull))
    return float(np.log1p(habit.times)), _due(habit, since), lately, again


def _due(habit: Habit, since: float) -> float:
    if habit.interval is None:
        return 0.0
    usual = max(habit.interval, DAY)
    return float(np.exp(-abs(since - usual) / usual))
