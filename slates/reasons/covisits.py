"""
What people went on to: "31 of the 40 people who came to A went on to this".

A pair is quoted from `supporters` people on.  The strongest is not the one most people made, but
the one that is far above chance and that a large share of the people made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from slates.crowd import SUPPORTERS
from slates.reasons.grounds import Grounds
from slates.reasons.options import Option, option
from slates.tastes import Tastes

MOST = 3
"""Options of an item; the others are for when the first is on the slate too often already."""
DOUBT = 5.0
"""People added to those who came to the other item, so that 5 of 5 is less than 50 of 60."""
FADE = 0.95
"""What an item of the history counts less for each newer one, as in `slates.evidence`."""


Numbers = NDArray[np.floating[Any]]


class Pair(NamedTuple):
    """People who came to an item after another one that the user came to."""

    worth: float
    """0 to 1: the share of people who went on, times how far that is above chance."""
    before: str
    people: int


@dataclass(frozen=True, slots=True)
class CoVisits:
    """What the crowd says of the items that one user came to."""

    grounds: Grounds
    pairs: Mapping[str, Sequence[Pair]]
    """Shown item to the pairs that may be quoted, the strongest first."""

    @classmethod
    def of(cls, shown: Sequence[str], tastes: Tastes, grounds: Grounds) -> CoVisits:
        """Look for what is shown among what people went on to from the liked items."""
        pairs: dict[str, list[Pair]] = {item_id: [] for item_id in shown}
        for item_id, pair in _quotable(shown, tastes, grounds):
            pairs[item_id].append(pair)
        strongest = {i: sorted(some, key=lambda p: (-p[0], p[1])) for i, some in pairs.items()}
        return cls(grounds, strongest)

    def options(self, item_id: str) -> list[Option]:
        """The pairs that may be quoted and are above chance, the strongest first."""
        found = [self._option(pair) for pair in self.pairs[item_id][:MOST]]
        return [one for one in found if one is not None]

    def _option(self, pair: Pair) -> Option | None:
        name = self.grounds.name(pair.before)
        if name is None:
            return None
        evidence = {"items": [pair.before], "titles": [name], "people": pair.people}
        if (came := self.grounds.knowledge.trend(pair.before).visitors) >= pair.people:
            evidence["of"] = came  # fewer only where an older layout did not count them
        return option("co-visit", pair.before, evidence, weight=0.5 + 0.5 * pair.worth)


def _quotable(shown: Sequence[str], tastes: Tastes, grounds: Grounds) -> Iterator[tuple[str, Pair]]:
    """The pairs of shown and liked items that are made by enough people, and above chance."""
    crowd = grounds.knowledge.crowd
    liked = crowd.rows(entry.item_id for entry in tastes.liked)
    pairs = crowd.before(shown)
    people = pairs.values[:, SUPPORTERS]
    everyone = np.bincount(pairs.place, weights=people, minlength=len(shown)).astype(float)
    place_of = np.full(len(crowd), -1)
    place_of[liked] = np.arange(len(liked))
    k = np.flatnonzero((people >= grounds.config.supporters) & (place_of[pairs.row] >= 0))
    if not len(k):
        return
    count, item, place = people[k], pairs.place[k], place_of[pairs.row[k]]
    visits, total = crowd.visits[pairs.row[k]], float(crowd.visits[: len(crowd)].sum())
    bits = lift_bits(count, everyone[item], visits=visits, of=total)
    came = np.array([grounds.knowledge.trend(e.item_id).visitors for e in tastes.liked])
    share = count / (np.maximum(came[place], count) + DOUBT)
    worth = np.minimum(share * bits, 1.0) * FADE**place
    for n in np.flatnonzero(worth > 0).tolist():
        pair = Pair(float(worth[n]), tastes.liked[place[n]].item_id, int(count[n]))
        yield shown[item[n]], pair


def lift_bits(people: Numbers, everyone: Numbers, *, visits: Numbers, of: float) -> Numbers:
    """
    How far above chance pairs are, in bits.

    Args:
        people: Who came to an item after another one; above 0, like all that follow.
        everyone: The same, added up over all that people came from.
        visits: Of the other one.
        of: Visits of all items.

    Returns:
        log2 of (its share of what people came from) / (its share of all visits); 0 is chance.

    Source:
        Pointwise mutual information, Church and Hanks, Computational Linguistics 1990.

    >>> lift_bits(np.array([8.0]), np.array([16.0]), visits=np.array([25.0]), of=100.0).tolist()
    [1.0]
    """
    bits: Numbers = np.log2(people / everyone) - np.log2(np.maximum(visits, 1.0) / max(of, 1.0))
    return bits
