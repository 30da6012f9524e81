"""
What people had come to before an item: item-to-item evidence, bounded and without any user.

A table in columns, folded from the co-visits of one item.  Columns keep their order from one fold
to the next, except where the bound is passed, so a replica can follow them by position.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from itertools import compress
from typing import Annotated, TypeAlias

import msgspec

MAX_BEFORE = 40
"""Items a co-visit names, the newest; 30 or 60 was the same on the first 30 % of ml-100k."""
MAX_PREDECESSORS = 200
"""Predecessors kept for an item, the nearest; 100 cost HR@10 a twentieth there, 300 gained none."""
SLACK = 100
"""How many more there may be before the weakest go, so that a newcomer has time to grow."""
NEARNESS = 0.9
"""What a predecessor counts less for each item that came between."""
CLOSE_SECONDS = 60.0
"""Gap at which a predecessor counts half in `close`: one sitting is worth more than one week."""

WHOLE = 10_000
"""What weights are counted in: sums of whole numbers are the same in whatever order they come."""

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""What a record may say; a larger one would fit into no column of a replica."""

_NEAR = tuple(round(WHOLE * NEARNESS**place) for place in range(MAX_BEFORE))


class Before(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One item that the same user had come to before."""

    item_id: str
    gap: float
    """Seconds between the two."""


class Predecessors(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The strongest predecessors of one item; the columns are of equal length."""

    item_ids: tuple[str, ...] = ()
    supporters: tuple[Count, ...] = ()
    """Different users who came to the item after that one."""
    near: tuple[Count, ...] = ()
    """Sum over co-visits of `NEARNESS` to the number of items between, in 1 / `WHOLE`."""
    close: tuple[Count, ...] = ()
    """Sum over co-visits of 1 / (1 + gap / `CLOSE_SECONDS`), in 1 / `WHOLE`."""
    dropped: int = 0
    """Predecessors let go so far; after the first, what is kept depends on the order of arrival."""

    def supported_by(self, item_id: str) -> int:
        """Different users who came here after that item; 0 where it is not kept."""
        try:
            return self.supporters[self.item_ids.index(item_id)]
        except ValueError:
            return 0


def fold_before(
    known: Predecessors, before: Sequence[Before], *, first: bool, most: int = MAX_PREDECESSORS
) -> Predecessors:
    """
    Add what one user had come to before.

    Args:
        known: What was known of the item.
        before: Newest first, each item once, the item itself not among them.
        first: Is it the user's first visit?  Only firsts make supporters, so those are people.
        most: How many predecessors to keep.

    >>> after_dune = fold_before(Predecessors(), [Before("dune", 60.0)], first=True)
    >>> both = fold_before(after_dune, [Before("emma", 0.0), Before("dune", 60.0)], first=False)
    >>> both.item_ids, both.supporters, both.near, both.close
    (('dune', 'emma'), (1, 0), (19000, 10000), (10000, 10000))
    """
    if not before:
        return known
    places = _places(known.item_ids, {item.item_id for item in before})
    ids, supporters = list(known.item_ids), list(known.supporters)
    near, close = list(known.near), list(known.close)
    for item, weight in zip(before, _NEAR, strict=False):
        k = places.get(item.item_id)
        if k is None:
            k = len(ids)
            ids.append(item.item_id)
            supporters.append(0)
            near.append(0)
            close.append(0)
        supporters[k] += first
        near[k] += weight
        close[k] += closeness(item.gap)
    grown = Predecessors(tuple(ids), tuple(supporters), tuple(near), tuple(close), known.dropped)
    return grown if len(ids) <= most + SLACK else _strongest(grown, most)


def _places(item_ids: Sequence[str], wanted: AbstractSet[str]) -> dict[str, int]:
    """Where those that are wanted stand; a table has 200 items, of which a fold changes 40."""
    places = compress(range(len(item_ids)), map(wanted.__contains__, item_ids))
    return {item_ids[k]: k for k in places}


def closeness(gap: float) -> int:
    """
    What a predecessor counts in `close`, in 1 / `WHOLE`.

    >>> closeness(60.0), closeness(0.0)
    (5000, 10000)
    """
    return round(WHOLE / (1 + gap / CLOSE_SECONDS))


def is_sound(table: Predecessors) -> bool:
    """
    Can a table be one that `fold_before` made?

    >>> is_sound(Predecessors(("dune",), (1,), (9,), (9,))), is_sound(Predecessors(("dune",)))
    (True, False)
    """
    columns = (table.item_ids, table.supporters, table.near, table.close)
    lengths = {len(column) for column in columns}
    return len(lengths) == 1 and max(lengths) <= MAX_PREDECESSORS + SLACK


def alike(ours: Predecessors, theirs: Predecessors) -> bool:
    """Do two tables say the same?  Of those that let something go nobody can tell."""
    if ours.dropped or theirs.dropped:
        return True
    return _as_mapping(ours) == _as_mapping(theirs)


def _as_mapping(table: Predecessors) -> dict[str, tuple[int, int, int]]:
    columns = zip(table.supporters, table.near, table.close, strict=True)
    return dict(zip(table.item_ids, columns, strict=True))


def _strongest(table: Predecessors, most: int) -> Predecessors:
    """Those with the largest `near`, of equal ones the first by id, in the order they had."""
    bound = sorted(table.near, reverse=True)[most]  # of the nearest that has to go
    kept = [near > bound for near in table.near]
    if room := most - sum(kept):
        ties = [(table.item_ids[k], k) for k, near in enumerate(table.near) if near == bound]
        for _, k in sorted(ties)[:room]:
            kept[k] = True
    return Predecessors(
        tuple(compress(table.item_ids, kept)),
        tuple(compress(table.supporters, kept)),
        tuple(compress(table.near, kept)),
        tuple(compress(table.close, kept)),
        table.dropped + len(kept) - sum(kept),
    )
