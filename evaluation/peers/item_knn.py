"""Which items are had by the same users: a matrix, one row and column updated by each event."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.peers.ledger import Floats, check_size, grown

LATEST = 200
"""Items of a history that are looked at, the newest."""
HALF_LIFE = 10.0
"""Items after which one of a history counts half."""
SHRINK = 10.0
"""Added to the counts that a similarity is divided by: two that met once are no neighbours."""


class CoOccurrence:
    """
    Co-occurrences, by cosine, summed over a history that fades.

    >>> knn = CoOccurrence()
    >>> knn.learn([], 0)
    >>> knn.learn([0], 1)
    >>> knn.scores([0], items=3).argmax()
    np.int64(1)

    Source:
        Incremental item-based collaborative filtering, Papagelis et al., ISMIS 2005; Miranda and
        Jorge, IEEE/WIC/ACM WI 2008.
    """

    def __init__(self) -> None:
        self._together: Floats = np.zeros((256, 256), np.float32)
        self._counts: Floats = np.zeros(256)

    def learn(self, history: Sequence[int], item: int) -> None:
        """A repeat counts for the item and joins it to nothing anew."""
        self._grow(item + 1)
        self._counts[item] += 1
        if history and item not in history:
            others = np.array(history[-LATEST:])
            self._together[item, others] += 1
            self._together[others, item] += 1

    def scores(self, history: Sequence[int], *, items: int) -> Floats:
        """The weighted sum of the neighbours of what was had."""
        self._grow(items)
        latest = np.array(history[-LATEST:])
        scale = 1.0 / np.sqrt(np.maximum(self._counts[:items], 1) + SHRINK)
        fading = 0.5 ** (np.arange(len(latest))[::-1] / HALF_LIFE)
        weights = (fading * scale[latest]).astype(np.float32)
        return np.asarray(weights @ self._together[latest, :items] * scale)

    def _grow(self, items: int) -> None:
        check_size(items)
        self._together = grown(self._together, items)
        self._counts = grown(self._counts, items)
