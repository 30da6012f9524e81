"""
An approximate index for large catalogues; the only module that knows hnswlib.

It answers within a millisecond at 100,000 items and forgets nothing: whenever the graph cannot
give a full answer, the stored vectors are compared one by one.  hnswlib 0.8.0 is kept from every
use that is known to crash it or to raise ghosts: labels are fresh and never used again, replaced
items become tombstones, nothing is resized or filtered by callback, and no two calls overlap.
"""

import errno
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import hnswlib
import numpy as np
from numpy.typing import NDArray

from indexes.canary import Finding, examine
from indexes.files import fsync
from indexes.generations import Generation, Graph, Hits, Labels
from indexes.images import HnswImage
from indexes.index import IndexStats, Match
from indexes.parameters import HnswParameters
from indexes.rebuilding import Discard, Upsert
from indexes.searching import Search
from indexes.succession import Succession
from indexes.unit_vectors import unit_queries, unit_vector
from streams.errors import SnapshotCorrupt


def unheard(reason: str) -> None:
    """Take an alarm and do nothing; `IndexStats.rebuild_failures` counts it all the same."""


class HnswGraph:
    """hnswlib behind the `Graph` protocol; always one thread, or searches would fight for cores."""

    def __init__(self, index: hnswlib.Index, *, ef: int) -> None:
        index.set_ef(ef)  # load_index resets it to 10
        index.set_num_threads(1)
        self._index = index

    @classmethod
    def create(cls, dim: int, capacity: int, parameters: HnswParameters) -> "HnswGraph":
        """An empty graph with room for `capacity` labels."""
        index = hnswlib.Index("cosine", dim)
        index.init_index(
            capacity, M=parameters.m, ef_construction=parameters.ef_construction, random_seed=100
        )
        return cls(index, ef=parameters.ef)

    @classmethod
    def load(cls, path: Path, *, dim: int, capacity: int, size: int, ef: int) -> "HnswGraph":
        """
        The graph that `write` wrote; a file that was altered since may crash the process.

        Raises:
            SnapshotCorrupt: hnswlib refuses it, or it does not hold `size` labels.
        """
        index = hnswlib.Index("cosine", dim)
        try:
            index.load_index(str(path), max_elements=capacity)
        except RuntimeError as exc:
            raise SnapshotCorrupt(f"{path}: {exc}") from exc
        if index.element_count != size:
            raise SnapshotCorrupt(f"{path}: {index.element_count} labels, expected {size}")
        return cls(index, ef=ef)

    def add(self, rows: NDArray[np.float32], labels: Labels) -> None:
        """See `Graph.add`."""
        self._index.add_items(rows, labels, num_threads=1)

    def hide(self, label: int) -> None:
        """See `Graph.hide`."""
        self._index.mark_deleted(label)

    def search(self, queries: NDArray[np.float32], k: int) -> Hits | None:
        """See `Graph.search`."""
        try:
            labels, distances = self._index.knn_query(queries, k, num_threads=1)
        except RuntimeError:  # "Cannot return the results in a contiguous 2D array"
            return None
        return labels.astype(np.intp), 1 - distances

    def write(self, path: str) -> None:
        """See `Graph.write`."""
        expected = self._index.index_file_size()
        self._index.save_index(path)  # reports no error of the disk
        fsync(Path(path))
        written = os.path.getsize(path)
        if written != expected:
            name = os.path.basename(path)
            raise OSError(errno.ENOSPC, f"{name}: {written} of {expected} bytes written")


NewGraph: TypeAlias = Callable[[int, int, HnswParameters], Graph]
"""Makes an empty graph from dim, capacity and parameters."""


