"""
A bounded share of the slate for items that few people know.

Whoever never shows a new item never learns whether it is good; how many places that may cost is a
setting, and which items get them is drawn by what is known of them so far.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from streams.trends import Trend


def draw(trends: Sequence[Trend], *, seed: str) -> list[int]:
    """
    Order unknown items by a draw from what is known of each.

    Args:
        trends: How each is doing.
        seed: The same one draws the same order: a slate that is built again is the same slate.

    Returns:
        Places in `trends`, the luckiest first.

    Source:
        Thompson sampling with a Beta(1, 1) prior: Chapelle and Li, NeurIPS 2011.
    """
    if not trends:
        return []
    came = np.array([trend.supporters for trend in trends], float)
    others = np.array([max(t.interactions - t.supporters, 0) for t in trends], float)
    rng = np.random.default_rng(zlib.crc32(seed.encode()))
    luck = rng.beta(1 + came, 1 + others)
    return [int(k) for k in np.argsort(-luck, kind="stable")]


def explore(best: Sequence[int], unknown: Sequence[int], *, n: int, share: float) -> list[int]:
    """
    Give the last places of a slate to items that few people know.

    Args:
        best: Rows in the order of the slate.
        unknown: Rows that may take a place, best first; those on the slate already count.
        n: Places there are.
        share: Largest share of them for the unknown; at least one place where it is not 0.

    Returns:
        At most n rows, each once.

    >>> explore([4, 7, 9], [2, 3], n=3, share=0.1)
    [4, 7, 2]
    >>> explore([4, 2, 9], [2, 3], n=3, share=0.1)
    [4, 2, 9]
    """
    places = math.floor(n * share + 1e-9) or (1 if share > 0 else 0)
    there: AbstractSet[int] = set(best)
    already = sum(row in there for row in unknown)
    wanted = [row for row in unknown if row not in there][: max(places - already, 0)]
    known = [row for row in best if row not in set(unknown)]
    going = set(known[len(known) - max(len(best) + len(wanted) - n, 0) :])
    return [*(row for row in best if row not in going), *wanted]
