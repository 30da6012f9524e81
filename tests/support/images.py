"""Filled indexes, written and read."""

from collections.abc import Callable
from pathlib import Path

import pytest

from indexes.exact import ExactIndex
from indexes.images import Snapshottable
from indexes.items import HnswIndex
from indexes.parameters import HnswParameters
from indexes.snapshots import Snapshot, load, save
from indexes.testing import draw_vectors, named

DIM = 16

ROWS = draw_vectors(200, dim=DIM, seed=1)

SMALL = HnswParameters(capacity=1000, min_tombstones=20)


def exact() -> Snapshottable:
    return ExactIndex(DIM)


def hnsw() -> Snapshottable:
    return HnswIndex(DIM, parameters=SMALL)


both = pytest.mark.parametrize("new_index", [exact, hnsw])


def filled(new_index: Callable[[], Snapshottable]) -> Snapshottable:
    """200 items, of which every tenth was replaced and two are gone."""
    index = new_index()
    index.upsert_many(named(ROWS))
    index.upsert_many([(f"item-{number}", -ROWS[number]) for number in range(0, 200, 10)])
    index.discard("item-5")
    index.discard("item-6")
    return index


def write(directory: Path, index: Snapshottable, *, offset: int = 7) -> None:
    save(
        directory,
        index=index,
        offsets={"item-vectors-0": offset, "item-vectors-1": 0},
        facts=b"trends\x00\xff",
        fingerprint="minilm",
    )


def read(directory: Path) -> Snapshot | None:
    return load(directory, dim=DIM, fingerprint="minilm")


def must_read(directory: Path) -> Snapshot:
    snapshot = read(directory)
    assert snapshot is not None
    return snapshot
