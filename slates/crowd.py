"""
What the crowd does: how much all items are visited, and who comes after whom, from either side.

Every pair stands in one slot: a place in a row of its item.  The other direction is a list of
slots for each predecessor, so nothing is kept twice and both are read without a loop over items.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from struct import Struct
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from slates.crowd_image import CrowdImage
from streams.predecessors import MAX_PREDECESSORS, SLACK, WHOLE
from streams.trends import SURGE, Trend, standing_of

WIDTH = MAX_PREDECESSORS + SLACK
"""Slots of a row: as many predecessors as a trend may hold."""
FIRST_ROWS = 256
_NO_SLOTS = np.zeros(0, np.int32)
SUPPORTERS, NEAR, CLOSE = range(3)
"""Columns of `Pairs.values`."""
_UNITS = np.array([1.0, 1 / WHOLE, 1 / WHOLE], np.float32)

T = TypeVar("T", bound=np.generic)
Rows = NDArray[np.int32]
Values = NDArray[np.float32]
Columns = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of an item asked about and one that goes with it, in no order."""

    place: Rows
    """(e,) which of the items asked about, by its place in the question."""
    row: Rows
    """(e,) the row of the other one."""
    after: NDArray[np.bool_]
    """(e,) did people come to the other one after the one asked about?"""
    values: Values
    """(e, 3) supporters, near and close."""

    def at(self, chosen: NDArray[np.intp]) -> Pairs:
        """Some of them."""
        return Pairs(
            self.place[chosen],
            self.row[chosen],
            self.after[chosen],
            self.values.take(chosen, axis=0),
        )


NO_PAIRS = Pairs(_NO_SLOTS, _NO_SLOTS, np.zeros(0, bool), np.zeros((0, 3), np.float32))


