"""
One generation of an approximate index: a graph, the vectors behind it and the names of both.

Labels count up from 0 and are never used twice, rows are only ever appended: so a label that a
search brings home means the same item later, and rows may be read without a lock.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexes.files import read_array, read_json, write_array, write_json
from indexes.nearest import best, similarities, widen

Labels: TypeAlias = NDArray[np.intp]

Hits: TypeAlias = tuple[Labels, NDArray[np.float32]]
"""Labels and similarities, both (q, k), best first."""


class Graph(Protocol):
    """
    Approximate neighbours among numbered unit vectors.

    Not safe against threads: no two calls at the same time, searches included.
    """

    def add(self, rows: NDArray[np.float32], labels: Labels) -> None:
        """
        Add rows, (k, dim), under labels never used before.

        Raises:
            RuntimeError: The graph is full.
            MemoryError: There is no memory for it.
        """

    def hide(self, label: int) -> None:
        """Make a label a tombstone: still walked through, never found again."""

    def search(self, queries: NDArray[np.float32], k: int) -> Hits | None:
        """The k nearest of each query; None when tombstones leave fewer than k within reach."""

    def write(self, path: str) -> None:
        """
        Write the graph to a file.

        Raises:
            OSError: The file does not have the size that it should have.
        """


LoadGraph: TypeAlias = Callable[[Path, int, int], Graph]
"""Reads a graph: path, labels in it, labels it shall have room for; raises `SnapshotCorrupt`."""


class Generation:
    """
    Items by label; the caller holds the lock for whatever is not said to do without.

    A fresh label for every upsert makes the former one a tombstone, so a generation fills up even
    when the catalogue does not grow, and must be followed by the next.
    """

    def __init__(self, graph: Graph, *, dim: int, capacity: int) -> None:
        self.graph = graph
        self.dim = dim
        self.capacity = capacity
        """Labels there is room for; never changed, resizing hnswlib under a search is a crash."""
        self.vectors = np.empty((capacity, dim), np.float16)
        """Unit vectors by label; f16 loses nothing that counts (overlap@10 .9999)."""
        self.ids: list[str] = []
        """Item id by label, kept when the label becomes a tombstone."""
        self.label_of: dict[str, int] = {}
        """The live label of each item."""
        self.alive = np.zeros(capacity, np.bool_)
        """By label: False for tombstones and for labels not yet given out."""
        self.trusted = True
        """False when the canary found fault and there was no other choice: answer exactly."""

    @property
    def live(self) -> int:
        """Items that can be found."""
        return len(self.label_of)

    @property
    def tombstones(self) -> int:
        """Labels given out and dead."""
        return len(self.ids) - len(self.label_of)

    @property
    def room(self) -> int:
        """Labels left to give out."""
        return self.capacity - len(self.ids)

    def add(self, ids: Sequence[str], rows: NDArray[np.float16]) -> None:
        """
        Upsert items, rows (k, dim): the new labels are in the graph before the old ones are hidden.

        Raises:
            RuntimeError: Less than k labels of room.
        """
        first = len(self.ids)
        labels = np.arange(first, first + len(ids))
        self.graph.add(widen(rows), labels)
        self.vectors[first : first + len(ids)] = rows
        self.ids.extend(ids)
        for label, item_id in enumerate(ids, start=first):
            former = self.label_of.get(item_id)
            self.label_of[item_id] = label
            self.alive[label] = True
            if former is not None:
                self._hide(former)

    def discard(self, item_id: str) -> bool:
        """Make the item's label a tombstone; False when there is no such item."""
        label = self.label_of.pop(item_id, None)
        if label is None:
            return False
        self._hide(label)
        return True

    def live_labels(self) -> Labels:
        """Labels of all live items, ascending."""
        return np.flatnonzero(self.alive[: len(self.ids)])

    def labels_among(self, item_ids: Iterable[str]) -> Labels:
        """Live labels of those ids that are known, ascending, each once; needs no lock."""
        found = (self.label_of.get(item_id) for item_id in item_ids)
        return np.unique(np.array([label for label in found if label is not None], np.intp))

    def exact(self, queries: NDArray[np.float32], n: int, *, among: Labels) -> Hits:
        """The n most similar of the given labels, by comparing all; needs no lock."""
        scores = similarities(self.vectors, queries, chosen=among)
        columns = best(scores, n)
        return among[columns], np.take_along_axis(scores, columns, axis=1)

    def rows(self, labels: Labels) -> NDArray[np.float32]:
        """Unit vectors, (k, dim), once more scaled to length one after f16; needs no lock."""
        wide = widen(self.vectors[labels])
        wide /= np.sqrt(np.einsum("ij,ij->i", wide, wide))[:, None]
        return wide

    def write(self, folder: Path) -> dict[str, Any]:
        """
        Write ``graph.bin``, ``vectors.npy`` and ``ids.json``, where null is a tombstone.

        Returns:
            What `restore` needs besides.

        Raises:
            OSError: The disk is full or the folder is not writable.
        """
        used = len(self.ids)
        self.graph.write(str(folder / "graph.bin"))
        write_array(folder / "vectors.npy", self.vectors[:used])
        alive = self.alive[:used].tolist()
        ids = [item_id if live else None for item_id, live in zip(self.ids, alive, strict=True)]
        write_json(folder / "ids.json", ids)
        return {"capacity": self.capacity, "labels": used, "trusted": self.trusted}

    @classmethod
    def restore(
        cls, folder: Path, written: Mapping[str, Any], *, dim: int, load: LoadGraph
    ) -> "Generation":
        """
        The generation that `write` wrote.

        Args:
            folder: Its files, verified already.
            written: What `write` returned.
            dim: Length of every vector.
            load: Reads a graph from a file, given the labels in it and those it has room for.

        Raises:
            SnapshotCorrupt: The files do not fit together.
        """
        used, capacity = written["labels"], written["capacity"]
        rows = read_array(folder / "vectors.npy", shape=(used, dim), dtype=np.float16)
        ids = read_json(folder / "ids.json")
        graph = load(folder / "graph.bin", used, capacity)
        generation = cls(graph, dim=dim, capacity=capacity)
        generation.vectors[:used] = rows
        generation.ids = [item_id or "" for item_id in ids]
        generation.label_of = {i: label for label, i in enumerate(ids) if i is not None}
        generation.alive[list(generation.label_of.values())] = True
        generation.trusted = written["trusted"]
        return generation

    def _hide(self, label: int) -> None:
        self.alive[label] = False
        self.graph.hide(label)
