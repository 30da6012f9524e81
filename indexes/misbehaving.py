"""
Graphs and indexes that misbehave on purpose, for tests of whatever depends on them.

Each does one thing wrong that hnswlib, a disk or a kernel has been seen to do.
"""
# ruff: noqa: D102, ARG002 -- the methods are those of the protocols

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexes.exact import ExactIndex
from indexes.generations import Hits, Labels
from indexes.images import Image
from indexes.items import HnswGraph, HnswIndex
from indexes.parameters import HnswParameters


class WatchedGraph:
    """hnswlib, with a witness for overlapping calls and for the size of each add."""

    def __init__(self, dim: int, capacity: int, parameters: HnswParameters) -> None:
        self.graph = HnswGraph.create(dim, capacity, parameters)
        self.adds: list[int] = []
        self.overlaps = 0
        self._inside = threading.Lock()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        free = self._inside.acquire(blocking=False)
        self.overlaps += not free
        try:
            yield
        finally:
            if free:
                self._inside.release()

    def add(self, rows: NDArray[np.float32], labels: Labels) -> None:
        with self._alone():
            self.adds.append(len(rows))
            self.graph.add(rows, labels)

    def hide(self, label: int) -> None:
        with self._alone():
            self.graph.hide(label)

    def search(self, queries: NDArray[np.float32], k: int) -> Hits | None:
        with self._alone():
            return self.graph.search(queries, k)

    def write(self, path: str) -> None:
        with self._alone():
            self.graph.write(path)


class ShortGraph(WatchedGraph):
    """Never finds as many as asked for."""

    def search(self, queries: NDArray[np.float32], k: int) -> Hits | None:
        return None


class ConfusedGraph(WatchedGraph):
    """Finds, but takes every item for its neighbour."""

    def search(self, queries: NDArray[np.float32], k: int) -> Hits | None:
        hits = self.graph.search(queries, k)
        return None if hits is None else (np.roll(hits[0], 1, axis=0), hits[1])


class BoastfulGraph(WatchedGraph):
    """Finds the right items, and overstates how similar they are."""

    def search(self, queries: NDArray[np.float32], k: int) -> Hits | None:
        hits = self.graph.search(queries, k)
        return None if hits is None else (hits[0], hits[1] + np.float32(0.01))


class GhostGraph(WatchedGraph):
    """Forgets to hide."""

    def hide(self, label: int) -> None:
        pass


class StarvedGraph(WatchedGraph):
    """Has no memory for a single vector."""

    def add(self, rows: NDArray[np.float32], labels: Labels) -> None:
        raise MemoryError("std::bad_alloc")


class GatedGraph(WatchedGraph):
    """Waits at its first add until the gate is opened."""

    def __init__(self, dim: int, capacity: int, parameters: HnswParameters) -> None:
        super().__init__(dim, capacity, parameters)
        self.reached = threading.Event()
        self.gate = threading.Event()

    def add(self, rows: NDArray[np.float32], labels: Labels) -> None:
        self.reached.set()
        assert self.gate.wait(10)
        super().add(rows, labels)


class Line:
    """An index whose generations have graphs of the kinds given, the last kind for all further."""

    def __init__(self, dim: int, *kinds: type[WatchedGraph], parameters: HnswParameters) -> None:
        self.graphs: list[WatchedGraph] = []
        self.alarms: list[str] = []
        self._kinds = kinds
        self.index = HnswIndex(
            dim, parameters=parameters, on_alarm=self.alarms.append, new_graph=self._next
        )

    def _next(self, dim: int, capacity: int, parameters: HnswParameters) -> WatchedGraph:
        kind = self._kinds[min(len(self.graphs), len(self._kinds) - 1)]
        self.graphs.append(kind(dim, capacity, parameters))
        return self.graphs[-1]


@dataclass(frozen=True)
class _MeddledImage:
    image: Image
    meddle: Callable[[], None]

    @property
    def kind(self) -> str:
        return self.image.kind

    @property
    def dim(self) -> int:
        return self.image.dim

    def write(self, folder: Path) -> dict[str, Any]:
        written = self.image.write(folder)
        self.meddle()
        return written


class Meddled(ExactIndex):
    """Something happens in the middle of writing it: an error, a signal, a long wait."""

    def __init__(self, dim: int, *, meddle: Callable[[], None]) -> None:
        super().__init__(dim)
        self._meddle = meddle

    @contextmanager
    def frozen(self) -> Iterator[Image]:
        with super().frozen() as image:
            yield _MeddledImage(image, self._meddle)
