"""The pace of an item is 1 when all goes on as before."""

import pytest

from slates.config import DAY
from slates.reasons.crowds import RISING, pace_of
from streams.trends import CoVisit, Trend, fold

WEEK = 7 * DAY


def followed(*days: float) -> Trend:
    trend = Trend()
    for offset, day in enumerate(days):
        trend = fold(trend, CoVisit(day * DAY, 1.0, True, 0, offset), half_life=WEEK)
    return trend


def test_a_steady_stream_has_the_pace_of_one() -> None:
    steady = followed(*(n / 10 for n in range(1000)))
    assert pace_of(steady, 100 * DAY, half_life=WEEK) == pytest.approx(1.0, abs=0.1)


def test_what_came_of_late_only_is_rising_until_it_stops() -> None:
    sudden = followed(*(n / 100 for n in range(100)))
    assert pace_of(sudden, DAY, half_life=WEEK) >= RISING
    assert pace_of(sudden, 4 * DAY, half_life=WEEK) < RISING


def test_of_what_nobody_came_to_there_is_no_pace() -> None:
    assert pace_of(Trend(surge=1.0), 0.0, half_life=WEEK) == 0
    assert pace_of(Trend(popularity=5e-324, surge=1.0), 0.0, half_life=WEEK) == 0


def test_a_clock_behind_the_trend_changes_nothing() -> None:
    trend = followed(5)
    assert pace_of(trend, 0.0, half_life=WEEK) == pace_of(trend, 5 * DAY, half_life=WEEK)
