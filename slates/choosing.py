"""
From a shortlist to the places of a slate: one by one, each a little unlike those before.

Diversity, caps and calibration change the order of merit; this order is the slate's and is not
sorted again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from slates.config import SlateConfig
from slates.knowledge import Knowledge
from slates.shelf import Place
from slates.tastes import Vectors

Scores = NDArray[np.float64]
Words = Sequence[Sequence[Place]]
"""The words of each candidate's attributes, each with the attribute's name."""


def choose(
    scores: Scores,
    vectors: Vectors,
    words: Words,
    *,
    n: int,
    config: SlateConfig,
    history: Mapping[str, float] | None = None,
) -> list[int]:
    """
    Choose n of the candidates one by one.

    Args:
        scores: (m,) higher is better.
        vectors: (m, dim) unit rows.
        words: Of each candidate.
        n: How many; all when there are fewer.
        config: Shares of diversity and calibration, caps.
        history: Share of the user's history that has each word of the calibrated attributes.

    Returns:
        Row numbers, in the order chosen.

    Source:
        Maximal marginal relevance: Carbonell and Goldstein, SIGIR 1998.  Calibration: Steck,
        RecSys 2018, with the gap to the history's shares in place of their divergence.

    >>> config = SlateConfig(diversity=0.5)
    >>> vectors = np.eye(2, dtype=np.float32)[[0, 0, 1]]
    >>> choose(np.array([1.0, 0.9, 0.0]), vectors, [(), (), ()], n=2, config=config)
    [0, 2]
    """
    merit = _scaled(scores)
    likeness = vectors @ vectors.T
    wanting = _Calibration(words, config.calibrated, history or {})
    caps = _Caps(words, config.caps)
    closest = np.zeros(len(scores))
    chosen: list[int] = []
    for _ in range(min(n, len(scores))):
        marginal = (1 - config.diversity) * merit - config.diversity * closest
        marginal += config.calibration * wanting.gains()
        best = int(np.where(caps.open(chosen), marginal, -np.inf).argmax())
        chosen.append(best)
        wanting.add(best)
        caps.add(best)
        np.maximum(closest, likeness[best], out=closest)
    return chosen


def _scaled(scores: Scores) -> Scores:
    """Between 0 and 1, so that a share means the same for every ranker."""
    spread = float(np.ptp(scores)) if len(scores) else 0.0
    return (scores - scores.min()) / spread if spread > 0 else np.zeros(len(scores))


class _Calibration:
    """How far the slate so far is from the history, word by word."""

    def __init__(
        self, words: Words, attributes: Collection[str], history: Mapping[str, float]
    ) -> None:
        self._vocabulary = {word: k for k, word in enumerate(history)}
        self._wanted = np.array(list(history.values()))
        mine = [[word for name, word in places if name in attributes] for places in words]
        marks = [
            (row, self._vocabulary[word], 1 / len(some))
            for row, some in enumerate(mine)
            for word in some
            if word in self._vocabulary
        ]
        self._has = np.zeros((len(words), len(history)))
        if marks:
            rows, columns, shares = zip(*marks, strict=True)
            self._has[rows, columns] = shares
        self._there = np.zeros(len(history))
        self._count = 0

    def gains(self) -> Scores:
        """What each candidate would do about it."""
        shares = self._there / self._count if self._count else self._there
        gains: Scores = self._has @ (self._wanted - shares)
        return gains

    def add(self, row: int) -> None:
        """A candidate was chosen."""
        self._there += self._has[row]
        self._count += 1


class _Caps:
    """Which candidates may still come; where none may, all may that are left."""

    def __init__(self, words: Words, caps: Mapping[str, int]) -> None:
        self._caps = caps
        self._words = [[place for place in places if place[0] in caps] for places in words]
        self._counts: Counter[Place] = Counter()
        self._closed = np.zeros(len(words), bool)

    def add(self, row: int) -> None:
        """A candidate was chosen."""
        self._counts.update(self._words[row])
        full = {p for p in self._words[row] if self._counts[p] >= self._caps[p[0]]}
        if full:
            self._closed |= [not full.isdisjoint(places) for places in self._words]

    def open(self, chosen: Sequence[int]) -> NDArray[np.bool_]:
        """Not chosen, and not full."""
        left = np.ones(len(self._words), bool)
        left[list(chosen)] = False
        within = left & ~self._closed
        return within if within.any() else left


def shares_of(
    item_ids: Sequence[str], knowledge: Knowledge, attributes: Collection[str]
) -> Mapping[str, float]:
    """Share of items that has each word of some attributes; an item with two has half of each."""
    total: Counter[str] = Counter()
    for item_id in item_ids:
        words = [word for name, word in knowledge.words(item_id) if name in attributes]
        for word in words:
            total[word] += 1 / len(words)  # type: ignore[assignment]  # Counter of floats
    return {word: amount / len(item_ids) for word, amount in total.items()}
