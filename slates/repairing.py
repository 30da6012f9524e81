"""
From what a reply names to an order of all candidates, whatever it names.

Repeats and unknown entries are dropped, and what is missing follows in the order it came: the
result is always a permutation.

Source:
    Permutation generation, Sun et al., EMNLP 2023 (RankGPT).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from slates.replies import Entry, Reply

Find: TypeAlias = Callable[[str], str | None]
"""Title to the id of the item that it means, see `slates.titles.Titles`."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """An order, and how much of it is the model's."""

    order: tuple[str, ...]
    """A permutation of the candidates, best first."""
    named: int
    """How many of them, the first ones, the reply named."""
    trust: float
    """0 to 1: the share of right entries among those made, or asked for if that is more."""
    counts: Mapping[str, int]
    """wrong_format, repeats, unknown, missing, outside_catalogue, empty; those above 0."""


def find_none(_title: str) -> None:
    """A `Find` for replies that can only be numbers."""


def repair(
    reply: Reply,
    candidates: Sequence[str],
    *,
    wanted: int,
    numbers: Sequence[str] = (),
    find: Find = find_none,
) -> Repaired:
    """
    Make an order of what a reply names.

    Args:
        reply: As `read_reply` read it.
        candidates: Ids, in the order in which those not named follow.
        wanted: How many were asked for.
        numbers: Ids as the prompt numbered them, from 1; none where it did not.
        find: Tells which item a title means; what it does not know is outside the catalogue.

    >>> from slates.replies import read_reply
    >>> ids = ["a", "b", "c", "d"]
    >>> found = repair(read_reply("[3] > [1] > [3] > [9]"), ids, wanted=4, numbers=ids)
    >>> found.order, found.counts["repeats"], found.counts["unknown"], found.counts["missing"]
    (('c', 'a', 'b', 'd'), 1, 1, 2)
    """
    known, counts, named = frozenset(candidates), Counter[str](), dict[str, None]()
    for entry in reply.entries:
        item_id = _meant(entry, numbers, find)
        if item_id is not None and item_id in named:
            counts["repeats"] += 1
        elif item_id is not None and item_id in known:
            named[item_id] = None
        elif entry.listed:
            counts["unknown"] += 1
            counts["outside_catalogue"] += bool(entry.title) and item_id is None
    made = len(named) + counts["repeats"] + counts["unknown"]
    counts["missing"] = max(wanted - len(named), 0)
    counts["wrong_format"] = int(reply.form != "schema")
    counts["empty"] = int(not made)
    return Repaired(
        order=tuple(dict.fromkeys([*named, *candidates])),
        named=len(named),
        trust=len(named) / max(wanted, made, 1),
        counts={name: count for name, count in counts.items() if count},
    )


def _meant(entry: Entry, numbers: Sequence[str], find: Find) -> str | None:
    if entry.number is not None and not numbers:
        return find(str(entry.number))  # the prompt has no numbers: `1984` is a title
    if entry.number is not None:
        return numbers[entry.number - 1] if 1 <= entry.number <= len(numbers) else None
    return find(entry.title) if entry.title else None
