"""
Build a slate: candidates, scores, diversity, a place for the unknown, reasons.

A pure function of request, profile and knowledge: the same three give the same slate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from slates.candidates import Bounds, Candidate, gather
from slates.config import SlateConfig
from slates.diversity import diversify
from slates.explanations import explain
from slates.knowledge import Knowledge
from slates.ranking import score
from slates.slate import Reason, SlateItem
from slates.tastes import Tastes, Vectors, derive_tastes
from streams.profiles import Profile
from streams.requests import SlateRequest

STRATEGY = "hybrid"
POOL = 6
"""Diversity chooses among this many times the slate's size; more changes nothing and costs time."""


@dataclass(frozen=True, slots=True)
class Shortlist:
    """The candidates of one slate, scored."""

    candidates: Sequence[Candidate]
    vectors: Vectors
    """(len(candidates), dim) unit rows."""
    scores: NDArray[np.float64]
    """(len(candidates),), higher is better."""
    order: NDArray[np.intp]
    """Rows, best first."""


@dataclass(frozen=True, slots=True)
class Built:
    """A slate's items, and how they came about."""

    items: tuple[SlateItem, ...]
    tastes: Tastes
    bounds: Bounds
    shortlist: Shortlist
    retrieved: float
    """Seconds spent on candidates."""
    ranked: float
    """Seconds spent on everything after."""

    @property
    def note(self) -> str:
        """Why there are no items; empty where there are some."""
        if self.items:
            return ""
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
        config: The constants.

    Returns:
        At most as many items as asked for, none seen before, excluded or filtered out.
    """
    began = perf_counter()
    bounds = Bounds(
        barred=frozenset(profile.seen).union(request.exclude),
        within=knowledge.matching(request.filters) if request.filters else None,
    )
    tastes = derive_tastes(profile, knowledge.index, config)
    candidates = gather(tastes, knowledge, bounds, now=now, config=config)
    retrieved = perf_counter()
    shortlist = _shortlist(candidates, tastes, knowledge, now, config)
    rows = _choose(shortlist, knowledge, request.n or config.size, config)
    reasons = [
        explain(
            shortlist.candidates[row].item_id,
            shortlist.vectors[row],
            tastes,
            knowledge,
            now=now,
            config=config,
        )
        for row in rows
    ]
    items = tuple(
        _place(shortlist, row, rank, knowledge, why)
        for rank, (row, why) in enumerate(zip(rows, reasons, strict=True))
    )
    return Built(items, tastes, bounds, shortlist, retrieved - began, perf_counter() - retrieved)


def _shortlist(
    gathered: Sequence[Candidate],
    tastes: Tastes,
    knowledge: Knowledge,
    now: float,
    config: SlateConfig,
) -> Shortlist:
    """Score what has both a vector and facts; an item may have lost them since it was found."""
    candidates = [
        c for c in gathered if c.item_id in knowledge.index and knowledge.facts(c.item_id)
    ]
    if not candidates:
        nothing = np.zeros(0)
        return Shortlist((), nothing.astype(np.float32), nothing, nothing.astype(np.intp))
    vectors = knowledge.index.vectors([c.item_id for c in candidates])
    scores = score(candidates, vectors, tastes, knowledge, now=now, config=config)
    return Shortlist(candidates, vectors, scores, np.argsort(-scores, kind="stable"))


def _place(
    shortlist: Shortlist, row: int, rank: int, knowledge: Knowledge, why: tuple[Reason, ...]
) -> SlateItem:
    candidate = shortlist.candidates[row]
    facts = knowledge.facts(candidate.item_id)
    return SlateItem(
        item_id=candidate.item_id,
        title="" if facts is None else facts.title,
        rank=rank,
        score=round(float(shortlist.scores[row]), 6),
        sources=candidate.sources,
        reasons=why,
    )


def _choose(shortlist: Shortlist, knowledge: Knowledge, n: int, config: SlateConfig) -> list[int]:
    """Rows for the slate: the diverse best, and at the end a place for the unknown."""
    if not shortlist.candidates:
        return []
    pool = shortlist.order[: POOL * n]
    places = diversify(shortlist.scores[pool], shortlist.vectors[pool], n=n, share=config.diversity)
    best = [int(pool[place]) for place in places]
    unknown = _unknown(shortlist, knowledge, config)
    return explore(best, unknown, n=n, share=config.explore_share)


def _unknown(shortlist: Shortlist, knowledge: Knowledge, config: SlateConfig) -> list[int]:
    """Rows of fresh candidates that few people know, best first."""
    candidates = shortlist.candidates
    return [
        int(row)
        for row in shortlist.order
        if "fresh" in candidates[row].sources
        and knowledge.trend(candidates[row].item_id).supporters < config.supporters
    ]


def explore(best: Sequence[int], unknown: Sequence[int], *, n: int, share: float) -> list[int]:
    """
    Give the last places of a slate to items that few people know.

    Args:
        best: Rows in the order of the slate.
        unknown: Rows that may take a place, best first; those on the slate already count.
        n: Places there are.
        share: Largest share of them for the unknown; at least one place where it is not 0.

    Returns:
        At most n rows, each once.

    >>> explore([4, 7, 9], [2, 3], n=3, share=0.1)
    [4, 7, 2]
    >>> explore([4, 2, 9], [2, 3], n=3, share=0.1)
    [4, 2, 9]
    """
    places = math.floor(n * share + 1e-9) or (1 if share > 0 else 0)
    there: AbstractSet[int] = set(best)
    already = sum(row in there for row in unknown)
    wanted = [row for row in unknown if row not in there][: max(places - already, 0)]
    known = [row for row in best if row not in set(unknown)]
    going = set(known[len(known) - max(len(best) + len(wanted) - n, 0) :])
    return [*(row for row in best if row not in going), *wanted]
