"""
What may be shown: a union of sources, each with its own scores kept.

Seen, excluded and filtered items never become candidates.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from slates.config import DAY, SlateConfig
from slates.knowledge import Knowledge
from slates.tastes import Tastes
from streams.trends import popularity_at

FRESH_LOOKED_AT = 2_000
"""New items looked through for those that pass a filter."""


@dataclass(slots=True)
class Candidate:
    """An item that may be shown."""

    item_id: str
    sources: dict[str, float] = field(default_factory=dict)
    """Source to its own score: cosine for tastes, decayed popularity, age in days."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may not be shown, and out of what one may choose."""

    barred: AbstractSet[str]
    """Seen or excluded."""
    within: AbstractSet[str] | None
    """What the filters leave; None without filters."""

    def allow(self, item_id: str) -> bool:
        """May the item be shown?"""
        return item_id not in self.barred and (self.within is None or item_id in self.within)


def gather(
    tastes: Tastes, knowledge: Knowledge, bounds: Bounds, *, now: float, config: SlateConfig
) -> list[Candidate]:
    """
    Collect the candidates of every source.

    Args:
        tastes: Directions to search in; none for a stranger.
        knowledge: Where to look.
        bounds: What may be shown at all.
        now: Event time, seconds since 1970.
        config: How many of each.

    Returns:
        Each item once, in the order first found.
    """
    found: dict[str, Candidate] = {}
    scored = (
        *_similar(tastes, knowledge, bounds, config),
        *_popular(knowledge, bounds, now, config),
        *_fresh(knowledge, bounds, now, config),
    )
    for source, item_id, score in scored:
        candidate = found.get(item_id)
        if candidate is None:
            found[item_id] = candidate = Candidate(item_id)
        candidate.sources[source] = score
    return list(found.values())


_Scored = list[tuple[str, str, float]]
"""Source, item id, the source's own score; within bounds."""


def _similar(tastes: Tastes, knowledge: Knowledge, bounds: Bounds, config: SlateConfig) -> _Scored:
    """The nearest items of each taste; wider once when most of them were seen already."""
    if not tastes.names:
        return []
    scored: _Scored = []
    for n in (config.retrieve, 10 * config.retrieve):
        nearest = knowledge.index.search(tastes.vectors, n=n, within=bounds.within)
        scored = [
            (name, match.item_id, match.similarity)
            for name, matches in zip(tastes.names, nearest, strict=True)
            for match in matches
            if match.item_id not in bounds.barred
        ]
        if len(scored) >= config.retrieve:
            break
    return scored


def _popular(knowledge: Knowledge, bounds: Bounds, now: float, config: SlateConfig) -> _Scored:
    half_life = config.popularity_half_life_days * DAY
    if bounds.within is None:
        most = config.retrieve + len(bounds.barred)
        known = [i for i in knowledge.popular(most) if i not in bounds.barred]
    else:
        known = sorted(bounds.within - bounds.barred, key=lambda i: (-knowledge.standing(i), i))
    return [
        ("popular", i, popularity_at(knowledge.trend(i), now, half_life=half_life))
        for i in known[: config.retrieve]
    ]


def _fresh(knowledge: Knowledge, bounds: Bounds, now: float, config: SlateConfig) -> _Scored:
    most = FRESH_LOOKED_AT if bounds.within is not None else config.retrieve + len(bounds.barred)
    newest = knowledge.fresh(now, within=config.fresh_days * DAY, n=most)
    ages = ((i, age_days(knowledge, i, now)) for i in newest if bounds.allow(i))
    known = [("fresh", i, age) for i, age in ages if age is not None]
    return known[: config.retrieve]


def age_days(knowledge: Knowledge, item_id: str, now: float) -> float | None:
    """Days since the item was published; None when unknown or still to come."""
    facts = knowledge.facts(item_id)
    if facts is None or facts.published_at is None or facts.published_at > now:
        return None
    return (now - facts.published_at) / DAY
