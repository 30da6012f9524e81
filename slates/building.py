"""
Build a slate: candidates, scores, diversity, a place for the unknown, reasons.

A pure function of request, profile and knowledge: the same three give the same slate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from slates.candidates import Bounds
from slates.choosing import choose, shares_of
from slates.config import SlateConfig
from slates.explanations import explain
from slates.exploring import draw, explore
from slates.knowledge import Knowledge
from slates.reasons.grounds import grounds_of
from slates.shortlisting import Prepared, Shortlist, prepare
from slates.slate import Reason, SlateItem
from slates.tastes import Tastes
from streams.profiles import Profile
from streams.requests import SlateRequest

POOL = 6
"""Diversity chooses among this many times the slate's size; more changes nothing and costs time."""

LOOKED_THROUGH = 100
"""Candidates, the best by score, that are looked through for unknown ones."""
DRAWN_FROM = 10
"""Unknown candidates, the best by score, among which chance decides where none is new."""


@dataclass(frozen=True, slots=True)
class Built:
    """A slate's items, and how they came about."""

    items: tuple[SlateItem, ...]
    prepared: Prepared
    by_merit: Sequence[int]
    """Rows of the shortlist as they were before places were given to the unknown."""
    chosen: float
    """Seconds spent on choosing among the candidates and on reasons."""

    @property
    def tastes(self) -> Tastes:
        """The user's directions."""
        return self.prepared.tastes

    @property
    def bounds(self) -> Bounds:
        """What could not be shown."""
        return self.prepared.bounds

    @property
    def shortlist(self) -> Shortlist:
        """The candidates, scored."""
        return self.prepared.shortlist

    @property
    def retrieved(self) -> float:
        """Seconds spent on candidates."""
        return self.prepared.retrieved

    @property
    def ranked(self) -> float:
        """Seconds spent on everything after."""
        return self.prepared.scored + self.chosen

    @property
    def note(self) -> str:
        """Why there are no items; empty where there are some."""
        if self.items:
            return ""
        if self.prepared.note:
            return self.prepared.note
        if self.bounds.within is None:
            return "the catalogue has no item that was not seen or excluded"
        if not self.bounds.within:
            return "no item has the attributes asked for"
        return "every item with the attributes asked for was seen or excluded"


def build(
    request: SlateRequest,
    profile: Profile,
    knowledge: Knowledge,
    *,
    now: float,
    config: SlateConfig,
) -> Built:
    """
    Build the items of a slate.

    Args:
        request: For whom, how many, what not.
        profile: What is known of the user; `Profile()` for a stranger.
        knowledge: What is known of the items.
        now: Event time, seconds since 1970.
        config: The strategy.

    Returns:
        At most as many items as asked for, none seen before, excluded or filtered out.
    """
    prepared = prepare(request, profile, knowledge, now=now, config=config)
    began = perf_counter()
    shortlist = prepared.shortlist
    by_merit, rows = arrange(prepared, knowledge, request.n or config.size, config)
    reasons = explain(
        [shortlist.candidates.item_ids[row] for row in rows],
        shortlist.vectors[rows],
        prepared.tastes,
        grounds_of(request, profile, knowledge, now=now, config=config),
    )
    items = _places(shortlist, rows, reasons, knowledge)
    return Built(items, prepared, by_merit, perf_counter() - began)


def _places(
    shortlist: Shortlist,
    rows: Sequence[int],
    reasons: Sequence[tuple[Reason, ...]],
    knowledge: Knowledge,
) -> tuple[SlateItem, ...]:
    candidates, scores = shortlist.candidates.at(rows), shortlist.scores[rows].tolist()
    facts = [knowledge.facts(candidate.item_id) for candidate in candidates]
    return tuple(
        SlateItem(
            item_id=candidate.item_id,
            title="" if said is None else said.title,
            rank=rank,
            score=round(score, 6),
            sources=candidate.sources,
            reasons=why,
        )
        for rank, (candidate, said, score, why) in enumerate(
            zip(candidates, facts, scores, reasons, strict=True)
        )
    )


def arrange(
    prepared: Prepared, knowledge: Knowledge, n: int, config: SlateConfig
) -> tuple[list[int], list[int]]:
    """Rows of the shortlist for n places: by merit, and with a place for the unknown at the end."""
    shortlist = prepared.shortlist
    if not len(shortlist.candidates):
        return [], []
    pool = shortlist.order[: POOL * n]
    ids = shortlist.candidates.item_ids
    liked = [entry.item_id for entry in prepared.tastes.liked] if config.calibration else []
    places = choose(
        shortlist.scores[pool],
        shortlist.vectors[pool],
        [knowledge.words(ids[row]) for row in pool.tolist()],
        n=n,
        config=config,
        history=shares_of(liked, knowledge, config.calibrated),
    )
    best = pool[places].tolist()
    unknown = _unknown(prepared, knowledge, config) if config.explore_share else []
    return best, explore(best, unknown, n=n, share=config.explore_share)


def _unknown(prepared: Prepared, knowledge: Knowledge, config: SlateConfig) -> list[int]:
    """Rows of candidates that few people know, in the order drawn; the new ones where there are."""
    shortlist = prepared.shortlist
    pool = shortlist.candidates
    few = knowledge.crowd.people[pool.rows] < config.supporters
    fresh = pool.places_of("fresh")
    drawn = fresh[few[fresh]].tolist()
    if not drawn:
        best = shortlist.order[:LOOKED_THROUGH]
        drawn = best[few[best]][:DRAWN_FROM].tolist()
    trends = [knowledge.trend(pool.item_ids[row]) for row in drawn]
    return [drawn[k] for k in draw(trends, seed=prepared.seed)]
