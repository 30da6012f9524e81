"""Order that does not repeat itself: maximal marginal relevance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from slates.tastes import Vectors


def diversify(scores: NDArray[np.float64], vectors: Vectors, *, n: int, share: float) -> list[int]:
    """
    Choose n of the scored items one by one, each a little unlike those chosen before.

    Args:
        scores: (m,), higher is better.
        vectors: (m, dim) unit rows.
        n: How many to choose; all when there are fewer.
        share: 0 is the order of the scores, 1 looks at unlikeness alone.

    Returns:
        Row numbers in the order chosen; this order is the slate's and is not sorted again.

    Source:
        Carbonell and Goldstein, SIGIR 1998.

    >>> diversify(np.array([1.0, 0.9, 0.5]), np.eye(2, dtype=np.float32)[[0, 0, 1]], n=2, share=0.5)
    [0, 2]
    """
    likeness = vectors @ vectors.T
    closest = np.zeros(len(scores))
    left = np.ones(len(scores), dtype=bool)
    chosen: list[int] = []
    for _ in range(min(n, len(scores))):
        marginal = np.where(left, (1 - share) * scores - share * closest, -np.inf)
        best = int(marginal.argmax())
        chosen.append(best)
        left[best] = False
        np.maximum(closest, likeness[best], out=closest)
    return chosen
