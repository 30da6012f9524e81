"""
The contract of `VectorIndex`, as tests that every implementation inherits.

    class TestMyIndex(VectorIndexContract):
        def new_index(self, *, dim: int) -> VectorIndex:
            return MyIndex(dim)

Small enough for a full suite in a second or two, large enough that a graph is searched as one.
"""
# ruff: noqa: D102 -- the name of a test is the sentence it proves

from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from indexes.exact import ExactIndex
from indexes.index import Match, VectorIndex
from streams.errors import MalformedVector

DIM = 32
COUNT = 400
"""Items in a filled index: searches for 10 are far from the share that is answered exactly."""


def draw_vectors(count: int, *, dim: int, seed: int, latent: int = 8) -> NDArray[np.float32]:
    """
    Unit vectors, (count, dim), the same for the same arguments.

    They lie near a space of `latent` dimensions, as those of texts do: neighbours among vectors
    drawn freely are all but equally far, and no approximate index finds them.

    >>> np.allclose(np.linalg.norm(draw_vectors(3, dim=16, seed=1), axis=1), 1)
    True
    """
    mixing = np.random.default_rng(dim).standard_normal((latent, dim))
    rows = np.random.default_rng(seed).standard_normal((count, latent)) @ mixing
    unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("f4")
    return unit


def named(rows: NDArray[np.float32]) -> list[tuple[str, NDArray[np.float32]]]:
    """Rows under the ids ``item-0``, ``item-1`` …"""
    return [(f"item-{number}", row) for number, row in enumerate(rows)]


def ids(found: Iterable[Match]) -> list[str]:
    """Just the ids."""
    return [match.item_id for match in found]


def recall(index: VectorIndex, oracle: VectorIndex, queries: NDArray[np.float32], n: int) -> float:
    """Share of the oracle's matches that the index finds too."""
    pairs = zip(index.search(queries, n=n), oracle.search(queries, n=n), strict=True)
    return float(np.mean([len({*ids(a)} & {*ids(b)}) / max(1, len(b)) for a, b in pairs]))


