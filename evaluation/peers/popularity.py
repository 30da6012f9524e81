"""The most popular items: of all time, or with a half-life."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from evaluation.contender import Observation
from evaluation.peers.ledger import Floats, Ledger, grown
from evaluation.peers.options import Options
from streams.items import Item

HALF_LIFE = 0.02
"""Share of the stream after which an event counts half, as in the numbers to beat."""
_LARGEST = 1e100


class Counts:
    """
    Counts of items; with a half-life each counts less for all that came after it.

    >>> counts = Counts(half_life=1.0)
    >>> counts.add(0)
    >>> counts.add(1)
    >>> counts.scores(2).tolist()
    [0.5, 1.0]
    """

    def __init__(self, *, half_life: float | None = None) -> None:
        """Count for ever, or let a count be half after `half_life` others."""
        self._growth = 1.0 if half_life is None else math.exp2(1.0 / half_life)
        self._worth = 1.0
        self._sums: Floats = np.zeros(1024)

    def add(self, item: int) -> None:
        """Count an item; newer counts are made larger rather than all older ones smaller."""
        self._sums = grown(self._sums, item + 1)
        self._worth *= self._growth
        self._sums[item] += self._worth
        if self._worth > _LARGEST:
            self._sums /= self._worth
            self._worth = 1.0

    def scores(self, items: int) -> Floats:
        """The counts of all items, the newest as 1."""
        self._sums = grown(self._sums, items)
        return self._sums[:items] / self._worth


class Popularity:
    """
    The same for all, but for what one has had.

    >>> popularity = Popularity("popularity", Counts())
    >>> for user in ("ann", "bob"):
    ...     popularity.learn(Observation(user, "dune", at=1.0))
    >>> popularity.learn(Observation("ann", "emma", at=2.0))
    >>> popularity.rank("eve", now=3.0, n=2), popularity.rank("bob", now=3.0, n=2)
    (['dune', 'emma'], ['emma'])
    """

    def __init__(self, name: str, counts: Counts) -> None:
        self.name = name
        self._counts = counts
        self._ledger = Ledger()

    def announce(self, items: Sequence[Item]) -> None:
        """Items that nobody has chosen come last."""
        self._ledger.announce(items)

    def rank(self, user_id: str, *, now: float, n: int, repeats: bool = False) -> Sequence[str]:
        """Rank by count."""
        scores = self._counts.scores(len(self._ledger.items))
        return self._ledger.best(scores, user_id, n=n, repeats=repeats)

    def learn(self, observation: Observation) -> None:
        """Count it."""
        _, item = self._ledger.add(observation)
        self._counts.add(item)


def make_popularity(_options: Options) -> Popularity:
    """Of all time."""
    return Popularity("popularity", Counts())


def make_decayed(options: Options) -> Popularity:
    """With the half-life of the numbers to beat."""
    half_life = max(HALF_LIFE * options.events, 1.0)
    return Popularity("decayed-popularity", Counts(half_life=half_life))
