"""
From a shortlist to the places of a slate: one by one, each a little unlike those before.

Diversity, caps and calibration change the order of merit; this order is the slate's and is not
sorted again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
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
    has, wanted = _shares(words, config.calibrated, history or {})
    merit = (1 - config.diversity) * _scaled(scores) + config.calibration * (has @ wanted)
    likeness = config.diversity * (vectors @ vectors.T).astype(np.float64)
    overlap = config.calibration * (has @ has.T)
    caps = _Caps(words, config.caps)
    # calibration adds has @ (wanted - has[chosen].mean(axis=0)), its products made once
    closest, there = np.zeros(len(scores)), np.zeros(len(scores))
    chosen: list[int] = []
    for k in range(min(n, len(scores))):
        marginal = merit - closest - there / max(k, 1)
        best = int(np.where(caps.open, marginal, -np.inf).argmax())
        chosen.append(best)
        caps.add(best)
        np.maximum(closest, likeness[best], out=closest)
        there += overlap[best]
    return chosen


def _scaled(scores: Scores) -> Scores:
    """Between 0 and 1, so that a share means the same for every ranker."""
    spread = float(np.ptp(scores)) if len(scores) else 0.0
    return (scores - scores.min()) / spread if spread > 0 else np.zeros(len(scores))


def _shares(
    words: Words, attributes: Collection[str], history: Mapping[str, float]
) -> tuple[NDArray[np.float64], Scores]:
    """
    What calibration compares: the words of each candidate with those of the history.

    Returns:
        (m, words of the history) the share of each candidate that is this word, and (words of the
        history,) the share that is wanted of a slate.
    """
    vocabulary = {word: k for k, word in enumerate(history)}
    has = np.zeros((len(words), len(history)))
    for row, places in enumerate(words if history else ()):
        mine = [word for name, word in places if name in attributes]
        for word in mine:
            if word in vocabulary:
                has[row, vocabulary[word]] = 1 / len(mine)
    return has, np.array(list(history.values()))


class _Caps:
    """Which candidates may still come; where none may, all may that are left."""

    def __init__(self, words: Words, caps: Mapping[str, int]) -> None:
        self._caps = caps
        self._words = [[place for place in places if place[0] in caps] for places in words]
        self._counts: Counter[Place] = Counter()
        self._left = np.ones(len(words), bool)
        self._within = np.ones(len(words), bool)

    def add(self, row: int) -> None:
        """A candidate was chosen."""
        self._left[row] = self._within[row] = False
        self._counts.update(self._words[row])
        full = {p for p in self._words[row] if self._counts[p] >= self._caps[p[0]]}
        if full:
            self._within &= [full.isdisjoint(places) for places in self._words]

    @property
    def open(self) -> NDArray[np.bool_]:
        """Not chosen, and not full."""
        return self._within if self._within.any() else self._left


def shares_of(
    item_ids: Sequence[str], knowledge: Knowledge, attributes: Collection[str]
) -> Mapping[str, float]:
    """Share of items that has each word of some attributes; an item with two has half of each."""
    total: defaultdict[str, float] = defaultdict(float)
    for item_id in item_ids:
        words = [word for name, word in knowledge.words(item_id) if name in attributes]
        for word in words:
            total[word] += 1 / len(words)
    return {word: amount / len(item_ids) for word, amount in total.items()}
