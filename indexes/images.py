"""
An index that stands still, ready to be written to a folder.

An image is valid while the `frozen` block that gave it lasts, in this process or in a fork of it.
"""

from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from indexes.canary import Finding
from indexes.files import write_array, write_json
from indexes.generations import Generation
from indexes.index import VectorIndex
from indexes.parameters import HnswParameters

EXACT = "exact"
"""Names `indexes.exact.ExactIndex` in a snapshot."""

HNSW = "hnsw"
"""Names `indexes.items.HnswIndex` in a snapshot."""


class Image(Protocol):
    """What a snapshot needs to know of an index."""

    @property
    def kind(self) -> str:
        """Which engine can read it."""

    @property
    def dim(self) -> int:
        """Length of every vector."""

    def write(self, folder: Path) -> dict[str, Any]:
        """
        Write files into an empty folder; takes no lock, so that a forked child may call it.

        Returns:
            What the engine's `restore` needs besides, fit for JSON.

        Raises:
            OSError: The disk is full or the folder is not writable.
        """


class Snapshottable(VectorIndex, Protocol):
    """A `VectorIndex` that lives in this process and can be written to a folder."""

    def frozen(self) -> AbstractContextManager[Image]:
        """Hold the index still: changes, and searches that need the lock, wait meanwhile."""

    def examine(self) -> Finding:
        """Search it as the canary does; for an index that nobody else uses yet."""

    def count_from(self, generation: int, *, seconds: float) -> None:
        """It was built apart, in so many seconds, and counts as this generation from now on."""


@dataclass(frozen=True, slots=True)
class ExactImage:
    """An `ExactIndex`: ``vectors.npy``, (live, dim) f32, and ``ids.json`` in the same order."""

    ids: list[str]
    rows: NDArray[np.float32]
    """The whole matrix, (capacity, dim)."""
    chosen: list[int]
    """The row of each id."""
    number: int = 1
    """Its generation."""
    seconds: float = 0.0
    """How long it took to build."""
    kind: str = EXACT

    @property
    def dim(self) -> int:
        """Length of every vector."""
        return int(self.rows.shape[1])

    def write(self, folder: Path) -> dict[str, Any]:
        """See `Image.write`."""
        write_array(folder / "vectors.npy", self.rows[np.array(self.chosen, np.intp)])
        write_json(folder / "ids.json", self.ids)
        return {"rows": len(self.ids), "number": self.number, "seconds": self.seconds}


@dataclass(frozen=True, slots=True)
class HnswImage:
    """An `HnswIndex`: its serving generation, without a rebuild that is under way."""

    generation: Generation
    number: int
    parameters: HnswParameters
    seconds: float
    """How long the last rebuild took."""
    kind: str = HNSW

    @property
    def dim(self) -> int:
        """Length of every vector."""
        return self.generation.dim

    def write(self, folder: Path) -> dict[str, Any]:
        """See `Image.write`."""
        return {
            "generation": self.generation.write(folder),
            "number": self.number,
            "seconds": self.seconds,
            "parameters": asdict(self.parameters),
        }
