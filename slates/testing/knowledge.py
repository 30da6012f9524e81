"""
Knowledge small enough to write down: everything compared with everything, nothing hidden.

For tests of a strategy, a stage or an explanation.  Equal items come in the order of their ids, so
whatever is built from it is the same every time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from slates.config import DAY
from slates.crowd import Crowd
from slates.keywords import words_of
from slates.shelf import Place, Shelf
from streams.items import AttributeValue, ItemFacts, attribute_words
from streams.requests import Filters, Range
from streams.trends import Trend, standing

_NOBODY = Trend()


class Near(NamedTuple):
    """An item near a query."""

    item_id: str
    similarity: float


class SmallIndex:
    """
    A `slates.knowledge.Neighbours`: all vectors in a dictionary, all compared.

    >>> index = SmallIndex()
    >>> index.put("dune", [3.0, 4.0])
    >>> index.search(np.array([[0.0, 2.0]], np.float32), n=1)[0][0].item_id
    'dune'
    """

    def __init__(self) -> None:
        self._rows: dict[str, NDArray[np.float32]] = {}

    def put(self, item_id: str, vector: Sequence[float]) -> None:
        """Add or replace an item; its vector may have any length but zero."""
        row = np.asarray(vector, np.float32)
        self._rows[item_id] = row / np.float32(np.linalg.norm(row))

    def discard(self, item_id: str) -> None:
        """Take an item out; unknown ones are no error."""
        self._rows.pop(item_id, None)

    def search(
        self, queries: NDArray[np.float32], *, n: int, within: Collection[str] | None = None
    ) -> list[list[Near]]:
        """The n nearest items of each of the (q, dim) queries, best first."""
        eligible = [i for i in self._rows if within is None or i in within]
        return [self._nearest(query / np.linalg.norm(query), eligible)[:n] for query in queries]

    def _nearest(self, unit: NDArray[np.float32], eligible: Sequence[str]) -> list[Near]:
        found = [Near(i, float(self._rows[i] @ unit)) for i in eligible]
        return sorted(found, key=lambda near: (-near.similarity, near.item_id))

    def vectors(self, item_ids: Sequence[str]) -> NDArray[np.float32]:
        """The (k, dim) unit vectors of items, in the order given; KeyError for unknown ones."""
        return np.stack([self._rows[item_id] for item_id in item_ids])

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._rows


class SmallKnowledge:
    """
    A `slates.knowledge.Knowledge` to fill by hand.

    >>> knowledge = SmallKnowledge()
    >>> knowledge.announce("dune", [1.0, 0.0], ItemFacts("Dune", attributes={"by": "Herbert"}))
    >>> knowledge.matching({"by": "Herbert"}), knowledge.share("by", "Herbert")
    ({'dune'}, 1.0)
    """

    def __init__(self, *, half_life: float = 7 * DAY) -> None:
        self.index = SmallIndex()
        self.crowd = Crowd(half_life=half_life)
        self.shelf = Shelf()
        self.learned: dict[str, Mapping[str, float]] = {}
        self._half_life = half_life
        self._facts: dict[str, ItemFacts] = {}
        self._trends: dict[str, Trend] = {}

    def announce(
        self, item_id: str, vector: Sequence[float] | None, facts: ItemFacts | None
    ) -> None:
        """Add or replace an item; None leaves it without a vector, or without facts."""
        self.discard(item_id)
        row = self.crowd.row(item_id)
        if vector is not None:
            self.index.put(item_id, vector)
        if facts is not None:
            self._facts[item_id] = facts
        if vector is not None and facts is not None:
            words = self.words(item_id)
            self.shelf.put([row], published_at=[facts.published_at], words=[words])

    def discard(self, item_id: str) -> None:
        """Take an item out; its trend waits for its return."""
        row = self.crowd.row(item_id)
        if self.shelf.live[row : row + 1].any():
            self.shelf.discard(row)
        self.index.discard(item_id)
        self._facts.pop(item_id, None)

    def follow(self, item_id: str, trend: Trend) -> None:
        """Say how an item is doing, announced or not."""
        self._trends[item_id] = trend
        self.crowd.follow(item_id, trend)

    def weights(self, strategy: str) -> Mapping[str, float]:
        """What was put into `learned`."""
        return self.learned.get(strategy, {})

    def facts(self, item_id: str) -> ItemFacts | None:
        """Title, tags and attributes; None for an item nobody announced."""
        return self._facts.get(item_id)

    def words(self, item_id: str) -> Sequence[Place]:
        """The words of the item's attributes, each with the attribute's name."""
        attributes = self._facts[item_id].attributes if item_id in self._facts else {}
        return [(n, word) for n, value in attributes.items() for word in attribute_words(value)]

    def trend(self, item_id: str) -> Trend:
        """How the item is doing; `Trend()` when nobody has touched it."""
        return self._trends.get(item_id, _NOBODY)

    def popular(self, n: int) -> Sequence[str]:
        """The n most popular live items, best first; untouched ones come last."""
        return sorted(self._facts, key=lambda i: (-self.standing(i), i))[:n]

    def standing(self, item_id: str) -> float:
        """`streams.trends.standing` of the item's trend; -inf when nobody has touched it."""
        return standing(self.trend(item_id), half_life=self._half_life)

    def fresh(self, now: float, *, within: float, n: int) -> Sequence[str]:
        """The n newest live items published at most `within` seconds before `now`."""
        born = ((facts.published_at, i) for i, facts in self._facts.items())
        ages = sorted((now - at, i) for at, i in born if at is not None and 0 <= now - at <= within)
        return [item_id for _, item_id in ages[:n]]

    def share(self, name: str, word: str) -> float:
        """Share of live items that have the word among an attribute's; 0 to 1."""
        return len(self.matching({name: word})) / max(len(self._facts), 1)

    def worded(self, words: str, *, n: int) -> Sequence[tuple[str, float]]:
        """The n live items with most of some words, by how many; equal ones by id."""
        asked = set(words_of(words))
        texts = ((i, asked.intersection(words_of(facts.words))) for i, facts in self._facts.items())
        found = [(item_id, float(len(both))) for item_id, both in texts if both]
        return sorted(found, key=lambda one: (-one[1], one[0]))[:n]

    def matching(self, filters: Filters) -> set[str]:
        """The live items that have all the attributes asked for."""
        return {
            item_id
            for item_id, facts in self._facts.items()
            if all(_has(facts, name, wanted) for name, wanted in filters.items())
        }


def _has(facts: ItemFacts, name: str, wanted: str | Iterable[str] | Range) -> bool:
    value: AttributeValue = facts.tags if name == "tags" else facts.attributes.get(name, ())
    if isinstance(wanted, Range):
        low = -np.inf if wanted.min is None else wanted.min
        high = np.inf if wanted.max is None else wanted.max
        return isinstance(value, float) and bool(low <= value <= high)
    words = {wanted} if isinstance(wanted, str) else set(wanted)
    return not words.isdisjoint(attribute_words(value))