class VectorIndexContract:
    """Inherit, say how to make an index, and name the class ``Test…``."""

    def new_index(self, *, dim: int) -> VectorIndex:
        """An empty index."""
        raise NotImplementedError

    @pytest.fixture
    def index(self) -> Iterator[VectorIndex]:
        """An empty index of dimension `DIM`."""
        index = self.new_index(dim=DIM)
        yield index
        index.close()

    @pytest.fixture
    def rows(self) -> NDArray[np.float32]:
        """Vectors for `COUNT` items."""
        return draw_vectors(COUNT, dim=DIM, seed=1)

    @pytest.fixture
    def filled(self, index: VectorIndex, rows: NDArray[np.float32]) -> VectorIndex:
        """An index with ``item-0`` … at `rows`."""
        index.upsert_many(named(rows))
        return index

    # What goes in

    def test_an_upserted_item_is_found_by_its_own_vector(
        self, filled: VectorIndex, rows: NDArray[np.float32]
    ) -> None:
        for number, found in enumerate(filled.search(rows[:50], n=1)):
            assert ids(found) == [f"item-{number}"]
            assert found[0].similarity == pytest.approx(1, abs=2e-3)

    def test_the_length_of_a_vector_does_not_matter(self, index: VectorIndex) -> None:
        row = draw_vectors(1, dim=DIM, seed=2)[0]
        index.upsert("long", row * 1000)
        assert np.allclose(index.vectors(["long"])[0], row, atol=1e-3)
        assert index.search(-7 * row[np.newaxis], n=1)[0][0].similarity == pytest.approx(
            -1, abs=2e-3
        )

    def test_the_callers_array_is_copied(self, index: VectorIndex) -> None:
        row = draw_vectors(1, dim=DIM, seed=2)[0]
        index.upsert("dune", row)
        row[:] = 0
        assert np.linalg.norm(index.vectors(["dune"])[0]) == pytest.approx(1, abs=1e-5)

    def test_half_and_double_precision_are_taken(self, index: VectorIndex) -> None:
        row = draw_vectors(1, dim=DIM, seed=2)[0]
        index.upsert_many([("half", row.astype(np.float16)), ("double", row.astype(np.float64))])
        assert np.allclose(index.vectors(["half", "double"]), row, atol=1e-3)

    def test_an_upsert_replaces_the_former_vector(
        self, filled: VectorIndex, rows: NDArray[np.float32]
    ) -> None:
        filled.upsert("item-3", -rows[3])
        assert len(filled) == COUNT
        assert ids(filled.search(-rows[3:4], n=1)[0]) == ["item-3"]
        assert "item-3" not in ids(filled.search(rows[3:4], n=10)[0])

    def test_of_repeated_ids_in_a_batch_the_last_wins(
        self, index: VectorIndex, rows: NDArray[np.float32]
    ) -> None:
        index.upsert_many([("a", rows[0]), ("b", rows[1]), ("a", rows[2])])
        assert len(index) == 2
        assert np.allclose(index.vectors(["a"])[0], rows[2], atol=1e-3)

    @pytest.mark.parametrize(
        "vector",
        [
            np.ones(DIM + 1),
            np.ones((1, DIM)),
            np.full(DIM, np.nan),
            np.full(DIM, np.inf),
            np.zeros(DIM),
            np.full(DIM, 1e-12),
            np.array(["x"] * DIM),
        ],
        ids=["long", "nested", "nan", "inf", "zero", "tiny", "text"],
    )
    def test_a_malformed_vector_is_refused_and_changes_nothing(
        self, index: VectorIndex, vector: NDArray[np.float64]
    ) -> None:
        good = draw_vectors(1, dim=DIM, seed=2)[0]
        index.upsert("dune", good)
        with pytest.raises(MalformedVector, match="'dune'"):
            index.upsert_many([("solaris", good), ("dune", vector)])
        assert index.item_ids() == ["dune"]
        assert np.allclose(index.vectors(["dune"])[0], good, atol=1e-3)

    def test_the_refusal_names_the_shape_and_the_expectation(self, index: VectorIndex) -> None:
        with pytest.raises(MalformedVector) as refusal:
            index.upsert("dune", np.ones(3))
        assert str(refusal.value) == f"'dune': (3,), expected ({DIM},)"

    # What goes out

    def test_a_discarded_item_is_not_found(
        self, filled: VectorIndex, rows: NDArray[np.float32]
    ) -> None:
        assert filled.discard("item-3") is True
        assert "item-3" not in filled
        assert len(filled) == COUNT - 1
        assert "item-3" not in ids(filled.search(rows[3:4], n=COUNT)[0])

    def test_discarding_again_changes_nothing_and_says_so(self, filled: VectorIndex) -> None:
        filled.discard("item-3")
        assert filled.discard("item-3") is False
        assert filled.discard("never there") is False
        assert len(filled) == COUNT - 1

    def test_a_discarded_item_can_come_back(
        self, filled: VectorIndex, rows: NDArray[np.float32]
    ) -> None:
        filled.discard("item-3")
        filled.upsert("item-3", rows[3])
        assert ids(filled.search(rows[3:4], n=1)[0]) == ["item-3"]

    # What is found

    def test_matches_come_best_first(self, filled: VectorIndex, rows: NDArray[np.float32]) -> None:
        for found in filled.search(rows[:20], n=30):
            scores = [match.similarity for match in found]
            assert scores == sorted(scores, reverse=True)
            assert all(-1 <= score <= 1 for score in scores)

    def test_similarity_is_the_cosine_of_query_and_item(self, filled: VectorIndex) -> None:
        query = draw_vectors(1, dim=DIM, seed=3)
        for match in filled.search(5 * query, n=20)[0]:
            true = float(filled.vectors([match.item_id])[0] @ query[0])
            assert match.similarity == pytest.approx(true, abs=2e-3)

    def test_few_of_the_oracles_matches_are_missed(
        self, filled: VectorIndex, rows: NDArray[np.float32]
    ) -> None:
        oracle = ExactIndex(DIM)
        oracle.upsert_many(named(rows))
        assert recall(filled, oracle, draw_vectors(50, dim=DIM, seed=4), 10) >= 0.98

    @pytest.mark.parametrize("n", [COUNT - 1, COUNT, COUNT + 1, 10 * COUNT])
    def test_more_matches_than_items_cannot_be_had(
        self, filled: VectorIndex, rows: NDArray[np.float32], n: int
    ) -> None:
        found = filled.search(rows[:2], n=n)
        assert [len({*ids(one)}) for one in found] == [min(n, COUNT)] * 2

    def test_an_empty_index_finds_nothing(
        self, index: VectorIndex, rows: NDArray[np.float32]
    ) -> None:
        assert index.search(rows[:2], n=5) == [[], []]

    def test_no_queries_and_no_matches_wanted_are_no_error(
        self, filled: VectorIndex, rows: NDArray[np.float32]
    ) -> None:
        assert filled.search(rows[:0], n=5) == []
        assert filled.search(rows[:2], n=0) == [[], []]

    @pytest.mark.parametrize(
        "queries",
        [np.ones(DIM), np.ones((2, DIM - 1)), np.full((1, DIM), np.nan), np.zeros((1, DIM))],
        ids=["flat", "short", "nan", "zero"],
    )
    def test_a_malformed_query_is_refused(
        self, filled: VectorIndex, queries: NDArray[np.float32]
    ) -> None:
        with pytest.raises(MalformedVector):
            filled.search(queries, n=1)

    # Pre-selection

    @pytest.mark.parametrize("eligible", [1, 5, 40, 200, 350, COUNT])
    def test_only_eligible_items_are_found_however_many(
        self, filled: VectorIndex, rows: NDArray[np.float32], eligible: int
    ) -> None:
        chosen = [f"item-{number}" for number in range(0, COUNT, COUNT // eligible)][:eligible]
        for found in filled.search(rows[:5], n=20, within=chosen):
            assert len({*ids(found)}) == min(20, eligible)
            assert {*ids(found)} <= set(chosen)

    def test_a_selection_far_from_the_query_is_found_in_full(
        self, filled: VectorIndex, rows: NDArray[np.float32]
    ) -> None:
        far = ids(filled.search(-rows[:1], n=COUNT)[0])[: COUNT // 2]
        found = ids(filled.search(rows[:1], n=20, within=frozenset(far))[0])
        assert len({*found}) == 20
        assert {*found} <= {*far}

    def test_unknown_discarded_and_repeated_ids_in_a_selection_are_ignored(
        self, filled: VectorIndex, rows: NDArray[np.float32]
    ) -> None:
        filled.discard("item-9")
        within = ["nobody", "item-4", "item-9", "item-4"]
        assert ids(filled.search(rows[:1], n=5, within=within)[0]) == ["item-4"]

    def test_an_empty_selection_finds_nothing(
        self, filled: VectorIndex, rows: NDArray[np.float32]
    ) -> None:
        assert filled.search(rows[:1], n=5, within=[]) == [[]]

    # What it says of itself

    def test_vectors_come_in_the_order_asked_for(
        self, filled: VectorIndex, rows: NDArray[np.float32]
    ) -> None:
        found = filled.vectors(["item-7", "item-2", "item-7"])
        assert found.dtype == np.float32
        assert np.allclose(found, rows[[7, 2, 7]], atol=1e-3)
        assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
        assert filled.vectors([]).shape == (0, DIM)

    def test_the_vector_of_an_unknown_item_is_a_key_error(self, filled: VectorIndex) -> None:
        with pytest.raises(KeyError, match="nobody"):
            filled.vectors(["item-1", "nobody"])

    def test_returned_vectors_are_the_callers_own(self, filled: VectorIndex) -> None:
        before = filled.vectors(["item-1"])
        filled.vectors(["item-1"])[:] = 0
        assert np.array_equal(filled.vectors(["item-1"]), before)

    def test_it_knows_what_it_holds(self, filled: VectorIndex) -> None:
        filled.discard("item-0")
        assert filled.dim == DIM
        assert len(filled) == filled.stats().live == COUNT - 1
        assert sorted(filled.item_ids()) == sorted(f"item-{n}" for n in range(1, COUNT))
        assert "item-1" in filled
        assert 1 not in filled

    def test_closing_twice_is_no_error_and_leaves_it_readable(
        self, filled: VectorIndex, rows: NDArray[np.float32]
    ) -> None:
        filled.close()
        filled.close()
        assert ids(filled.search(rows[:1], n=1)[0]) == ["item-0"]
