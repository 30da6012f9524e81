"""
Peers that score items by what a user had before: one source of evidence, or a sum of several.

The sum of item-kNN and skip-Markov in plain numpy is what the engine is to beat.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from evaluation.contender import Observation
from evaluation.peers.item_knn import CoOccurrence
from evaluation.peers.ledger import Floats, Ledger
from evaluation.peers.options import Options
from evaluation.peers.popularity import HALF_LIFE, Counts
from evaluation.peers.skip_markov import SkipMarkov
from streams.items import Item

TREND_WEIGHT = 0.3
"""Of decayed popularity in the sum, that of the numbers to beat."""


class Evidence(Protocol):
    """Says which items go with others."""

    def learn(self, history: Sequence[int], item: int) -> None:
        """Take in that an item followed a history, oldest first."""

    def scores(self, history: Sequence[int], *, items: int) -> Floats:
        """Score all items for a history that is not empty."""


class Blended:
    """A weighted sum of z-scores; decayed popularity for those without a history."""

    def __init__(self, name: str, evidence: Sequence[Evidence], *, trend: Counts) -> None:
        self.name = name
        self._evidence = evidence
        self._trend = trend
        self._ledger = Ledger()

    def announce(self, items: Sequence[Item]) -> None:
        """Items that nobody has chosen may be ranked."""
        self._ledger.announce(items)

    def rank(self, user_id: str, *, now: float, n: int, repeats: bool = False) -> Sequence[str]:
        """Rank by the sum."""
        history, items = self._ledger.history(user_id), len(self._ledger.items)
        scores = self._trend.scores(items)
        if history:
            scores = self._sum(history, scores)
        return self._ledger.best(scores, user_id, n=n, repeats=repeats)

    def _sum(self, history: Sequence[int], trend: Floats) -> Floats:
        parts = [source.scores(history, items=len(trend)) for source in self._evidence]
        if len(parts) == 1:
            return parts[0]
        standards = [standard(part) for part in parts]
        standards.append(TREND_WEIGHT * standard(np.log1p(trend)))
        return np.asarray(np.sum(standards, axis=0))

    def learn(self, observation: Observation) -> None:
        """Every source learns what the item followed."""
        history = list(self._ledger.history(observation.user_id))
        _, item = self._ledger.add(observation)
        self._trend.add(item)
        for source in self._evidence:
            source.learn(history, item)


def standard(scores: Floats) -> Floats:
    """
    Z-scores.

    >>> standard(np.array([1.0, 3.0])).round(3).tolist()
    [-1.0, 1.0]
    """
    return np.asarray((scores - scores.mean()) / (scores.std() + 1e-9))


def make_item_knn(options: Options) -> Blended:
    """Incremental item-kNN with a recency-weighted history."""
    return Blended("item-knn", [CoOccurrence()], trend=_trend(options))


def make_skip_markov(options: Options) -> Blended:
    """Incremental skip-Markov."""
    return Blended("skip-markov", [SkipMarkov()], trend=_trend(options))


def make_numpy_sum(options: Options) -> Blended:
    """Both, and a little of what is popular now."""
    return Blended("numpy-sum", [CoOccurrence(), SkipMarkov()], trend=_trend(options))


def _trend(options: Options) -> Counts:
    return Counts(half_life=max(HALF_LIFE * options.events, 1.0))
