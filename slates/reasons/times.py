"""When: how new an item is, and how often this user comes back to it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from slates.candidates import age_days
from slates.config import DAY
from slates.reasons.grounds import Grounds
from slates.reasons.options import Option, option
from streams.profiles import Entry

LEAST_TIMES = 3
"""Two visits have one interval between them, and one interval is no habit."""
REGULAR = 2 / 3
"""Share of the intervals between half and twice the usual one, from which on it is usual."""


def new_option(item_id: str, grounds: Grounds) -> Option | None:
    """Since when it is there; None for what is not new or of unknown age."""
    age, facts = age_days(grounds.knowledge, item_id, grounds.now), grounds.knowledge.facts(item_id)
    if age is None or facts is None or age > grounds.config.fresh_days:
        return None
    evidence = {"published_at": facts.published_at, "days": int(age)}
    return option("new", "", evidence, weight=0.7 - 0.2 * age / grounds.config.fresh_days)


def repeat_option(item_id: str, grounds: Grounds) -> Option | None:
    """How often the user comes back to it; None for what is no habit."""
    mine = grounds.came.get(item_id, ())
    times = returns(mine)
    usual = usual_gap(times)
    if usual is None:
        return None
    evidence = {
        "times": len(times),
        "interval_days": round(usual / DAY),
        "last_days": int(max(grounds.now - mine[-1].at, 0.0) // DAY),
    }
    return option("repeat", item_id, evidence, weight=0.5 + 0.5 * min(len(times) / 6, 1.0))


def returns(entries: Sequence[Entry]) -> list[float]:
    """
    When a user came to one item, without what was done less than a day after the time before.

    >>> returns([Entry(at, "tea", "purchase", 3.0) for at in (0.0, 60.0, 86_400.0, 200_000.0)])
    [0.0, 86400.0, 200000.0]
    """
    times: list[float] = []
    for entry in entries:
        if not times or entry.at - times[-1] >= DAY:
            times.append(entry.at)
    return times


def usual_gap(times: Sequence[float]) -> float | None:
    """
    Seconds that usually pass between two times; None where that differs too much, or is unknown.

    >>> usual_gap([0.0, 10.0, 21.0, 30.0]), usual_gap([0.0, 10.0]), usual_gap([0.0, 1.0, 30.0])
    (10.0, None, None)
    """
    if len(times) < LEAST_TIMES:
        return None
    gaps = [after - before for before, after in pairwise(times)]
    usual = median(gaps)
    regular = sum(usual / 2 <= gap <= 2 * usual for gap in gaps)
    return usual if regular >= REGULAR * len(gaps) else None
