"""
What is announced, in columns: facts that every candidate is asked for, without a loop over them.

Rows are those of the crowd.  The facts themselves stay where titles and texts are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Place: TypeAlias = tuple[str, str]
"""An attribute's name and one of its words."""

WIDTH = 12
"""Words of an item that count in a leaning; films have about three genres, books eight subjects."""
FIRST_ROWS = 256


class Shelf:
    """
    The live items of a catalogue.

    >>> shelf = Shelf()
    >>> shelf.put([3], published_at=[None], words=[[("by", "Verne")]])
    >>> shelf.lean({("by", "Verne"): 0.5}, np.array([3, 4])).tolist()
    [0.5, 0.0]
    """

    def __init__(self) -> None:
        """Begin empty."""
        self.live = np.zeros(FIRST_ROWS, bool)
        """(rows or more,) may it be shown?"""
        self.published = np.full(FIRST_ROWS, math.nan)
        """(rows or more,) seconds since 1970; NaN where nobody knows."""
        self._words = np.zeros((FIRST_ROWS, WIDTH), np.int32)
        self._numbers: dict[Place, int] = {}

    def put(
        self,
        rows: Sequence[int] | NDArray[np.integer],
        *,
        published_at: Sequence[float | None],
        words: Sequence[Sequence[Place]],
    ) -> None:
        """
        Items are announced; they were not before, or were discarded.

        Args:
            rows: (m,) of each item; all different.
            published_at: (m,) seconds since 1970; None where nobody knows.
            words: (m,) those of each item.
        """
        self._reserve(int(np.max(rows, initial=-1)) + 1)
        self._words[rows] = self._table(words)
        self.published[rows] = np.array(published_at, float)  # None becomes NaN
        self.live[rows] = True

    def _table(self, words: Sequence[Sequence[Place]]) -> NDArray[np.int32]:
        """(m, WIDTH) the number of each word, and 0 behind the last; from 1 as they come."""
        known = self._numbers
        firsts = [places[:WIDTH] for places in words]
        numbers = [known.setdefault(p, len(known) + 1) for places in firsts for p in places]
        lengths = np.array([len(places) for places in firsts])
        table = np.zeros((len(words), WIDTH), np.int32)
        table[np.arange(WIDTH) < lengths[:, np.newaxis]] = numbers
        return table

    def discard(self, row: int) -> None:
        """An item is gone."""
        self._words[row] = 0
        self.published[row] = math.nan
        self.live[row] = False

    def lean(
        self, leaning: Mapping[Place, float], rows: NDArray[np.integer]
    ) -> NDArray[np.float64]:
        """
        How much somebody leans to items.

        Args:
            leaning: Word to how much; words that no item has count for nothing.
            rows: (m,) the items.

        Returns:
            (m,) the sum over the item's words, -1 to 1.
        """
        by_number = np.zeros(len(self._numbers) + 1)
        for place, amount in leaning.items():
            number = self._numbers.get(place)
            if number is not None:
                by_number[number] = amount
        within = rows < len(self._words)
        words = self._words[np.where(within, rows, 0)]
        totals = np.where(within, by_number[words].sum(axis=1), 0.0)
        return np.clip(totals, -1.0, 1.0)

    def having(self, place: Place) -> NDArray[np.intp]:
        """The rows of live items with a word; of an item the first `WIDTH` words count."""
        number = self._numbers.get(place)
        if number is None:
            return np.zeros(0, np.intp)
        return np.flatnonzero((self._words == number).any(axis=1))

    def _reserve(self, rows: int) -> None:
        """Have room for so many rows."""
        more = (1 << (rows - 1).bit_length()) - len(self.live)
        if more > 0:
            self.live = np.concatenate([self.live, np.zeros(more, bool)])
            self.published = np.concatenate([self.published, np.full(more, math.nan)])
            self._words = np.concatenate([self._words, np.zeros((more, WIDTH), np.int32)])
