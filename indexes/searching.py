"""
Search a generation by its graph when that answers in full, and exactly when it does not.

Filters never reach the graph as callbacks, which cost 9 to 200 times a search (EVIDENCE.md): few
eligible items are compared one by one, among many the graph is asked for more than needed.  Then
only what it found is looked up among the eligible: 25,000 look-ups took 15 ms.
"""

import math
from collections.abc import Collection, Set
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
        chosen = within if within is None or isinstance(within, Set) else frozenset(within)
        if n <= 0 or len(units) == 0:
            return [[] for _ in units]
        hits = self._approximate(units, n=n, chosen=chosen)
        if hits is None:
            hits = self.generation.exact(units, n, among=self._eligible(chosen))
        return matches(self.generation.ids, *hits)

    def _approximate(
        self, units: NDArray[np.float32], *, n: int, chosen: Set[str] | None
    ) -> Hits | None:
        """What the graph finds, (q, n); None where comparing all is cheaper or the only way."""
        live = self.generation.live
        few = self.exact_share * live
        wanted = n
        if chosen is not None:
            share = min(1.0, len(chosen) / max(1, live))
            wanted = math.ceil(OVERFETCH * n / share) if share >= self.exact_share else live
        if not self.generation.trusted or wanted > few:
            return None
        with self.lock:
            hits = self.generation.graph.search(units, wanted)
        if hits is None or chosen is None:
            return hits
        ids = self.generation.ids
        eligible = [[ids[label] in chosen for label in row] for row in hits[0].tolist()]
        return only(hits, n=n, eligible=np.array(eligible))

    def _eligible(self, chosen: Set[str] | None) -> Labels:
        if chosen is not None:
            return self.generation.labels_among(chosen)
        with self.lock:
            return self.generation.live_labels()


def only(hits: Hits, *, n: int, eligible: NDArray[np.bool_]) -> Hits | None:
    """
    The first `n` eligible hits of each row; None where a row has fewer.

    >>> hits = np.array([[4, 7, 2]]), np.array([[0.9, 0.8, 0.7]], dtype=np.float32)
    >>> only(hits, n=2, eligible=np.array([[True, False, True]]))[0]
    array([[4, 2]])
    >>> only(hits, n=2, eligible=np.array([[True, False, False]])) is None
    True
    """
    if (eligible.sum(axis=1) < n).any():
        return None
    first = np.argsort(~eligible, axis=1, kind="stable")[:, :n]
    labels, scores = hits
    return np.take_along_axis(labels, first, axis=1), np.take_along_axis(scores, first, axis=1)
