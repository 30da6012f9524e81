"""What follows what: transitions over a few steps, one row updated by each event."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.peers.ledger import Floats, check_size, grown

WINDOW = 5
"""Steps back that an item is said to follow."""
LATEST = 10
"""Items of a history whose followers are summed."""
FADING = 0.8
"""What an item counts for each newer one."""
DAMPING = 0.3
"""Exponent by which popular followers are held back."""


class SkipMarkov:
    """
    Followers, by distance.

    >>> markov = SkipMarkov()
    >>> markov.learn([0], 1)
    >>> markov.scores([0], items=2).tolist(), markov.scores([1], items=2).tolist()
    ([0.0, 1.0], [0.0, 0.0])

    Source:
        Skip-grams for sequences, Shani, Heckerman and Brafman, JMLR 2005.
    """

    def __init__(self) -> None:
        self._follows: Floats = np.zeros((256, 256), np.float32)
        self._counts: Floats = np.zeros(256)

    def learn(self, history: Sequence[int], item: int) -> None:
        """The nearer, the more it follows."""
        self._grow(item + 1)
        self._counts[item] += 1
        for distance, before in enumerate(reversed(history[-WINDOW:]), 1):
            if before != item:
                self._follows[before, item] += 1.0 / distance

    def scores(self, history: Sequence[int], *, items: int) -> Floats:
        """The followers of the latest items, the newest first."""
        self._grow(items)
        latest = np.array(history[-LATEST:][::-1])
        counts = np.maximum(self._counts[:items], 1)
        weights = FADING ** np.arange(len(latest)) / np.sqrt(counts[latest])
        sums = weights.astype(np.float32) @ self._follows[latest, :items]
        return np.asarray(sums / counts**DAMPING)

    def _grow(self, items: int) -> None:
        check_size(items)
        self._follows = grown(self._follows, items)
        self._counts = grown(self._counts, items)
