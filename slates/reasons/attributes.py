"""
What an item shares with liked ones: "More by Jules Verne, whom you liked in X".

A word that half of the catalogue has says nothing; the rarer it is, and the more liked items have
it, the stronger it speaks.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slates.reasons.deeds import VERBS
from slates.reasons.grounds import MAX_NAME_CHARS, Grounds
from slates.reasons.options import Option, option
from slates.shelf import Place
from slates.tastes import Tastes
from streams.profiles import Entry

MOST = 2
"""Options of an item, each of another attribute."""
MAX_WORDS = 3
"""Words named at once."""
NEWEST = 50
"""Liked items looked at."""
COMMON = 0.5
"""Share of the catalogue from which on a word is nothing special."""
RAREST_BITS = 10.0
"""A word of one item in a thousand is as good as a rarer one."""

_SAYABLE = re.compile(r"(?=.{1,30}$)[^\W\d]+(?:[ -][^\W\d]+)?")
"""Attribute names that can stand in a sentence without quotes: a word or two, no claim."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """The words that what is shown has in common with what one user liked."""

    grounds: Grounds
    liked: Mapping[Place, Sequence[str]]
    """Word to the liked items that have it, newest first."""
    rarity: Mapping[Place, float]
    """0 to 1: how much each of these words says; 0 where half of the catalogue has it."""

    @classmethod
    def of(cls, shown: Sequence[str], tastes: Tastes, grounds: Grounds) -> Attributes:
        """Look for the words of what is shown in the liked items of a history."""
        words = grounds.knowledge.words
        meant = {place for item_id in shown for place in words(item_id) if is_sayable(place)}
        liked: dict[Place, list[str]] = defaultdict(list)
        for entry in tastes.liked[:NEWEST]:
            for place in meant.intersection(words(entry.item_id)):
                liked[place].append(entry.item_id)
        rarity = {place: _rarity(grounds.knowledge.share(*place)) for place in liked}
        return cls(grounds, dict(liked), rarity)

    def options(self, item_id: str) -> list[Option]:
        """One option for each attribute that is shared, the strongest first."""
        best: dict[str, tuple[float, Place]] = {}
        shared: dict[str, dict[Place, float]] = defaultdict(dict)
        for place in self.grounds.knowledge.words(item_id):
            if place in self.liked and (worth := self._worth(place, item_id)) > 0:
                shared[place[0]][place] = worth
                best[place[0]] = max(best.get(place[0], (0.0, place)), (worth, place))
        strongest = sorted(best.values(), key=lambda one: (-one[0], one[1]))[:MOST]
        found = (
            self._option(place, shared[place[0]], worth, item_id) for worth, place in strongest
        )
        return [one for one in found if one is not None]

    def _worth(self, place: Place, item_id: str) -> float:
        """0 to 1: by how rare the word is and how many liked items have it."""
        n = len(self.liked[place]) - self.liked[place].count(item_id)
        return self.rarity[place] * n / (n + 1)

    def _option(
        self, place: Place, shared: Mapping[Place, float], worth: float, item_id: str
    ) -> Option | None:
        other = self._example([i for i in self.liked[place] if i != item_id])
        name = self.grounds.name(other)
        if name is None:
            return None
        there = [(name_, word) for name_, word in shared if other in self.liked[name_, word]]
        words = [word for _, word in sorted(there, key=lambda p: (-shared[p], p))][:MAX_WORDS]
        evidence = {
            "attribute": place[0],
            "words": words,
            "items": [other],
            "titles": [name],
            "actions": [act_of(other, self.grounds.acts)],
        }
        return option("attributes", ":".join(place), evidence, weight=0.5 + 0.5 * worth)

    def _example(self, item_ids: Sequence[str]) -> str:
        """The newest that the user did more to than open it; else the newest."""
        acts = self.grounds.acts
        return next((i for i in item_ids if act_of(i, acts) in VERBS), item_ids[0])


def _rarity(share: float) -> float:
    if not 0 < share < COMMON:
        return 0.0
    return min(-math.log2(share) / RAREST_BITS, 1.0)


def act_of(item_id: str, acts: Mapping[str, Entry]) -> str:
    """What the user did to an item; "" for nothing that speaks for it."""
    entry = acts.get(item_id)
    return entry.action if entry is not None and entry.gain > 0 else ""


def is_sayable(place: Place) -> bool:
    """
    Can an attribute's name and word stand in a sentence?

    >>> is_sayable(("author", "Jules Verne")), is_sayable(("x7", "sea")), is_sayable(("x", ""))
    (True, False, False)
    """
    name, word = place
    return 0 < len(word) <= MAX_NAME_CHARS and _SAYABLE.fullmatch(name) is not None
