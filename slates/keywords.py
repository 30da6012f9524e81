"""
Items by their words: BM25 over texts, for a shortlist or for a live catalogue.

The only module that imports bm25s, whose indexes cannot be changed once they are made.  So items
are kept in segments, as Lucene does: what is new waits in a small one that is made anew when it is
searched; full ones are merged with others of their size, so that an item is indexed about
log2(items / `TAIL`) times ever.

Each segment weighs words by how rare they are in it, as shards of a search engine do: scores of a
small segment are near those of a large one, not the same.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

TAIL = 250
"""Items of the segment that is made anew for a search after a change: 18 ms, 30 words each."""
MAX_CHARS = 2_000
"""Of a text; what comes later says little that is new."""
HALF_GONE = 0.5
"""Share of a segment's items that are gone at which it is made anew."""

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")


class Found(NamedTuple):
    """An item that has words of a query."""

    item_id: str
    score: float
    """BM25, above 0; higher is better, comparable within one search."""


def words_of(text: str) -> list[str]:
    """
    The words of a text in small letters; where no spaces stand between words, pairs of characters.

    >>> words_of("The Sea-Wolf, 1904"), words_of("三体问题")
    (['the', 'sea', 'wolf', '1904'], ['三体', '体问', '问题'])
    """
    words: list[str] = []
    for word in _WORD.findall(text[:MAX_CHARS].casefold()):
        if not _UNSPACED.search(word) or len(word) == 1:
            words.append(sys.intern(word))  # 8 bytes an item for a word that others have, too
        else:
            words += [sys.intern(one + other) for one, other in pairwise(word)]
    return words


@dataclass(slots=True)
class _Segment:
    """Items that were indexed together."""

    words: Mapping[str, Sequence[str]]
    """Of each item, in the order of the index."""
    index: Any = None
    """None where no item has a word."""
    gone: int = 0
    """Items that were replaced or taken out since."""

    @property
    def size(self) -> int:
        """Items that are left."""
        return len(self.words) - self.gone

    @classmethod
    def of(cls, words: Mapping[str, Sequence[str]]) -> _Segment:
        """Index items."""
        if not any(words.values()):
            return cls(words)
        import bm25s

        logging.getLogger("bm25s").setLevel(logging.WARNING)  # it tells of every index it makes
        index = bm25s.BM25()
        index.index([list(said) for said in words.values()], show_progress=False)
        return cls(words, index)

    def scores(self, query: list[str], *, n: int) -> Iterator[Found]:
        """The items that have most of the words; n of them or more that are not gone."""
        if self.index is None:
            return
        scores = self.index.get_scores(query)
        item_ids = list(self.words)
        rows, most = np.flatnonzero(scores > 0), n + self.gone
        if len(rows) > most:
            least = np.partition(scores[rows], -most)[-most]
            rows = rows[scores[rows] >= least]  # all that are equal: ids decide among them
        for row in rows.tolist():
            yield Found(item_ids[row], float(scores[row]))


class Keywords:
    """
    An index of items by their words.

    >>> index = Keywords([("dune", "A desert planet."), ("emma", "A comedy of manners.")])
    >>> [found.item_id for found in index.search("planets and the desert", n=5)]
    ['dune']
    """

    def __init__(self, texts: Iterable[tuple[str, str]] = ()) -> None:
        """
        Index some items.

        Args:
            texts: Item and text; of an item that comes twice the last one counts.
        """
        self._live: dict[str, Sequence[str]] = {}
        """Words of all items."""
        self._home: dict[str, _Segment] = {}
        """Item to the sealed segment where its words are those of now."""
        self._sealed: list[_Segment] = []
        """Large ones first."""
        self._new: dict[str, Sequence[str]] = {}
        self._tail: _Segment | None = None
        """Of what is new, where nothing has changed since."""
        for item_id, text in texts:
            self._live[item_id] = words_of(text)
        if len(self._live) > TAIL:
            self._seal(self._live)
        else:
            self._new = dict(self._live)

    def __len__(self) -> int:
        return len(self._live)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._live

    def put(self, item_id: str, text: str) -> None:
        """Add an item, or replace its text; it is found by the next search."""
        words = words_of(text)
        if self._live.get(item_id) == words:
            return
        self.discard(item_id)
        self._live[item_id] = self._new[item_id] = words
        self._tail = None
        if len(self._new) > TAIL:
            new, self._new = self._new, {}
            self._seal(new)

    def discard(self, item_id: str) -> None:
        """Take an item out; unknown ones are no error."""
        self._live.pop(item_id, None)
        if self._new.pop(item_id, None) is not None:
            self._tail = None
        home = self._home.pop(item_id, None)
        if home is not None:
            home.gone += 1
            if home.gone >= HALF_GONE * len(home.words):
                self._remake(home)

    def search(self, query: str, *, n: int) -> list[Found]:
        """The n items that have most of the words of a query, best first; equal ones by id."""
        asked = words_of(query)
        if not asked or n < 1:
            return []
        found = list(self._settled().scores(asked, n=n))
        for segment in self._sealed:
            scored = segment.scores(asked, n=n)
            found += (one for one in scored if self._home.get(one[0]) is segment)
        return sorted(found, key=lambda one: (-one.score, one.item_id))[:n]

    def settle(self) -> None:
        """Index what is new now, so that no search has to."""
        self._settled()

    def _settled(self) -> _Segment:
        if self._tail is None:
            self._tail = _Segment.of(dict(self._new))
        return self._tail

    def _seal(self, words: Mapping[str, Sequence[str]]) -> None:
        """Make a segment, together with those before that are not larger than it."""
        merged = dict(words)
        while self._sealed and self._sealed[-1].size <= len(merged):
            merged |= self._left(self._sealed.pop())
        segment = _Segment.of(merged)
        self._home |= dict.fromkeys(merged, segment)
        self._sealed.append(segment)
        self._tail = None

    def _remake(self, segment: _Segment) -> None:
        """Half of a segment is gone: what is left is indexed anew."""
        self._sealed = [one for one in self._sealed if one is not segment]
        if left := self._left(segment):
            self._seal(left)

    def _left(self, segment: _Segment) -> dict[str, Sequence[str]]:
        return {i: words for i, words in segment.words.items() if self._home.get(i) is segment}
