"""Which reason comes first at each place of a slate, so that not every line says the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from slates.reasons.options import Option

SHARE = 3
"""One in how many places may begin with the same kind and source, where others could too."""


def vary(options: Sequence[Sequence[Option]]) -> list[int]:
    """
    Choose what is said first of each item.

    Args:
        options: Of each place of the slate; at least one, the strongest first.

    Returns:
        The number of the option for each place.  What is on more than a third of the places is
        there only where an item has nothing else that is not on a third of them, too.

    >>> liked, new = Option("similar", "dune", 2.0, {}), Option("new", "", 1.0, {})
    >>> vary([[liked], [liked, new], [liked]])
    [0, 1, 0]
    """
    limit = -(-len(options) // SHARE)
    first = [0] * len(options)
    counts = Counter(_key(some[0]) for some in options)
    while moves := _moves(options, first, counts, limit):
        _, place, number = min(moves)
        counts[_key(options[place][first[place]])] -= 1
        counts[_key(options[place][number])] += 1
        first[place] = number
    return first


def _moves(
    options: Sequence[Sequence[Option]],
    first: Sequence[int],
    counts: Counter[tuple[str, str]],
    limit: int,
) -> list[tuple[float, int, int]]:
    """What could be said instead of what is said too often: the strength lost, where, what."""
    return [
        (some[first[place]].strength - other.strength, place, number)
        for place, some in enumerate(options)
        if counts[_key(some[first[place]])] > limit
        for number, other in enumerate(some)
        if counts[_key(other)] < limit
    ]


def _key(option: Option) -> tuple[str, str]:
    return option.kind, option.source
