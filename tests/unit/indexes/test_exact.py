"""The oracle, held to the contract."""

import numpy as np

from indexes.exact import FIRST_CAPACITY, ExactIndex
from indexes.index import VectorIndex
from indexes.testing import VectorIndexContract, draw_vectors, ids, named


class TestExactIndex(VectorIndexContract):
    def new_index(self, *, dim: int) -> VectorIndex:
        return ExactIndex(dim)


def test_it_finds_what_sorting_all_cosines_finds() -> None:
    rows, queries = draw_vectors(300, dim=16, seed=1), draw_vectors(7, dim=16, seed=2)
    index = ExactIndex(16)
    index.upsert_many(named(rows))
    order = np.argsort(-(queries @ rows.T), axis=1)[:, :25]
    for found, expected in zip(index.search(queries, n=25), order, strict=True):
        assert ids(found) == [f"item-{number}" for number in expected]


def test_growing_beyond_the_first_matrix_loses_no_row() -> None:
    rows = draw_vectors(FIRST_CAPACITY + 1, dim=8, seed=1)
    index = ExactIndex(8)
    index.upsert_many(named(rows))
    assert np.allclose(index.vectors([name for name, _ in named(rows)]), rows, atol=1e-6)


def test_the_row_of_a_discarded_item_goes_to_the_next_newcomer() -> None:
    index = ExactIndex(8)
    index.upsert_many(named(draw_vectors(FIRST_CAPACITY, dim=8, seed=1)))
    newcomer = draw_vectors(1, dim=8, seed=5)[0]
    index.discard("item-5")
    index.upsert("newcomer", newcomer)
    assert ids(index.search(newcomer[np.newaxis], n=1)[0]) == ["newcomer"]
    assert np.allclose(index.vectors(["item-6"])[0], draw_vectors(7, dim=8, seed=1)[6], atol=1e-1)
    assert len(index) == FIRST_CAPACITY


def test_there_are_never_tombstones() -> None:
    index = ExactIndex(8)
    index.upsert_many(named(draw_vectors(50, dim=8, seed=1)))
    for number in range(40):
        index.discard(f"item-{number}")
    assert index.stats().tombstones == 0
