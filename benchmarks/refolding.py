"""
What the folds make of a log in plain Python, and how what a worker made of it differs.

The slow, obviously right version: one event after another, no Kafka, no batches, no restarts.
Soak and fault suite hold profiles and trends of a run against it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from streams import profiles, trends
from streams.covisits import co_visit_of
from streams.events import DEFAULT_GAINS, Gains, Interaction
from streams.predecessors import alike
from streams.profiles import Profile
from streams.trends import Trend

GAINS = Gains(DEFAULT_GAINS)
HALF_LIFE = 7 * trends.DAY


class Refold:
    """Profiles and trends, one interaction at a time."""

    def __init__(
        self,
        known: Mapping[str, Profile] | None = None,
        known_trends: Mapping[str, Trend] | None = None,
    ) -> None:
        """Begin with these profiles and trends; nobody and nothing is known without."""
        self.profiles: dict[str, Profile] = dict(known or {})
        self.trends: dict[str, Trend] = dict(known_trends or {})

    def add(self, event: Interaction, *, partition: int, offset: int) -> None:
        """Fold the event that stands there; those of a partition come in order."""
        before = self.profiles.get(event.user_id, Profile())
        after = profiles.fold(before, event, gains=GAINS, partition=partition, offset=offset)
        assert after is not None
        self.profiles[event.user_id] = after
        visit = co_visit_of(event, before, gains=GAINS, partition=partition, offset=offset)
        trend = self.trends.get(event.item_id, Trend())
        self.trends[event.item_id] = trends.fold(trend, visit, half_life=HALF_LIFE)


@dataclass(frozen=True, slots=True)
class Difference:
    """How profiles and trends differ from what they should be."""

    lost: int
    """Events missing in profiles or in trends, whichever misses more."""
    over_counted: int
    """Too many in profiles or in trends, whichever has more."""
    wrong: int
    """Profiles and trends that are other than they should be in anything at all."""


def compare(
    found_profiles: Mapping[str, Profile], found_trends: Mapping[str, Trend], *, wanted: Refold
) -> Difference:
    """Hold what was found against what it should be."""
    surplus = [
        _surplus(_interactions(found_profiles), _interactions(wanted.profiles)),
        _surplus(_visits(found_trends), _visits(wanted.trends)),
    ]
    users = found_profiles.keys() | wanted.profiles.keys()
    items = found_trends.keys() | wanted.trends.keys()
    return Difference(
        lost=max(-sum(n for n in each.values() if n < 0) for each in surplus),
        over_counted=max(sum(n for n in each.values() if n > 0) for each in surplus),
        wrong=sum(found_profiles.get(u) != wanted.profiles.get(u) for u in users)
        + sum(not _same_trend(found_trends.get(i), wanted.trends.get(i)) for i in items),
    )


def _interactions(found: Mapping[str, Profile]) -> dict[str, int]:
    return {user: sum(profile.counters.values()) for user, profile in found.items()}


def _visits(found: Mapping[str, Trend]) -> dict[str, int]:
    return {item: trend.interactions for item, trend in found.items()}


def _surplus(found: Mapping[str, int], wanted: Mapping[str, int]) -> dict[str, int]:
    return {key: found.get(key, 0) - wanted.get(key, 0) for key in found.keys() | wanted.keys()}


def _same_trend(found: Trend | None, wanted: Trend | None) -> bool:
    """Equal but for the last digits of what decays, which depend on the order of arrival."""
    if found is None or wanted is None:
        return False
    return (
        math.isclose(found.popularity, wanted.popularity, rel_tol=1e-9, abs_tol=1e-12)
        and math.isclose(found.surge, wanted.surge, rel_tol=1e-9, abs_tol=1e-12)
        and alike(found.predecessors, wanted.predecessors)
        and (found.interactions, found.supporters) == (wanted.interactions, wanted.supporters)
        and (found.days, found.at, found.applied) == (wanted.days, wanted.at, wanted.applied)
    )
