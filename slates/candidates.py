"""
What may be shown: a union of sources, each with its own scores kept.

Seen, excluded and filtered items never become candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from slates.config import DAY, Source
from slates.crowd import Crowd
from slates.features import Measuring, amount_at
from slates.knowledge import Knowledge
from slates.leaning import derive_leaning
from streams.trends import SURGE, popularity_at

TRUSTED = 0.9
"""Trust in the evidence from which on texts are asked for the recent taste alone."""
AROUND, FAR = 2, 10
"""Times as many neighbours of a taste as are wanted are asked for, and where that is too few."""
WIDE = 3
"""Times as many popular items as are wanted are looked through before all that were seen are."""
TOPICS = 3
"""Words that a user leans to, most of all, whose popular items are looked for."""
FRESH_LOOKED_AT = 2_000
"""New items looked through for those that pass a filter."""


KEYWORDS: Source = "keywords"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item that may be shown."""

    item_id: str
    sources: Mapping[str, float] = field(default_factory=dict)
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


@dataclass(frozen=True, slots=True)
class Found:
    """What one source came up with; within bounds, each item once."""

    source: str
    """Its name; `similar` has one for each taste."""
    rows: NDArray[np.intp]
    """(k,) rows of the crowd."""
    scores: NDArray[np.float64]
    """(k,) the source's own."""


class Pool:
    """All candidates, each once; what a source said of one is looked up when somebody asks."""

    def __init__(self, found: Sequence[Found], ids: Sequence[str]) -> None:
        """
        Unite.

        Args:
            found: What the sources came up with.
            ids: Item ids by row.
        """
        self.found = found
        nothing = np.zeros(0, np.intp)
        self.rows = np.unique(np.concatenate([nothing, *(each.rows for each in found)]))
        """(m,) rows of the crowd, ascending."""
        self.item_ids = [ids[row] for row in self.rows.tolist()]

    def __len__(self) -> int:
        return len(self.item_ids)

    def at(self, places: Sequence[int]) -> list[Candidate]:
        """The candidates at some places, with the sources that came up with them."""
        rows = self.rows[list(places)].tolist()
        sources: dict[int, dict[str, float]] = {row: {} for row in rows}
        for each in self.found:
            for row, score in zip(each.rows.tolist(), each.scores.tolist(), strict=True):
                if row in sources:
                    sources[row][each.source] = score
        return [
            Candidate(self.item_ids[place], sources[row])
            for place, row in zip(places, rows, strict=True)
        ]

    def places_of(self, source: str) -> NDArray[np.intp]:
        """The places of the candidates that a source came up with, ascending."""
        rows = [each.rows for each in self.found if each.source == source]
        return np.searchsorted(self.rows, np.unique(np.concatenate([np.zeros(0, np.intp), *rows])))


def gather(measuring: Measuring, bounds: Bounds) -> Pool:
    """
    Collect the candidates of the strategy's sources.

    Args:
        measuring: What is known of the user, and where to look.
        bounds: What may be shown at all.
    """
    crowd, shelf = measuring.knowledge.crowd, measuring.knowledge.shelf
    allowed = np.zeros(len(crowd), bool)
    if bounds.within is None:
        live = shelf.live[: len(crowd)]
        allowed[: len(live)] = live
    else:
        allowed[crowd.known(bounds.within)] = True
    allowed[crowd.known(bounds.barred)] = False
    sources = dict.fromkeys(measuring.config.candidates)
    if measuring.words:
        sources[KEYWORDS] = None
    found = [each for source in sources for each in _SOURCES[source](measuring, bounds, allowed)]
    return Pool(found, crowd.ids)


Allowed: TypeAlias = NDArray[np.bool_]
"""(rows of the crowd,) may the item be shown?"""


def _among(source: str, scored: Mapping[str, float], crowd: Crowd, allowed: Allowed) -> Found:
    """Item ids and their scores as what a source found, without those that may not be shown."""
    rows = crowd.rows(scored).astype(np.intp)
    scores = np.fromiter(scored.values(), float, len(scored))
    shown = rows < len(allowed)  # the index is ahead of the catalogue while items come in
    shown[shown] = allowed[rows[shown]]
    return Found(source, rows[shown], scores[shown])


def _companions(measuring: Measuring, _: Bounds, allowed: Allowed) -> Iterable[Found]:
    """What people came to before and after the items of the history."""
    rows, lasting = measuring.evidence.strongest(measuring.config.companions, allowed)
    yield Found("companions", rows, lasting)


def _similar(measuring: Measuring, bounds: Bounds, allowed: Allowed) -> Sequence[Found]:
    """
    The nearest items of each taste; wider once when most of them were seen already.

    What a taste was made from is nearest to it and was seen, so more are asked for than are taken.
    Of the recent taste alone where the crowd has much to say, which spares the time of the other
    searches; on the first fifth of ml-100k hits stayed what they were.
    """
    tastes, knowledge = measuring.tastes, measuring.knowledge
    if not tastes.names:
        return []
    found: list[Found] = []
    most = measuring.config.retrieve
    asked = 1 if measuring.evidence.trust >= TRUSTED else len(tastes.names)
    for n in (AROUND * most, FAR * most):
        nearest = knowledge.index.search(tastes.vectors[:asked], n=n, within=bounds.within)
        found = [
            _among(name, {m.item_id: m.similarity for m in matches}, knowledge.crowd, allowed)
            for name, matches in zip(tastes.names[:asked], nearest, strict=True)
        ]
        if sum(len(each.rows) for each in found) >= most:
            break
    return [Found(each.source, each.rows[:most], each.scores[:most]) for each in found]


