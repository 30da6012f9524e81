"""
How well a list of items hits what somebody chose next.

The definitions are those of trec_eval, so that figures can be checked against a kept library.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

CUTOFFS = (5, 10, 20)
"""Lengths of list that are judged."""
DEPTH = max(CUTOFFS)
KINDS = ("hr", "ndcg", "mrr", "recall", "precision", "map")
NAMES = tuple(f"{kind}@{k}" for k in CUTOFFS for kind in KINDS)
"""The columns of what `judge` says."""

_DISCOUNTS = 1.0 / np.log2(np.arange(2, DEPTH + 2))
_IDEAL = np.cumsum(_DISCOUNTS)
_PLACES = np.arange(1, DEPTH + 1)


def judge(ranked: Sequence[str], relevant: Collection[str]) -> NDArray[np.float64]:
    """
    All metrics of one list, in the order of `NAMES`.

    With a single relevant item recall is the hit rate, and MAP is MRR.

    Args:
        ranked: Best first, without repeats; what stands behind `DEPTH` does not count.
        relevant: What was chosen; at least one.

    Source:
        Hit rate (success), reciprocal rank, precision, recall and average precision over all
        that is relevant as in trec_eval; nDCG with binary gains, Järvelin and Kekäläinen,
        TOIS 2002.

    >>> dict(zip(NAMES, judge(["a", "b", "c"], {"b"}).round(3).tolist()))["ndcg@5"]
    0.631
    """
    hits = np.zeros(DEPTH)
    top = ranked[:DEPTH]
    hits[: len(top)] = [item in relevant for item in top]
    return np.concatenate([_at(k, hits, len(relevant)) for k in CUTOFFS])


def _at(k: int, hits: NDArray[np.float64], relevant: int) -> NDArray[np.float64]:
    """The metrics of `KINDS` of the first `k` places."""
    hits = hits[:k]
    found = hits.sum()
    if not found:
        return np.zeros(len(KINDS))
    precisions = np.cumsum(hits) / _PLACES[:k]
    return np.array(
        [
            1.0,
            hits @ _DISCOUNTS[:k] / _IDEAL[min(k, relevant) - 1],
            1.0 / (1 + int(np.argmax(hits))),
            found / relevant,
            found / k,
            precisions @ hits / relevant,
        ]
    )
