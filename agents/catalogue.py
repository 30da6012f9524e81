"""
What a worker knows of all items: facts, vectors and trends, ready to be asked.

Fed by the replicas, read by the recommender, on one event loop; only the index is written from
another thread.
"""

from __future__ import annotations

import math
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from sortedcontainers import SortedList

from agents.known import Known, dump_known, known_of
from agents.stretches import Last
from agents.trend_snapshots import KeptTrends
from agents.wanting import Wanting
from agents.wordbook import Wordbook
from indexes.images import Snapshottable
from slates.crowd import Crowd
from slates.shelf import Place, Shelf
from streams.enhancements import Enhancement
from streams.items import AttributeValue, ItemFacts, attribute_words
from streams.predecessors import Predecessors
from streams.rankers import Ranker
from streams.requests import Filters, Range
from streams.trends import Trend, standing
from streams.vectors import VectorRecord

_NOBODY = Trend()

K = TypeVar("K")
G = TypeVar("G", bound=Sized)


class Catalogue:
    """All live items; the `Knowledge` that slates are built from."""

    def __init__(
        self,
        index: Snapshottable,
        *,
        half_life: float,
        alarm: Callable[[str], None] = lambda _: None,
        wanting: Wanting | None = None,
        wordbook: Wordbook | None = None,
    ) -> None:
        self.index = index
        self.alarm = alarm
        self.wanting = wanting
        self.wordbook = wordbook
        self.crowd = Crowd(half_life=half_life)
        self.shelf = Shelf()
        self._half_life = half_life
        self._learned: dict[str, Mapping[str, float]] = {}
        self._known: dict[str, Known] = {}
        self._said: dict[bytes, str] = {}
        self._trends: dict[str, Trend] = {}
        self._standings: dict[str, float] = {}
        self._places: dict[str, tuple[tuple[str, str], ...]] = {}
        self._words: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._numbers: dict[str, dict[str, float]] = defaultdict(dict)
        self._by_standing: SortedList[tuple[float, int, str]] = SortedList()
        self._by_age: SortedList[tuple[float, str]] = SortedList()

    def __len__(self) -> int:
        return len(self._known)

    # what slates ask

    def weights(self, strategy: str) -> Mapping[str, float]:
        """What a strategy's ranker has learned; empty before its first lesson."""
        return self._learned.get(strategy, {})

    def facts(self, item_id: str) -> ItemFacts | None:
        """Title, tags and attributes; None for an item nobody announced."""
        known = self._known.get(item_id)
        return None if known is None else known.facts

    def words(self, item_id: str) -> Sequence[tuple[str, str]]:
        """The words of the item's attributes, each with the attribute's name."""
        return self._places.get(item_id, ())

    def trend(self, item_id: str) -> Trend:
        """How the item is doing; `Trend()` when nobody has touched it."""
        return self._trends.get(item_id, _NOBODY)

    def standing(self, item_id: str) -> float:
        """`streams.trends.standing` of the item's trend; -inf when nobody has touched it."""
        return self._standings.get(item_id, -math.inf)

    def popular(self, n: int) -> Sequence[str]:
        """The n most popular live items, best first; untouched ones follow in a mixed order."""
        return [item_id for _, _, item_id in self._by_standing[:n]]

    def fresh(self, now: float, *, within: float, n: int) -> Sequence[str]:
        """The n newest live items published at most `within` seconds before `now`."""
        newest = self._by_age.irange((-now, ""), (within - now, "\U0010ffff"))
        return [item_id for (_, item_id), _ in zip(newest, range(n), strict=False)]

    def share(self, name: str, word: str) -> float:
        """Share of live items that have the word among an attribute's; 0 to 1."""
        having = self._words.get((name, word))
        return len(having) / len(self._known) if having else 0.0

    def worded(self, words: str, *, n: int) -> Sequence[tuple[str, float]]:
        """The n live items with most of some words, where somebody keeps a book of them."""
        return () if self.wordbook is None else self.wordbook.search(words, n=n)

    def matching(self, filters: Filters) -> set[str]:
        """The live items that have all the attributes asked for."""
        groups = [self._having(name, wanted) for name, wanted in filters.items()]
        return set.intersection(*groups) if groups else set(self._known)

    def _having(self, name: str, wanted: str | tuple[str, ...] | Range) -> set[str]:
        if isinstance(wanted, Range):
            low = -np.inf if wanted.min is None else wanted.min
            high = np.inf if wanted.max is None else wanted.max
            numbers = self._numbers.get(name, {})
            return {i for i, value in numbers.items() if low <= value <= high}
        words = (wanted,) if isinstance(wanted, str) else wanted
        empty: set[str] = set()
        return empty.union(*(self._words.get((name, word), empty) for word in words))

    # what replicas tell

    def known(self, item_id: str) -> Known | None:
        """What is kept of an item; None for one nobody announced."""
        return self._known.get(item_id)

    def said_of(self, text_hash: bytes) -> Enhancement | None:
        """What a model was asked to say of a text, for whichever item; None where none was."""
        known = self._known.get(self._said.get(text_hash, ""))
        return None if known is None else known.facts.enhanced

    def want_all(self) -> None:
        """Look through all items for those that want something: others may have left them."""
        if self.wanting is not None:
            for item_id, known in self._known.items():
                self.wanting.put(item_id, known)

    def vector(self, item_id: str) -> NDArray[np.float32]:
        """The (dim,) unit vector of a live item."""
        vector: NDArray[np.float32] = self.index.vectors([item_id])[0]
        return vector

    def announce(self, item_id: str, record: VectorRecord) -> None:
        """An item is new or has changed; its vector is in the index already."""
        self.recall(item_id, known_of(record))

    def unsettle(self, item_id: str, content_hash: bytes) -> None:
        """The vector of an item is about to change: nobody may take the old text's for it."""
        known = self._known.get(item_id)
        if known is not None and known.content_hash != content_hash:
            self._known[item_id] = msgspec.structs.replace(known, content_hash=b"")

    def recall(self, item_id: str, known: Known) -> None:
        """An item as it was kept in a snapshot."""
        self.discard(item_id)
        self._known[item_id] = known
        self._by_standing.add(self._place(item_id))
        if known.facts.published_at is not None:
            self._by_age.add((-known.facts.published_at, item_id))
        self._file(item_id, known.facts, row=self.crowd.row(item_id))
        self._note_words(item_id, known)

    def _note_words(self, item_id: str, known: Known) -> None:
        """Remember which words an item has and which were added, or that they are still wanted."""
        if self.wordbook is not None:
            self.wordbook.put(item_id, known.facts)
        added = known.facts.enhanced
        if added is not None and added.asked:
            self._said[added.of] = item_id
        if self.wanting is not None:
            self.wanting.put(item_id, known)

    def _file(self, item_id: str, facts: ItemFacts, *, row: int) -> None:
        """Put an item wherever its attributes are looked for."""
        places = self._places[item_id] = _places(facts.attributes)
        self.shelf.put([row], published_at=[facts.published_at], words=[places])
        self._file_words(item_id, facts, places)

    def _file_words(self, item_id: str, facts: ItemFacts, places: Sequence[Place]) -> None:
        for place in _filterable(facts, places):
            self._words[place].add(item_id)
        for name, value in facts.attributes.items():
            if isinstance(value, float):
                self._numbers[name][item_id] = value

    def discard(self, item_id: str) -> None:
        """An item is gone; unknown ones are no error."""
        known = self._known.pop(item_id, None)
        if known is None:
            return
        self._by_standing.remove(self._place(item_id))
        facts = known.facts
        if self.wordbook is not None:
            self.wordbook.discard(item_id)
        if facts.enhanced is not None and self._said.get(facts.enhanced.of) == item_id:
            del self._said[facts.enhanced.of]
        if self.wanting is not None:
            self.wanting.discard(item_id, known.partition)
        if facts.published_at is not None:
            self._by_age.remove((-facts.published_at, item_id))
        places = self._places.pop(item_id)
        self.shelf.discard(self.crowd.row(item_id))
        for place in _filterable(facts, places):
            self._words[place].discard(item_id)
            _drop_if_empty(self._words, place)
        for name, value in facts.attributes.items():
            if isinstance(value, float):
                self._numbers[name].pop(item_id)
                _drop_if_empty(self._numbers, name)

    def follow(self, item_id: str, trend: Trend | None) -> None:
        """An item's trend has changed; that of an unannounced item waits for it."""
        self.crowd.follow(item_id, trend or _NOBODY)
        live = item_id in self._known
        if live:
            self._by_standing.remove(self._place(item_id))
        if trend is None:
            self._trends.pop(item_id, None)
            self._standings.pop(item_id, None)
        else:
            self._trends[item_id] = msgspec.structs.replace(
                trend, predecessors=Predecessors(), applied={}
            )
            self._standings[item_id] = standing(trend, half_life=self._half_life)
        if live:
            self._by_standing.add(self._place(item_id))

    def learn(self, strategy: str, ranker: Ranker | None) -> None:
        """A strategy's ranker has changed; None unlearns it."""
        self._learned[strategy] = {} if ranker is None else ranker.weights

    def _place(self, item_id: str) -> tuple[float, int, str]:
        """Where an item stands among the popular ones; a hash mixes those that are equal."""
        return (-self.standing(item_id), zlib.crc32(item_id.encode()), item_id)

    # snapshots

    def dump_facts(self, lasts: Mapping[int, Last]) -> bytes:
        """Everything but the vectors and trends, and with which records that ends."""
        return dump_known(self._known, lasts)

    def take(self, index: Snapshottable, kept: Mapping[str, Known]) -> None:
        """
        Take over an index and what is known of its items.

        Into an empty catalogue in one go: 100,000 items one by one take 2 s.
        """
        self.index = index
        if self._known:
            for item_id, known in kept.items():
                self.recall(item_id, known)
            return
        self._known = dict(kept)
        self.crowd.reserve(len(self.crowd) + len(kept))
        rows = self.crowd.rows(kept)
        self._places = {item_id: _places(known.facts.attributes) for item_id, known in kept.items()}
        published = [known.facts.published_at for known in kept.values()]
        self.shelf.put(rows, published_at=published, words=list(self._places.values()))
        for item_id, known in kept.items():
            self._file_words(item_id, known.facts, self._places[item_id])
            self._note_words(item_id, known)
        self._by_age = SortedList(
            (-known.facts.published_at, item_id)
            for item_id, known in kept.items()
            if known.facts.published_at is not None
        )
        self._by_standing = SortedList(map(self._place, kept))

    def trends(self) -> KeptTrends:
        """All that is known of trends; to be written down at once, for it changes with them."""
        return KeptTrends(self.crowd.image(), self._trends)

    def adopt(self, kept: KeptTrends) -> None:
        """
        Take over all trends as they were kept.

        Raises:
            ValueError: Trends were followed already.
        """
        self.crowd.adopt(kept.crowd)
        self._trends = dict(kept.trends)
        standings = zip(kept.crowd.ids, kept.crowd.standing.tolist(), strict=True)
        self._standings = {i: place for i, place in standings if i in self._trends}
        self._by_standing = SortedList(map(self._place, self._known))

    def differing(self, known: Mapping[str, Known]) -> list[str]:
        """The items of which something else is known here, or which are only in one of both."""
        unlike = [i for i, other in known.items() if self._known.get(i) != other]
        return [*unlike, *(self._known.keys() - known.keys())]

    def swap(self, index: Snapshottable, known: Mapping[str, Known], among: Iterable[str]) -> None:
        """
        Put an index and what it knows in place of what is here, in one step; trends stay.

        Args:
            index: Has exactly the items of `known`.
            known: All of it.
            among: Of `differing`; the others are left as they are, 20 µs for each that is not.
        """
        self.index = index
        for item_id in among:
            if item_id in known:
                self.recall(item_id, known[item_id])
            else:
                self.discard(item_id)

    def clear(self) -> None:
        """Forget all items; trends stay, they come from another log."""
        for item_id in list(self._known):
            self.discard(item_id)
        for item_id in self.index.item_ids():
            self.index.discard(item_id)


def _filterable(facts: ItemFacts, places: Sequence[Place]) -> list[Place]:
    """The words to filter by; by the name `tags` the tags are meant, never an attribute."""
    words = [place for place in places if place[0] != "tags"]
    return words + [("tags", tag) for tag in facts.tags if tag]


def _drop_if_empty(groups: dict[K, G], key: K) -> None:
    """Catalogues come and go; what no item has any more must not stay for ever."""
    if not groups[key]:
        del groups[key]


def _places(attributes: Mapping[str, AttributeValue]) -> tuple[tuple[str, str], ...]:
    """Every word of the attributes with the attribute's name."""
    return tuple(
        [(name, word) for name, value in attributes.items() for word in attribute_words(value)]
    )