def _popular(measuring: Measuring, bounds: Bounds, allowed: Allowed) -> Iterable[Found]:
    knowledge, config = measuring.knowledge, measuring.config
    if bounds.within is None:
        known = _most_popular(knowledge, bounds.barred, config.retrieve)
    else:
        known = sorted(bounds.within - bounds.barred, key=lambda i: (-knowledge.standing(i), i))
    half_life, now = config.popularity_half_life_days * DAY, measuring.now
    scored = {
        i: popularity_at(knowledge.trend(i), now, half_life=half_life)
        for i in known[: config.retrieve]
    }
    yield _among("popular", scored, knowledge.crowd, allowed)


def _most_popular(knowledge: Knowledge, barred: AbstractSet[str], n: int) -> list[str]:
    """At least n where there are so many; most users have not seen most of what is popular."""
    for most in (WIDE * n, n + len(barred)):
        known = [i for i in knowledge.popular(most) if i not in barred]
        if len(known) >= n:
            break
    return known


def _trending(measuring: Measuring, _: Bounds, allowed: Allowed) -> Iterable[Found]:
    """What rises: visited much of late, whoever visits."""
    crowd = measuring.knowledge.crowd
    rows = _highest(crowd.surge, np.flatnonzero(allowed), measuring.config.retrieve)
    half_lives = measuring.now / crowd.half_life * SURGE
    yield Found("trending", rows, amount_at(crowd.surge[rows], half_lives))


def _topical(measuring: Measuring, _: Bounds, allowed: Allowed) -> Iterable[Found]:
    """The most popular items of each of the words that the user leans to most."""
    crowd, shelf = measuring.knowledge.crowd, measuring.knowledge.shelf
    leaning = derive_leaning(measuring.tastes, measuring.knowledge)
    words = sorted((-amount, place) for place, amount in leaning.items() if amount > 0)[:TOPICS]
    found = [np.zeros(0, np.intp)]
    for _amount, place in words:
        rows = shelf.having(place)
        rows = rows[rows < len(allowed)]
        most = -(-measuring.config.retrieve // TOPICS)
        found.append(_highest(crowd.standing, rows[allowed[rows]], most))
    rows = np.unique(np.concatenate(found))
    yield Found("topical", rows, amount_at(crowd.standing[rows], measuring.now / crowd.half_life))


def _highest(standing: NDArray[np.float64], rows: NDArray[np.intp], n: int) -> NDArray[np.intp]:
    """The n rows that stand highest, without those that nobody has come to."""
    rows = rows[np.isfinite(standing[rows])]
    return rows[np.argsort(-standing[rows], kind="stable")[:n]]


def _fresh(measuring: Measuring, bounds: Bounds, allowed: Allowed) -> Iterable[Found]:
    knowledge, now, config = measuring.knowledge, measuring.now, measuring.config
    most = FRESH_LOOKED_AT if bounds.within is not None else config.retrieve + len(bounds.barred)
    newest = knowledge.fresh(now, within=config.fresh_days * DAY, n=most)
    ages = ((i, age_days(knowledge, i, now)) for i in newest if bounds.allow(i))
    known = ((i, age) for i, age in ages if age is not None)
    yield _among("fresh", dict(islice(known, config.retrieve)), knowledge.crowd, allowed)


def _own(measuring: Measuring, _: Bounds, allowed: Allowed) -> Iterable[Found]:
    """What the user had before, by how often."""
    scored = {i: float(habit.times) for i, habit in measuring.habits.items()}
    yield _among("own", scored, measuring.knowledge.crowd, allowed)


def _keywords(measuring: Measuring, _: Bounds, allowed: Allowed) -> Iterable[Found]:
    """Items with the words that the user asks for, or that what they liked has."""
    most = measuring.config.retrieve
    scored = dict(measuring.knowledge.worded(measuring.words, n=WIDE * most))
    found = _among(KEYWORDS, scored, measuring.knowledge.crowd, allowed)
    yield Found(KEYWORDS, found.rows[:most], found.scores[:most])


_SOURCES: Mapping[Source, Callable[[Measuring, Bounds, Allowed], Iterable[Found]]] = {
    "companions": _companions,
    "similar": _similar,
    "popular": _popular,
    "trending": _trending,
    "topical": _topical,
    "fresh": _fresh,
    "own": _own,
    "keywords": _keywords,
}


def age_days(knowledge: Knowledge, item_id: str, now: float) -> float | None:
    """Days since the item was published; None when unknown or still to come."""
    facts = knowledge.facts(item_id)
    if facts is None or facts.published_at is None or facts.published_at > now:
        return None
    return (now - facts.published_at) / DAY
