"""
What a list is worth besides its hits: how new, how varied, how true to a taste, how fair to items.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from streams.items import Item, attribute_words

Array: TypeAlias = NDArray[np.float64]
Similarities: TypeAlias = Callable[[Sequence[str]], Array]
"""Items to the matrix of how alike each two of them are, 1 for the same."""

SMOOTHING = 0.01
"""Share of the history's genres mixed into a list's, so that a genre left out costs a finite
amount; the value of Steck."""
TASTE = "genres"
"""The attribute by which lists are calibrated."""


def gini(exposures: Collection[int], *, items: int) -> float:
    """
    How unequally items are shown: 0 all alike, towards 1 only one of them.

    Args:
        exposures: How often each item was shown; those never shown may be left out.
        items: How many there are.

    >>> gini([5, 5], items=2), gini([8], items=8)
    (0.0, 0.875)
    """
    shown = np.zeros(max(items, len(exposures)))
    shown[: len(exposures)] = list(exposures)
    shown.sort()
    if not shown.sum():
        return 0.0
    places = np.arange(1, len(shown) + 1)
    return float(2 * (places @ shown) / (len(shown) * shown.sum()) - (len(shown) + 1) / len(shown))


def novelty(ranked: Sequence[str], popularity: Mapping[str, int], *, total: int) -> float:
    """
    Mean information of the items of a list: -log2 of their share of all that was done so far.

    An item that nobody has touched counts as touched once.

    Source:
        Self-information, Zhou et al., PNAS 2010.

    >>> novelty(["a", "b"], {"a": 2, "b": 4}, total=8)
    1.5
    """
    counts = np.array([max(popularity.get(item, 0), 1) for item in ranked])
    return float(-np.log2(counts / max(total, 1)).mean())


def diversity(ranked: Sequence[str], similarities: Similarities) -> float | None:
    """
    Mean over all pairs of 1 - similarity; None of fewer than two items.

    Source:
        Intra-list distance, Zhang and Hurley, RecSys 2008.
    """
    n = len(ranked)
    if n < 2:
        return None
    alike = similarities(ranked)
    return float(1.0 - (alike.sum() - np.trace(alike)) / (n * (n - 1)))


class Genres:
    """The genres of a catalogue, as distributions."""

    def __init__(self, items: Sequence[Item]) -> None:
        words = {item.item_id: _genres(item) for item in items}
        names = {word: i for i, word in enumerate(sorted(set().union(*words.values())))}
        self._of = {item: _distribution(said, names) for item, said in words.items() if said}
        self._none = np.zeros(len(names))

    def __bool__(self) -> bool:
        return bool(self._of)

    def of(self, item_id: str) -> Array:
        """How its genres share an item; all zero where none are known."""
        return self._of.get(item_id, self._none)

    def mean(self, items: Sequence[str]) -> Array:
        """The distribution of several items; all zero where nothing is known of any."""
        return _normal(np.sum([self.of(item) for item in items], axis=0)) if items else self._none

    def similarities(self, items: Sequence[str]) -> Array:
        """Cosines of the genres of items."""
        rows = np.array([self.of(item) for item in items])
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        rows = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
        return np.asarray(rows @ rows.T)


def _genres(item: Item) -> tuple[str, ...]:
    return attribute_words(item.attributes.get(TASTE, ()))


def _distribution(words: Sequence[str], names: Mapping[str, int]) -> Array:
    row = np.zeros(len(names))
    row[[names[word] for word in words]] = 1.0
    return _normal(row)


def _normal(row: Array) -> Array:
    total = row.sum()
    return np.asarray(row / total) if total > 0 else row


def miscalibration(history: Array, shown: Array) -> tuple[float, float] | None:
    """
    How far the genres of a list are from those of what the user had: KL and JS, in bits.

    None where either is not known.

    Source:
        Steck, RecSys 2018: KL(p || (1 - a) q + a p); JS after Lin, IEEE Trans. IT 1991.

    >>> miscalibration(np.array([0.5, 0.5]), np.array([0.5, 0.5]))
    (0.0, 0.0)
    """
    if not history.any() or not shown.any():
        return None
    p, q = _normal(history), _normal(shown)
    middle = (p + q) / 2
    mixed = (1 - SMOOTHING) * q + SMOOTHING * p
    return _divergence(p, mixed), (_divergence(p, middle) + _divergence(q, middle)) / 2


def _divergence(p: Array, q: Array) -> float:
    some = p > 0
    return float(p[some] @ np.log2(p[some] / q[some]))
