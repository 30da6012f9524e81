"""Law: after any history of changes, rebuilds and restarts an index equals the oracle."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.exact import ExactIndex
from indexes.images import Snapshottable
from indexes.items import HnswIndex
from indexes.parameters import HnswParameters
from indexes.snapshots import load, save
from indexes.testing import draw_vectors, ids
from tests.support.laws import law

DIM = 8
POOL = draw_vectors(40, dim=DIM, seed=1)
QUERIES = draw_vectors(3, dim=DIM, seed=2)
BUSY = HnswParameters(capacity=16, min_tombstones=3, exact_share=0.5)
"""Rebuilds every few changes, and uses the graph even for so few items."""

NAMES = st.integers(0, 24).map(lambda number: f"item-{number}")
ROWS = st.integers(0, len(POOL) - 1)
CHANGE = st.one_of(
    st.tuples(st.just("upsert"), st.lists(st.tuples(NAMES, ROWS), min_size=1, max_size=12)),
    st.tuples(st.just("discard"), NAMES),
    st.tuples(st.sampled_from(["settle", "restart"]), st.none()),
)

ENGINES: dict[str, Callable[[], Snapshottable]] = {
    "exact": lambda: ExactIndex(DIM),
    "hnsw": lambda: HnswIndex(DIM, parameters=BUSY),
}


def restart(index: Snapshottable, directory: Path) -> Snapshottable:
    save(directory, index=index, offsets={}, facts=b"", fingerprint="x")
    index.close()
    snapshot = load(directory, dim=DIM, fingerprint="x")
    assert snapshot is not None
    return snapshot.index


def step(index: Snapshottable, change: tuple[str, object], directory: Path) -> Snapshottable:
    match change:
        case "upsert", list(items):
            index.upsert_many([(name, POOL[row]) for name, row in items])
        case "discard", str(name):
            index.discard(name)
        case "settle", _ if isinstance(index, HnswIndex):
            index.settle()
        case "restart", _:
            return restart(index, directory)
    return index


@pytest.mark.parametrize("engine", ENGINES)
@law(50)
@given(history=st.lists(CHANGE, max_size=25))
def test_any_history_leaves_what_the_oracle_has(
    engine: str, history: list[tuple[str, object]]
) -> None:
    index, truth = ENGINES[engine](), dict[str, int]()
    with TemporaryDirectory() as directory:
        for change in history:
            index = step(index, change, Path(directory))
            match change:
                case "upsert", list(items):
                    truth.update(items)
                case "discard", str(name):
                    truth.pop(name, None)
            compare(index, truth)
    index.close()


def compare(index: Snapshottable, truth: dict[str, int]) -> None:
    oracle = ExactIndex(DIM)
    oracle.upsert_many([(name, POOL[row]) for name, row in truth.items()])
    assert sorted(index.item_ids()) == sorted(truth)
    assert np.allclose(index.vectors(list(truth)), oracle.vectors(list(truth)), atol=1e-3)
    for n in (1, 3, len(truth), len(truth) + 5):
        pairs = zip(index.search(QUERIES, n=n), oracle.search(QUERIES, n=n), strict=True)
        for found, expected in pairs:
            assert len({*ids(found)}) == len(found) == len(expected)
            assert np.allclose(
                [match.similarity for match in found],
                [match.similarity for match in expected],
                atol=2e-3,
            )
            if n >= len(truth):
                assert {*ids(found)} == set(truth)