class HnswIndex:
    """A `VectorIndex` that searches a graph, and builds the next while this one serves."""

    def __init__(
        self,
        dim: int,
        *,
        parameters: HnswParameters | None = None,
        items: int = 0,
        on_alarm: Callable[[str], None] = unheard,
        new_graph: NewGraph = HnswGraph.create,
        restored: tuple[Generation, int] | None = None,
    ) -> None:
        """
        Make an empty index.

        Args:
            dim: Length of every vector.
            parameters: None for the defaults.
            items: So many are to come, and need no second generation to fit in.
            on_alarm: Told why a rebuild failed, from the thread that builds.
            new_graph: Makes the graph of each generation.
            restored: A generation to begin with and its number, instead of an empty one.
        """
        settings = parameters or HnswParameters()

        def new_generation(capacity: int) -> Generation:
            graph = new_graph(dim, capacity, settings)
            return Generation(graph, dim=dim, capacity=capacity)

        self.dim = dim
        self._parameters = settings
        room = max(settings.capacity, int(settings.growth * items))
        first, number = restored or (new_generation(room), 1)
        self._succession = Succession(
            first,
            number=number,
            parameters=settings,
            on_alarm=on_alarm,
            new_generation=new_generation,
        )

    def upsert(self, item_id: str, vector: NDArray[Any]) -> None:
        """See `VectorIndex.upsert`; about 0.4 ms, more when a full generation must be awaited."""
        self.upsert_many([(item_id, vector)])

    def upsert_many(self, items: Sequence[tuple[str, NDArray[Any]]]) -> None:
        """See `VectorIndex.upsert_many`."""
        changes = [
            Upsert(item_id, unit_vector(item_id, vector, dim=self.dim).astype(np.float16))
            for item_id, vector in items
        ]
        step = self._parameters.adds_per_hold
        for start in range(0, len(changes), step):
            self._succession.make_room()
            self._succession.change(changes[start : start + step])

    def discard(self, item_id: str) -> bool:
        """See `VectorIndex.discard`."""
        if item_id not in self:
            return False
        self._succession.change([Discard(item_id)])
        return True

    def search(
        self,
        queries: NDArray[np.float32],
        *,
        n: int,
        within: Collection[str] | None = None,
    ) -> list[list[Match]]:
        """See `VectorIndex.search`; approximate unless few are eligible or many are wanted."""
        units = unit_queries(queries, dim=self.dim)
        line = self._succession
        search = Search(line.serving, line.lock, self._parameters.exact_share)
        return search.matches(units, n=n, within=within)

    def vectors(self, item_ids: Sequence[str]) -> NDArray[np.float32]:
        """See `VectorIndex.vectors`."""
        generation = self._succession.serving
        return generation.rows(np.array([generation.label_of[i] for i in item_ids], np.intp))

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._succession.serving.label_of

    def __len__(self) -> int:
        return self._succession.serving.live

    def item_ids(self) -> list[str]:
        """See `VectorIndex.item_ids`."""
        with self._succession.lock:
            return list(self._succession.serving.label_of)

    def stats(self) -> IndexStats:
        """Counters as of now."""
        line = self._succession
        return IndexStats(
            live=line.serving.live,
            tombstones=line.serving.tombstones,
            generation=line.number,
            rebuild_seconds=line.rebuild_seconds,
            rebuild_failures=line.failures,
        )

    def settle(self) -> None:
        """Wait for a rebuild that is under way to go live or fail."""
        self._succession.settle()

    def examine(self) -> Finding:
        """See `indexes.images.Snapshottable.examine`."""
        line = self._succession
        return examine(line.serving, parameters=self._parameters, seed=line.number)

    def count_from(self, generation: int, *, seconds: float) -> None:
        """See `indexes.images.Snapshottable.count_from`."""
        with self._succession.lock:
            self._succession.number, self._succession.rebuild_seconds = generation, seconds

    def close(self) -> None:
        """See `VectorIndex.close`."""
        self._succession.close()

    @contextmanager
    def frozen(self) -> Iterator[HnswImage]:
        """See `indexes.images.Snapshottable.frozen`."""
        line = self._succession
        with line.lock:
            yield HnswImage(line.serving, line.number, self._parameters, line.rebuild_seconds)

    @classmethod
    def restore(
        cls,
        folder: Path,
        written: Mapping[str, Any],
        *,
        dim: int,
        parameters: HnswParameters | None = None,
        on_alarm: Callable[[str], None] = unheard,
    ) -> "HnswIndex":
        """
        The index that `HnswImage.write` wrote.

        Args:
            folder: Its files, verified already: hnswlib does not survive altered ones.
            written: What `HnswImage.write` returned.
            dim: Length of every vector.
            parameters: None for those it was written with.
            on_alarm: As for a new index.

        Raises:
            SnapshotCorrupt: The files do not fit together.
        """
        settings = parameters or HnswParameters(**written["parameters"])

        def load(path: Path, size: int, capacity: int) -> Graph:
            return HnswGraph.load(path, dim=dim, size=size, capacity=capacity, ef=settings.ef)

        generation = Generation.restore(folder, written["generation"], dim=dim, load=load)
        restored = (generation, written["number"])
        index = cls(dim, parameters=settings, on_alarm=on_alarm, restored=restored)
        index.count_from(written["number"], seconds=written.get("seconds", 0.0))
        return index
