"""
What the crowd does, in columns that can be written to a disk and read back as they were.

The pairs stand one behind the other, without the free slots between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

OF_ROWS: Final[Mapping[str, DTypeLike]] = {
    "visits": np.float32,
    "people": np.int32,
    "standing": np.float64,
    "surge": np.float64,
}
"""The columns with one number for each row."""
OF_PAIRS: Final[Mapping[str, DTypeLike]] = {
    "slots": np.int32,
    "before": np.int32,
    "places": np.int32,
}
"""The columns with one number for each pair; `values` has three."""


@dataclass(frozen=True, slots=True)
class CrowdImage:
    """A `Crowd` as it was at one moment."""

    ids: list[str]
    """By row."""
    visits: NDArray[np.float32]
    """(rows,) as in the crowd, like the next three."""
    people: NDArray[np.int32]
    standing: NDArray[np.float64]
    surge: NDArray[np.float64]
    slots: NDArray[np.int32]
    """(pairs,) where each pair stands, ascending."""
    before: NDArray[np.int32]
    """(pairs,) the row of the predecessor."""
    places: NDArray[np.int32]
    """(pairs,) where the pair stands in its predecessor's list."""
    values: NDArray[np.float32]
    """(pairs, 3) supporters, near and close."""
