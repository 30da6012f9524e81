"""
What an item resembles: "Similar to A, which you liked: both say “sea wolf”".

The likeness is that of the texts' vectors.  The phrase makes it plain where the facts have one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from slates.reasons.attributes import act_of
from slates.reasons.grounds import MAX_NAME_CHARS, Grounds
from slates.reasons.options import Option, option
from slates.reasons.phrases import Spoken, common_phrase, spoken
from slates.tastes import Tastes, Vectors
from streams.profiles import Entry

MIN_SIMILARITY = 0.3
"""Cosine below which two items of all-MiniLM-L6-v2 have little to do with each other."""
MOST = 2
"""Options of an item: those most alike."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike items are to what one user liked."""

    grounds: Grounds
    tastes: Tastes
    acts: Mapping[str, Entry]
    _spoken: dict[str, Spoken] = field(default_factory=dict)
    """Of items looked at already."""

    @classmethod
    def of(cls, tastes: Tastes, grounds: Grounds) -> Likeness:
        """Look at the liked items of a history."""
        return cls(grounds, tastes, grounds.acts())

    def options(self, item_id: str, vector: Vectors) -> list[Option]:
        """
        The liked items that an item is most alike to, the strongest first.

        Args:
            item_id: An announced item.
            vector: (dim,) its unit vector.
        """
        if not self.tastes.liked:
            return []
        likeness: NDArray[np.float32] = self.tastes.liked_vectors @ vector
        nearest = np.argsort(-likeness, kind="stable")[: MOST + 1].tolist()
        alike = [
            (self.tastes.liked[i].item_id, float(likeness[i]))
            for i in nearest
            if likeness[i] >= MIN_SIMILARITY and self.tastes.liked[i].item_id != item_id
        ]
        found = (self._option(item_id, other, similarity) for other, similarity in alike[:MOST])
        return sorted(filter(None, found), key=lambda o: -o.strength)

    def _option(self, item_id: str, other: str, similarity: float) -> Option | None:
        name = self.grounds.name(other)
        if name is None:
            return None
        evidence = {
            "items": [other],
            "titles": [name],
            "actions": [act_of(other, self.acts)],
            "similarity": round(similarity, 3),
        }
        phrase = common_phrase(self._words(item_id), self._words(other))
        if phrase and len(phrase) <= MAX_NAME_CHARS:
            evidence["phrase"] = phrase
        plain = 0.55 if "phrase" in evidence else 0.4
        return option("similar", other, evidence, weight=plain + 0.5 * similarity)

    def _words(self, item_id: str) -> Spoken:
        if item_id not in self._spoken:
            facts = self.grounds.knowledge.facts(item_id)
            self._spoken[item_id] = {} if facts is None else spoken(facts)
        return self._spoken[item_id]
