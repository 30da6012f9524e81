"""Does something grow?  Straight lines through what was measured between the restarts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean, linear_regression

MEMORY_SHARE = 0.05
"""Of memory, per hour; at that pace it takes twenty hours to double."""
LAG_SHARE = 0.005
"""Of the events sent; lag that grows by less is within what a commit a second makes of it."""
WARM_UP = 180.0
"""Seconds after a start in which caches fill and the backlog is worked off."""

Point = tuple[float, float]
"""Seconds and a value."""


def warm_up(seconds: float) -> float:
    """
    How much after each start is left out of a run; a third of a stretch where that is short.

    >>> warm_up(1800.0), warm_up(180.0)
    (180.0, 20.0)
    """
    return min(WARM_UP, seconds / 9)


def stretches(
    points: Iterable[Point], *, starts: Sequence[float], ends: Sequence[float], leave_out: float
) -> list[list[Point]]:
    """
    The points at which a worker was warm, one list for each worker.

    Args:
        points: In order of time.
        starts: When each worker was ready.
        ends: When each was told to end, or had ended.
        leave_out: Seconds after each start.

    >>> points = [(float(t), 0.0) for t in range(0, 100, 10)]
    >>> found = stretches(points, starts=[0, 50], ends=[30, 100], leave_out=15)
    >>> [[t for t, _ in stretch] for stretch in found]
    [[20.0], [70.0, 80.0, 90.0]]
    """
    everything = list(points)
    return [
        [point for point in everything if start + leave_out <= point[0] < end]
        for start, end in zip(starts, ends, strict=True)
    ]


def slope(stretch: Sequence[Point]) -> float:
    """
    How much the value grows per second, by least squares; 0 of fewer than two points.

    >>> slope([(0.0, 10.0), (10.0, 12.0), (20.0, 14.0)])
    0.2
    """
    return common_slope([stretch])


def common_slope(found: Iterable[Sequence[Point]]) -> float:
    """
    The one slope that fits several stretches best, each at a level of its own.

    A worker that starts again starts at another level, which is no growth.

    >>> common_slope([[(0.0, 10.0), (10.0, 10.0)], [(20.0, 90.0), (30.0, 90.0)]])
    0.0
    """
    centred = [point for stretch in found for point in _centred(stretch)]
    times, values = [t for t, _ in centred], [v for _, v in centred]
    if not any(times):
        return 0.0
    return linear_regression(times, values, proportional=True).slope


def _centred(stretch: Sequence[Point]) -> list[Point]:
    if not stretch:
        return []
    time, value = fmean(t for t, _ in stretch), fmean(v for _, v in stretch)
    return [(t - time, v - value) for t, v in stretch]
