"""
How even the machine itself is: a loop of Python, before anything else is started.

A guest of a busy host is slowed down or stopped now and then, and is not told.  What it loses so
stands in every slow answer that is measured afterwards.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

SECONDS = 20.0
STEPS = 10_000
"""Of one round, about half a millisecond."""
SLOW = 2.0
"""Times the usual time from which on a round counts as slow."""
WINDOW = 0.1
"""Seconds in which the worst is looked for."""


@dataclass(frozen=True, slots=True)
class Evenness:
    """What one loop saw."""

    slow: float
    """Share of the time in rounds that took more than `SLOW` times as long as usual."""
    worst: float
    """What was done in the worst `WINDOW`, as a share of what is usual."""


def measure(seconds: float = SECONDS, clock: Callable[[], float] = time.perf_counter) -> Evenness:
    """Run rounds for so long."""
    began = clock()
    times = [began]
    while times[-1] < began + seconds:
        _round()
        times.append(clock())
    took = [after - before for before, after in pairwise(times)]
    usual = median(took)
    done = Counter(int((at - began) / WINDOW) for at in times[1:])
    whole = range(1, int((times[-1] - began) / WINDOW))
    return Evenness(
        slow=sum(t for t in took if t > SLOW * usual) / sum(took),
        worst=min((done[k] for k in whole), default=0) * usual / WINDOW,
    )


def _round() -> int:
    return sum(range(STEPS))
