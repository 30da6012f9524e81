"""
What truly happened up to now: who has had what, how often each item was chosen.

It is kept beside the contender, which may know less, to say what an answer is worth.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Set

import numpy as np

from evaluation.beyond import Array, Genres
from evaluation.contender import Observation


class Past:
    """
    All observations so far.

    >>> past = Past()
    >>> past.add(Observation("ann", "dune", at=1.0))
    >>> past.has_had("ann", "dune"), past.length("ann"), past.chosen["emma"]
    (True, 1, 0)
    """

    def __init__(self, genres: Genres | None = None) -> None:
        self.genres = genres or Genres(())
        self.chosen: Counter[str] = Counter()
        """Item to how many events."""
        self.total = 0
        self._had: defaultdict[str, set[str]] = defaultdict(set)
        self._lengths: Counter[str] = Counter()
        self._tastes: dict[str, Array] = {}

    def add(self, observation: Observation) -> None:
        """Take in what happened."""
        user, item = observation.user_id, observation.item_id
        self.chosen[item] += 1
        self.total += 1
        self._had[user].add(item)
        self._lengths[user] += 1
        if self.genres:
            self._tastes[user] = self.taste(user) + self.genres.of(item)

    def had(self, user_id: str) -> Set[str]:
        """The items that a user has had."""
        return self._had.get(user_id, frozenset())

    def has_had(self, user_id: str, item_id: str) -> bool:
        """Whether a user has had an item."""
        return item_id in self.had(user_id)

    def length(self, user_id: str) -> int:
        """How many events of a user there were."""
        return self._lengths[user_id]

    def taste(self, user_id: str) -> Array:
        """The genres of what a user has had, summed."""
        return self._tastes.get(user_id, np.zeros_like(self.genres.mean(())))
