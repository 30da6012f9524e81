"""
Every item compared with every query: the oracle, and the engine for small catalogues.

Right by construction.  On one core 5 queries for 50 matches take 2.3 ms among 10,000 x 384, and
12 ms among 50,000, where `HnswIndex` takes 1.4 and 2.5.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexes.canary import Finding
from indexes.fairlock import FairLock
from indexes.files import read_array, read_json
from indexes.images import ExactImage, Image
from indexes.index import IndexStats, Match, matches
from indexes.nearest import best, similarities
from indexes.unit_vectors import unit_queries, unit_vector

FIRST_CAPACITY = 1024
"""Rows reserved at first; doubled whenever they are full."""


class ExactIndex:
    """A `VectorIndex` over one f32 matrix; a discarded item's row is free for the next."""

    def __init__(self, dim: int) -> None:
        self._rows = np.zeros((FIRST_CAPACITY, dim), np.float32)
        self._ids: list[str] = []  # by row; in a free row, whoever was there last
        self._row_of: dict[str, int] = {}
        self._free: list[int] = []
        self._number, self._seconds = 1, 0.0
        self._lock = FairLock()  # a row may change hands: none may while a search looks at it

    @property
    def dim(self) -> int:
        """Length of every vector."""
        return self._rows.shape[1]

    def upsert(self, item_id: str, vector: NDArray[Any]) -> None:
        """See `VectorIndex.upsert`."""
        self.upsert_many([(item_id, vector)])

    def upsert_many(self, items: Sequence[tuple[str, NDArray[Any]]]) -> None:
        """See `VectorIndex.upsert_many`."""
        checked = [(item_id, unit_vector(item_id, v, dim=self.dim)) for item_id, v in items]
        for item_id, row in checked:
            with self._lock:
                place = self._reserve(item_id)  # first: it may put a larger matrix in place
                self._rows[place] = row

    def discard(self, item_id: str) -> bool:
        """See `VectorIndex.discard`."""
        with self._lock:
            row = self._row_of.pop(item_id, None)
            if row is None:
                return False
            self._free.append(row)
            return True

    def search(
        self,
        queries: NDArray[np.float32],
        *,
        n: int,
        within: Collection[str] | None = None,
    ) -> list[list[Match]]:
        """See `VectorIndex.search`."""
        units = unit_queries(queries, dim=self.dim)
        with self._lock:
            chosen = self._eligible(within)
            count = len(self._ids) if chosen is None else len(chosen)
            if n <= 0 or count == 0:
                return [[] for _ in units]
            scores = similarities(self._rows[: len(self._ids)], units, chosen=chosen)
            columns = best(scores, n)
            rows = columns if chosen is None else chosen[columns]
            return matches(self._ids, rows, np.take_along_axis(scores, columns, axis=1))

    def vectors(self, item_ids: Sequence[str]) -> NDArray[np.float32]:
        """See `VectorIndex.vectors`."""
        with self._lock:
            return self._rows[np.array([self._row_of[i] for i in item_ids], np.intp)]

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._row_of

    def __len__(self) -> int:
        return len(self._row_of)

    def item_ids(self) -> list[str]:
        """See `VectorIndex.item_ids`."""
        with self._lock:
            return list(self._row_of)

    def stats(self) -> IndexStats:
        """Counters as of now; there are never tombstones, nor rebuilds of its own."""
        return IndexStats(
            live=len(self),
            tombstones=0,
            generation=self._number,
            rebuild_seconds=self._seconds,
            rebuild_failures=0,
        )

    def examine(self) -> Finding:
        """There is nothing to find: it is the oracle."""
        return Finding(recall=1.0)

    def count_from(self, generation: int, *, seconds: float) -> None:
        """See `indexes.images.Snapshottable.count_from`."""
        self._number, self._seconds = generation, seconds

    def close(self) -> None:
        """Nothing runs in the background."""

    @contextmanager
    def frozen(self) -> Iterator[Image]:
        """See `indexes.images.Snapshottable.frozen`."""
        with self._lock:
            ids = list(self._row_of)
            rows = list(self._row_of.values())
            yield ExactImage(ids, self._rows, rows, number=self._number, seconds=self._seconds)

    @classmethod
    def restore(cls, folder: Path, parameters: Mapping[str, Any], *, dim: int) -> "ExactIndex":
        """
        The index that `ExactImage.write` wrote.

        Args:
            folder: Its files, verified already.
            parameters: What `ExactImage.write` returned.
            dim: Length of every vector.

        Raises:
            SnapshotCorrupt: The files do not fit together.
        """
        ids = read_json(folder / "ids.json")
        index = cls(dim)
        index._rows = read_array(
            folder / "vectors.npy", shape=(parameters["rows"], dim), dtype=np.float32
        )
        index._ids = ids
        index._row_of = {item_id: row for row, item_id in enumerate(ids)}
        index.count_from(parameters.get("number", 1), seconds=parameters.get("seconds", 0.0))
        return index

    def _eligible(self, within: Collection[str] | None) -> NDArray[np.intp] | None:
        """Rows to compare, each once; None when all rows are live and eligible."""
        if within is not None:
            known = dict.fromkeys(within)
            return np.array([self._row_of[i] for i in known if i in self._row_of], np.intp)
        if self._free:
            return np.fromiter(self._row_of.values(), np.intp, len(self._row_of))
        return None

    def _reserve(self, item_id: str) -> int:
        """The item's row: the one it has, a free one, or one more."""
        row = self._row_of.get(item_id)
        if row is not None:
            return row
        if self._free:
            row = self._free.pop()
            self._ids[row] = item_id
        else:
            row = len(self._ids)
            self._ids.append(item_id)
            if row >= len(self._rows):
                self._grow()
        self._row_of[item_id] = row
        return row

    def _grow(self) -> None:
        larger = np.zeros((max(FIRST_CAPACITY, 2 * len(self._rows)), self.dim), np.float32)
        larger[: len(self._rows)] = self._rows
        self._rows = larger
