"""
How many people came to an item, how lately, and whether they become more.

A count of people is quoted from `supporters` on, so no single person shows through.
"""

from __future__ import annotations

import math

from slates.reasons.grounds import Grounds
from slates.reasons.options import Option, option
from streams.trends import SURGE, Trend, people_since

WINDOW_DAYS = 7
LATELY_DAYS = 2
RISING = 2.0
"""Pace from which on an item is rising: twice what its whole week had."""
LEAST_POPULARITY = 1e-6
"""Below it nobody has come for months, and a quotient of what is left says nothing."""


def crowd_option(item_id: str, grounds: Grounds) -> Option | None:
    """What may be said of the people who came to an item; None where they are too few."""
    trend = grounds.knowledge.trend(item_id)
    least = grounds.config.supporters
    people = people_since(trend, grounds.now, days=WINDOW_DAYS)
    if people >= least:
        return _trending(trend, people, grounds)
    if trend.supporters >= least:
        return option("popular", "", {"people": trend.supporters}, weight=0.4)
    return None


def _trending(trend: Trend, people: int, grounds: Grounds) -> Option:
    evidence: dict[str, float] = {"people": people, "days": WINDOW_DAYS}
    lately = people_since(trend, grounds.now, days=LATELY_DAYS)
    pace = pace_of(trend, grounds.now, half_life=grounds.knowledge.crowd.half_life)
    if lately < grounds.config.supporters or pace < RISING:
        return option("trending", "", evidence, weight=0.5)
    evidence |= {"lately": lately, "lately_days": LATELY_DAYS, "pace": pace}
    return option("trending", "", evidence, weight=0.7)


def pace_of(trend: Trend, now: float, *, half_life: float) -> float:
    """
    How many times as much an item has lately as it had over the long run, to one decimal.

    Both amounts decay at their own rate; under a steady stream of events this is 1.

    >>> pace_of(Trend(popularity=8.0, surge=3.0, at=5.0), 5.0, half_life=7.0)
    3.0
    """
    if trend.popularity < LEAST_POPULARITY:
        return 0.0
    halvings: float = (SURGE - 1) * max(now - trend.at, 0.0) / half_life
    return round(SURGE * trend.surge / trend.popularity * math.exp2(-halvings), 1)


def explore_option(item_id: str, grounds: Grounds) -> Option:
    """What is said where nothing else can be: it is shown to find out."""
    if grounds.knowledge.trend(item_id).supporters == 0:
        return option("explore", "", {"people": 0}, weight=0.0)
    return option("explore", "", {"fewer_than": grounds.config.supporters}, weight=0.0)
