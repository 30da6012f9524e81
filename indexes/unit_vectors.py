"""
Let only finite vectors of the right size in, and make them one long.

hnswlib takes NaN without a word and loses recall for every later query (EVIDENCE.md), and reads
past the end of a query that is too short: nothing reaches an engine but through these functions.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.errors import MalformedVector

SHORTEST = 1e-6
"""Below this length a direction is rounding noise: f32 keeps 7 digits."""


def unit_vector(item_id: str, vector: NDArray[Any], *, dim: int) -> NDArray[np.float32]:
    """
    A copy of `vector` scaled to length one, (dim,).

    >>> unit_vector("dune", np.array([3, 4]), dim=2)
    array([0.6, 0.8], dtype=float32)
    >>> unit_vector("dune", np.ones(3), dim=384)
    Traceback (most recent call last):
    streams.errors.MalformedVector: 'dune': (3,), expected (384,)

    Raises:
        MalformedVector: Wrong shape, not numbers, NaN, infinity, or shorter than `SHORTEST`.
    """
    values = np.asarray(vector)
    if values.shape != (dim,):
        raise MalformedVector(f"{item_id!r}: {values.shape}, expected ({dim},)")
    unit: NDArray[np.float32] = _unit(values[np.newaxis], name=f"{item_id!r}")[0]
    return unit


def unit_queries(queries: NDArray[Any], *, dim: int) -> NDArray[np.float32]:
    """
    A copy of `queries` with every row scaled to length one, (q, dim).

    Raises:
        MalformedVector: As `unit_vector`, for any row.
    """
    values = np.asarray(queries)
    if values.ndim != 2 or values.shape[1] != dim:
        raise MalformedVector(f"queries: {values.shape}, expected (q, {dim})")
    return _unit(values, name="queries")


def _unit(rows: NDArray[Any], *, name: str) -> NDArray[np.float32]:
    if rows.dtype.kind not in "biuf":
        raise MalformedVector(f"{name}: {rows.dtype}, expected real numbers")
    wide = rows.astype(np.float64)  # the square of an f16 or f32 may overflow its own type
    with np.errstate(over="ignore"):
        lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    if not np.isfinite(lengths).all():
        raise MalformedVector(f"{name}: NaN or infinity, expected finite numbers")
    if (lengths < SHORTEST).any():
        raise MalformedVector(f"{name}: length below {SHORTEST}, expected a direction")
    unit: NDArray[np.float32] = (wide / lengths).astype(np.float32)
    return unit
