"""
Search a generation by its graph when that answers in full, and exactly when it does not.

Filters never reach the graph as callbacks, which cost 9 to 200 times a search (EVIDENCE.md): few
eligible items are compared one by one, among many the graph is asked for more than needed.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexes.fairlock import FairLock
from indexes.generations import Generation, Hits, Labels
from indexes.index import Match, matches

OVERFETCH = 1.5
"""How many more matches to fetch than would do if eligible items were spread evenly."""


@dataclass(frozen=True, slots=True)
class Search:
    """One call of `VectorIndex.search`, bound to the generation it began in."""

    generation: Generation
    lock: FairLock
    """Guards the graph and what is live."""
    exact_share: float
    """See `HnswParameters.exact_share`."""

    def matches(
        self, units: NDArray[np.float32], *, n: int, within: Collection[str] | None
    ) -> list[list[Match]]:
        """As `VectorIndex.search`, for queries of length one."""
        among = None if within is None else self.generation.labels_among(within)
        n = min(n, self.generation.live if among is None else len(among))
        if n <= 0 or len(units) == 0:
            return [[] for _ in units]
        hits = self._approximate(units, n=n, among=among)
        if hits is None:
            hits = self.generation.exact(units, n, among=self._live() if among is None else among)
        return matches(self.generation.ids, *hits)

    def _approximate(
        self, units: NDArray[np.float32], *, n: int, among: Labels | None
    ) -> Hits | None:
        """What the graph finds, (q, n); None where comparing all is cheaper or the only way."""
        live = self.generation.live
        few = self.exact_share * live
        wanted = n if among is None else math.ceil(OVERFETCH * n * live / len(among))
        if not self.generation.trusted or wanted > few or (among is not None and len(among) < few):
            return None
        with self.lock:
            hits = self.generation.graph.search(units, wanted)
        return hits if hits is None or among is None else only(hits, n=n, among=among)

    def _live(self) -> Labels:
        with self.lock:
            return self.generation.live_labels()


def only(hits: Hits, *, n: int, among: Labels) -> Hits | None:
    """
    The first `n` hits of each row that are among the labels; None where a row has fewer.

    >>> hits = np.array([[4, 7, 2]]), np.array([[0.9, 0.8, 0.7]], dtype=np.float32)
    >>> only(hits, n=2, among=np.array([2, 4]))[0]
    array([[4, 2]])
    >>> only(hits, n=2, among=np.array([2, 5])) is None
    True
    """
    labels, scores = hits
    eligible = np.isin(labels, among)
    if (eligible.sum(axis=1) < n).any():
        return None
    first = np.argsort(~eligible, axis=1, kind="stable")[:, :n]
    return np.take_along_axis(labels, first, axis=1), np.take_along_axis(scores, first, axis=1)
