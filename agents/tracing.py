"""
Why an item is on a slate or not: the first rule that decided it, with the numbers.

Pure: reads what `slates.building.build` kept of its work and builds nothing itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from agents.catalogue import Catalogue
from slates.building import Built
from slates.candidates import age_days
from slates.config import SlateConfig
from streams.profiles import Profile
from streams.requests import SlateRequest

Kind = Literal[
    "shown",
    "unknown",
    "seen",
    "excluded",
    "filtered",
    "not-found",
    "outranked",
    "diversity",
    "exploration",
]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What decided."""

    kind: Kind
    text: str
    """In a sentence or two."""
    facts: Mapping[str, Any]
    """The numbers in it, and more."""


@dataclass(frozen=True, slots=True)
class Move:
    """A place on the slate that the score alone would have given to another item."""

    by_score: int
    """0-based rank by score."""
    place: int | None
    """0-based place on the slate; None when it fell off."""
    cause: Literal["diversity", "exploration"]


@dataclass(frozen=True, slots=True)
class Standing:
    """The candidates of a slate in the order of their scores, and what moved."""

    rank: Mapping[str, int]
    """Item to its 0-based rank by score."""
    place: Mapping[str, int]
    """Item to its 0-based place on the slate."""
    diverse: Sequence[str]
    """The slate as diversity left it, before places were given to the unknown."""
    row: Mapping[str, int]
    """Item to its row of the shortlist."""

    def move(self, item_id: str) -> Move | None:
        """How an item moved; None where it stands, or fails to, by its score."""
        rank, place = self.rank[item_id], self.place.get(item_id)
        if place is None and rank >= len(self.place):
            return None
        if place is not None and item_id not in self.diverse:
            return Move(rank, place, "exploration")
        if place is None and item_id in self.diverse:
            return Move(rank, place, "exploration")
        return None if rank == place else Move(rank, place, "diversity")


def standing_of(built: Built) -> Standing:
    """Put the work of `build` in order."""
    shortlist = built.shortlist
    ids = shortlist.candidates.item_ids
    return Standing(
        rank={ids[row]: rank for rank, row in enumerate(shortlist.order.tolist())},
        place={item.item_id: item.rank for item in built.items},
        diverse=[ids[row] for row in built.by_merit],
        row={item_id: row for row, item_id in enumerate(ids)},
    )


@dataclass(frozen=True, slots=True)
class Tracer:
    """One built slate, to ask about items."""

    built: Built
    standing: Standing
    request: SlateRequest
    profile: Profile
    catalogue: Catalogue
    now: float
    config: SlateConfig

    def trace(self, item_id: str) -> Verdict:
        """What decided about an item."""
        if item_id in self.standing.place:
            return self._shown(item_id)
        if self.catalogue.facts(item_id) is None:
            return Verdict("unknown", "No worker knows it: it has no vector.", {})
        if item_id in self.profile.seen:
            return self._seen(item_id)
        if not self.built.bounds.allow(item_id):
            return self._barred(item_id)
        if item_id not in self.standing.rank:
            return self._not_found(item_id)
        return self._not_chosen(item_id)

    def _shown(self, item_id: str) -> Verdict:
        place = self.standing.place[item_id]
        item = self.built.items[place]
        text = f"It is on the slate, at place {place + 1}: {item.reasons[0].text}."
        return Verdict("shown", text, {"place": place + 1, "score": item.score})

    def _seen(self, item_id: str) -> Verdict:
        entries = [entry for entry in self.profile.history if entry.item_id == item_id]
        if not entries:
            text = "The user has acted on it, longer ago than the history kept; seen is seen."
            return Verdict("seen", text, {})
        last = entries[-1]
        facts = {"action": last.action, "at": last.at, "times": len(entries)}
        return Verdict("seen", "The user has seen it: what one acted on is not shown again.", facts)

    def _barred(self, item_id: str) -> Verdict:
        if item_id in self.request.exclude:
            return Verdict("excluded", "The request excludes it.", {})
        asked = {name: str(value) for name, value in self.request.filters.items()}
        text = "It does not have the attributes that the request asks for."
        return Verdict("filtered", text, {"filters": asked})

    def _not_found(self, item_id: str) -> Verdict:
        """Which sources looked, and how far it was from being taken."""
        popularity = list(self.catalogue.popular(len(self.catalogue)))
        allowed = [i for i in popularity if self.built.bounds.allow(i)]
        age = age_days(self.catalogue, item_id, self.now)
        facts = {
            "tastes": self._likeness(item_id),
            "popularity_place": allowed.index(item_id) + 1,
            "popularity_places": self.config.retrieve,
            "age_days": None if age is None else round(age, 1),
            "fresh_days": self.config.fresh_days,
        }
        return Verdict("not-found", "No source came up with it, so it was never scored.", facts)

    def _likeness(self, item_id: str) -> dict[str, dict[str, float | None]]:
        """Taste to the item's similarity and that of the last candidate taken from it."""
        tastes = self.built.tastes
        if not tastes.names:
            return {}
        similar = tastes.vectors @ self.catalogue.vector(item_id)
        found = self.built.shortlist.candidates.found
        weakest = {each.source: float(each.scores.min()) for each in found if len(each.scores)}
        return {
            name: {"similarity": _round(similar[i]), "weakest": _round(weakest.get(name))}
            for i, name in enumerate(tastes.names)
        }

    def _not_chosen(self, item_id: str) -> Verdict:
        standing, scores = self.standing, self.built.shortlist.scores
        score = float(scores[standing.row[item_id]])
        by_merit = [i for i in standing.place if i in standing.diverse]
        lowest = min((float(scores[standing.row[i]]) for i in by_merit), default=score)
        rank, total = standing.rank[item_id] + 1, len(standing.rank)
        facts = {
            "rank": rank,
            "candidates": total,
            "score": _round(score),
            "lowest_on_slate": _round(lowest),
        }
        where = f"By score it was number {rank} of {total} for {len(standing.place)} places"
        if item_id in standing.diverse:
            text = f"{where}; its place was given to an item that few people know yet."
            return Verdict("exploration", text, facts)
        if score <= lowest:
            text = f"{where}: {score:.3f}, and the lowest on the slate has {lowest:.3f}."
            return Verdict("outranked", text, facts)
        other, likeness = self._nearest_shown(item_id)
        text = f"{where}, but it is too much like {other!r}, which is on the slate."
        return Verdict("diversity", text, {**facts, "like": other, "likeness": _round(likeness)})

    def _nearest_shown(self, item_id: str) -> tuple[str, float]:
        """The item on the slate that is most like this one."""
        vectors, row = self.built.shortlist.vectors, self.standing.row
        others = list(self.standing.place)
        likeness = vectors[[row[other] for other in others]] @ vectors[row[item_id]]
        nearest = int(np.argmax(likeness))
        return others[nearest], float(likeness[nearest])


def _round(value: float | None) -> float | None:
    return None if value is None else round(float(value), 3)