class Crowd:
    """
    All trends, by rows: numbers of items, given out as they come and never again.

    >>> from streams.predecessors import Predecessors
    >>> crowd = Crowd(half_life=7 * 86_400.0)
    >>> after_dune = Predecessors(("dune",), (7,), (35_000,), (20_000,))
    >>> crowd.follow("emma", Trend(interactions=9, predecessors=after_dune))
    >>> found = crowd.pairs(["dune"])
    >>> [crowd.ids[row] for row in found.row], found.after.tolist(), found.values.tolist()
    (['emma'], [True], [[7.0, 3.5, 2.0]])
    """

    def __init__(self, *, half_life: float) -> None:
        """Begin without any item; `half_life` of popularity, in seconds."""
        self.half_life = half_life
        self.ids: list[str] = []
        self.visits = np.zeros(FIRST_ROWS, np.float32)
        """(rows or more,) interactions of each item."""
        self.people = np.zeros(FIRST_ROWS, np.int32)
        """(rows or more,) different users who came to each item and did not turn it down."""
        self.standing = np.full(FIRST_ROWS, -np.inf)
        """(rows or more,) `streams.trends.standing_of` of each item's popularity."""
        self.surge = np.full(FIRST_ROWS, -np.inf)
        """(rows or more,) the same of its surge."""
        self._rows: dict[str, int] = {}
        self._before = np.zeros((FIRST_ROWS, WIDTH), np.int32)
        """
        The row of the predecessor in each slot, and one; 0 where it is free.

        So the memory of rows without any is never touched: 157 MB at 131,072 rows.
        """
        self._at = np.zeros(FIRST_ROWS * WIDTH, np.int32)
        self._values = np.zeros((FIRST_ROWS * WIDTH, 3), np.float32)
        self._after: list[array[int]] = []
        self._counts, self._orders = array("i"), array("q")
        """Of each row, how many predecessors it was told last, and the hash of their ids."""
        self._columns = np.zeros(FIRST_ROWS * WIDTH, np.int16)
        """Where those stand in the row; a table mostly says the same ids in the same order."""
        self._place = np.full(FIRST_ROWS, -1, np.int32)
        """(rows or more,) where each item stands in a list that is looked at; -1 between looks."""

    def __len__(self) -> int:
        return len(self.ids)

    def row(self, item_id: str) -> int:
        """The row of an item, a new one where it has none."""
        row = self._rows.get(item_id)
        return self._add(item_id) if row is None else row

    def known(self, item_ids: Iterable[str]) -> list[int]:
        """The rows of those items that have one."""
        rows = map(self._rows.get, item_ids)
        return [row for row in rows if row is not None]

    def rows(self, item_ids: Iterable[str]) -> Rows:
        """The rows of items, in the order given; new ones for those that have none."""
        ids = list(item_ids)
        try:
            return np.fromiter(map(self._rows.__getitem__, ids), np.int32, len(ids))
        except KeyError:  # hardly ever: an item nobody has named before
            return np.fromiter(map(self.row, ids), np.int32, len(ids))

    def follow(self, item_id: str, trend: Trend) -> None:
        """An item's trend is this now."""
        row, table = self.row(item_id), trend.predecessors
        self.visits[row] = trend.interactions
        self.people[row] = trend.supporters
        self.standing[row] = standing_of(trend.popularity, trend.at, half_life=self.half_life)
        self.surge[row] = standing_of(trend.surge, trend.at, half_life=self.half_life / SURGE)
        if not table.item_ids and not self._before[row].any():
            return  # as most items of a large catalogue
        columns = self._settle(row, table.item_ids)
        numbers = (*table.supporters, *table.near, *table.close)
        weights = np.frombuffer(_whole(len(numbers)).pack(*numbers), np.int64)
        self._values[row * WIDTH + columns] = weights.reshape(len(_UNITS), -1).T * _UNITS

    def _settle(self, row: int, item_ids: tuple[str, ...]) -> Columns:
        """The columns of an item's predecessors; who stays keeps the one they have."""
        count, first = self._counts[row], row * WIDTH
        if 0 < count <= len(item_ids) and hash(item_ids[:count]) == self._orders[row]:
            columns = self._columns[first : first + count].astype(np.intp)
            if len(item_ids) == count:
                return columns
            came = self.rows(item_ids[count:])  # and none has gone
            columns = np.concatenate([columns, self._seat(row, came)])
        else:
            columns = self._settle_all(row, self.rows(item_ids))
        self._counts[row], self._orders[row] = len(item_ids), hash(item_ids)
        self._columns[first : first + len(item_ids)] = columns
        return columns

    def _settle_all(self, row: int, before: Rows) -> Columns:
        """The same where nothing is known of their order."""
        block = self._before[row]
        used = np.flatnonzero(block)
        there = block[used] - 1
        self._place[before] = np.arange(len(before))
        places = self._place[there]
        self._place[before] = -1
        stays = places >= 0
        columns = np.full(len(before), -1)
        columns[places[stays]] = used[stays]
        self._vacate(row, used[~stays])
        comes = columns < 0
        columns[comes] = self._seat(row, before[comes])
        return columns

    def _seat(self, row: int, before: Rows) -> Columns:
        """Newcomers into the first columns that are free."""
        columns: Columns = np.flatnonzero(self._before[row] == 0)[: len(before)]
        self._before[row, columns] = before + 1
        slots = row * WIDTH + columns
        lists = [self._after[other] for other in before.tolist()]
        self._at[slots] = [len(each) for each in lists]
        for each, slot in zip(lists, slots.tolist(), strict=True):
            each.append(slot)
        return columns

    def _vacate(self, row: int, columns: Columns) -> None:
        """Free slots; the last one in each list takes the place of the one that goes."""
        others = (self._before[row, columns] - 1).tolist()
        for column, other in zip(columns.tolist(), others, strict=True):
            slot, after = row * WIDTH + column, self._after[other]
            last = after.pop()
            if last != slot:
                place = int(self._at[slot])
                after[place] = last
                self._at[last] = place
        self._before[row, columns] = 0

    def pairs(self, item_ids: Sequence[str]) -> Pairs:
        """All pairs of some items, in both directions; those nobody has come to have none."""
        asked, rows = self._there(item_ids)
        after = [np.frombuffer(self._after[row], np.int32) for row in rows.tolist()]
        slots = np.concatenate([_NO_SLOTS, *after])
        before, mine, places = self._blocks(asked, rows)
        return Pairs(
            place=np.concatenate([np.repeat(asked, [len(each) for each in after]), places]),
            row=np.concatenate([slots // WIDTH, before]),
            after=np.arange(len(slots) + len(mine)) < len(slots),
            values=self._values.take(np.concatenate([slots, mine]), axis=0),
        )

    def before(self, item_ids: Sequence[str]) -> Pairs:
        """The pairs of some items and those that people came to them from."""
        before, mine, places = self._blocks(*self._there(item_ids))
        return Pairs(places, before, np.zeros(len(mine), bool), self._values.take(mine, axis=0))

    def _there(self, item_ids: Sequence[str]) -> tuple[Rows, Rows]:
        """Those of some items that have a row: their places in the question, and the rows."""
        there = [(k, self._rows[i]) for k, i in enumerate(item_ids) if i in self._rows]
        places, rows = np.array(there, np.int32).reshape(-1, 2).T
        return places, rows

    def _blocks(self, asked: Rows, rows: Rows) -> tuple[Rows, Rows, Rows]:
        """All that stands in some rows: the predecessors, their slots, and the places asked."""
        block = self._before[rows]
        taken = block > 0
        slots = np.add.outer(rows * np.int32(WIDTH), np.arange(WIDTH, dtype=np.int32))
        return block[taken] - 1, slots[taken], np.repeat(asked, taken.sum(axis=1))

    def supporters(self, before: str, item_id: str) -> int:
        """Different users who came to an item after another one; 0 where nobody knows."""
        row, other = self._rows.get(item_id), self._rows.get(before)
        if row is None or other is None:
            return 0
        found = np.flatnonzero(self._before[row] == other + 1)
        return int(self._values[row * WIDTH + found[0], SUPPORTERS]) if len(found) else 0

    def _add(self, item_id: str) -> int:
        row = len(self.ids)
        if row == len(self.visits):
            self._grow(2 * row)
        self._rows[item_id] = row
        self.ids.append(item_id)
        self._after.append(array("i"))
        self._counts.append(0)
        self._orders.append(0)
        return row

    # images

    def image(self) -> CrowdImage:
        """As it is now; nothing of it changes any more."""
        rows = len(self.ids)
        pairs = self._before[:rows].reshape(-1)
        slots = np.flatnonzero(pairs)
        return CrowdImage(
            ids=list(self.ids),
            visits=self.visits[:rows].copy(),
            people=self.people[:rows].copy(),
            standing=self.standing[:rows].copy(),
            surge=self.surge[:rows].copy(),
            slots=slots.astype(np.int32),
            before=pairs[slots] - 1,
            places=self._at[slots],
            values=self._values[slots],
        )

    def adopt(self, image: CrowdImage) -> None:
        """
        Be as another crowd was, with the rows that were given out here.

        Raises:
            ValueError: A trend was followed already.
        """
        if any(self._after):
            raise ValueError("an image is for a crowd that has followed nothing")
        self.reserve(len(self.ids) + len(image.ids))
        rows = self.rows(image.ids)
        self.visits[rows], self.people[rows] = image.visits, image.people
        self.standing[rows], self.surge[rows] = image.standing, image.surge
        mine, columns = np.divmod(image.slots, np.int32(WIDTH))
        slots, before = rows[mine] * np.int32(WIDTH) + columns, rows[image.before]
        self._before.reshape(-1)[slots] = before + 1
        self._at[slots], self._values[slots] = image.places, image.values
        listed = slots[np.lexsort((image.places, before))]
        ends = np.cumsum(np.bincount(before, minlength=len(self.ids)))
        for row in np.unique(before).tolist():
            first = ends[row - 1] if row else 0
            self._after[row].frombytes(listed[first : ends[row]].tobytes())

    def reserve(self, rows: int) -> None:
        """Have room for so many rows."""
        if rows > len(self.visits):
            self._grow(1 << (rows - 1).bit_length())

    def _grow(self, rows: int) -> None:
        """So many rows; the memory of those without predecessors is not touched."""
        used = np.flatnonzero(self._before[: len(self.ids)].any(axis=1))
        self._values = _wider(self._values, rows, used)
        self._at = _wider(self._at, rows, used)
        self._columns = _wider(self._columns, rows, used)
        self._before = _wider(self._before.reshape(-1), rows, used).reshape(rows, WIDTH)
        more = rows - len(self.visits)
        self.visits = np.concatenate([self.visits, np.zeros(more, np.float32)])
        self.people = np.concatenate([self.people, np.zeros(more, np.int32)])
        self._place = np.concatenate([self._place, np.full(more, -1, np.int32)])
        nobody = np.full(more, -np.inf)
        self.standing = np.concatenate([self.standing, nobody])
        self.surge = np.concatenate([self.surge, nobody])


@cache
def _whole(count: int) -> Struct:
    """What packs so many whole numbers; a fifth of the time that numpy takes for as many."""
    return Struct(f"{count}q")


def _wider(slots: NDArray[T], rows: int, used: NDArray[np.intp]) -> NDArray[T]:
    """Slots for so many rows, with what those in use had."""
    new = np.zeros((rows * WIDTH, *slots.shape[1:]), slots.dtype)
    new.reshape(rows, -1)[used] = slots.reshape(len(slots) // WIDTH, -1)[used]
    return new
