"""
What an item resembles: "Similar to A, which you liked: both say “sea wolf”".

The likeness is that of the texts' vectors.  The phrase makes it plain where the facts have one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from slates.reasons.attributes import act_of
from slates.reasons.grounds import MAX_NAME_CHARS, Grounds
from slates.reasons.options import Option, option
from slates.reasons.phrases import Spoken, common_phrase, spoken
from slates.tastes import Tastes, Vectors

MIN_SIMILARITY = 0.3
"""Cosine below which two items of all-MiniLM-L6-v2 have little to do with each other."""
MOST = 2
"""Options of an item: those most alike."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike what is shown is to what one user liked."""

    grounds: Grounds
    alike: Mapping[str, Sequence[tuple[str, float]]]
    """Shown item to the liked items most alike, and how much, the most alike first."""

    @classmethod
    def of(
        cls, shown: Sequence[str], vectors: Vectors, tastes: Tastes, grounds: Grounds
    ) -> Likeness:
        """
        Look at the liked items of a history.

        Args:
            shown: Announced items.
            vectors: (len(shown), dim) their unit vectors.
            tastes: What was liked.
            grounds: The facts.
        """
        if not (shown and tastes.liked):
            return cls(grounds, {})
        likeness = vectors @ tastes.liked_vectors.T
        nearest = np.argsort(-likeness, axis=1, kind="stable")[:, : MOST + 1]
        alike = {
            item_id: [(tastes.liked[i].item_id, float(cosines[i])) for i in places]
            for item_id, cosines, places in zip(shown, likeness, nearest.tolist(), strict=True)
        }
        return cls(grounds, alike)

    def options(self, item_id: str) -> list[Option]:
        """The liked items that an item is most alike to, the strongest first."""
        others = [
            (other, similarity)
            for other, similarity in self.alike.get(item_id, ())
            if similarity >= MIN_SIMILARITY and other != item_id
        ]
        found = (self._option(item_id, other, similarity) for other, similarity in others[:MOST])
        return sorted(filter(None, found), key=lambda o: -o.strength)

    def _option(self, item_id: str, other: str, similarity: float) -> Option | None:
        name = self.grounds.name(other)
        if name is None:
            return None
        evidence = {
            "items": [other],
            "titles": [name],
            "actions": [act_of(other, self.grounds.acts)],
            "similarity": round(similarity, 3),
        }
        phrase = common_phrase(self._words(item_id), self._words(other))
        if phrase and len(phrase) <= MAX_NAME_CHARS:
            evidence["phrase"] = phrase
        plain = 0.55 if "phrase" in evidence else 0.4
        return option("similar", other, evidence, weight=plain + 0.5 * similarity)

    def _words(self, item_id: str) -> Spoken:
        facts = self.grounds.knowledge.facts(item_id)
        return {} if facts is None else spoken(facts)
