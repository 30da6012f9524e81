"""A diverse order is a choice of distinct rows: the best first, then the best that is unlike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from slates.diversity import diversify

LAW = settings(max_examples=50, deadline=None, derandomize=True, database=None)
SCORES = st.lists(st.floats(-2, 2), min_size=0, max_size=30)
SHARES = st.floats(0, 1)
COUNTS = st.integers(0, 40)


def rows(count: int, *, seed: int = 1) -> NDArray[np.float32]:
    drawn = np.random.default_rng(seed).standard_normal((count, 4)).astype(np.float32)
    unit: NDArray[np.float32] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


@LAW
@given(scores=SCORES, n=COUNTS, share=SHARES, seed=st.integers(0, 99))
def test_the_result_is_as_many_distinct_rows_as_there_can_be(
    scores: list[float], n: int, share: float, seed: int
) -> None:
    chosen = diversify(np.array(scores), rows(len(scores), seed=seed), n=n, share=share)
    assert len(chosen) == len(set(chosen)) == min(n, len(scores))
    assert set(chosen) <= set(range(len(scores)))


@LAW
@given(scores=SCORES, n=COUNTS)
def test_no_share_for_diversity_is_the_order_of_the_scores(scores: list[float], n: int) -> None:
    chosen = diversify(np.array(scores), rows(len(scores)), n=n, share=0.0)
    assert chosen == np.argsort(-np.array(scores), kind="stable")[:n].tolist()


@LAW
@given(scores=SCORES.filter(len), share=st.floats(0, 0.99))
def test_the_best_comes_first(scores: list[float], share: float) -> None:
    first = diversify(np.array(scores), rows(len(scores)), n=1, share=share)[0]
    assert scores[first] == max(scores)


@LAW
@given(scores=SCORES, n=COUNTS, share=SHARES)
def test_fewer_places_are_the_first_of_more(scores: list[float], n: int, share: float) -> None:
    vectors = rows(len(scores))
    all_of_them = diversify(np.array(scores), vectors, n=len(scores), share=share)
    assert diversify(np.array(scores), vectors, n=n, share=share) == all_of_them[:n]


@LAW
@given(scores=st.lists(st.floats(-2, 2), min_size=2, max_size=12), share=SHARES)
def test_every_choice_is_the_best_by_the_definition(scores: list[float], share: float) -> None:
    """The slow, obviously right version: maximal marginal relevance as published."""
    vectors = rows(len(scores))
    chosen = diversify(np.array(scores), vectors, n=len(scores), share=share)
    for place, row in enumerate(chosen):
        marginal = {
            other: (1 - share) * scores[other]
            - share * max([0.0, *(float(vectors[other] @ vectors[c]) for c in chosen[:place])])
            for other in chosen[place:]
        }
        assert marginal[row] == pytest.approx(max(marginal.values()), abs=1e-6)


def test_a_copy_of_the_best_comes_after_something_else() -> None:
    vectors = np.eye(2, dtype=np.float32)[[0, 0, 1]]
    scores = np.array([1.0, 0.99, 0.5])
    assert diversify(scores, vectors, n=3, share=0.5) == [0, 2, 1]
    assert diversify(scores, vectors, n=3, share=0.0) == [0, 1, 2]


def test_equal_items_keep_their_order() -> None:
    assert diversify(np.ones(4), np.eye(4, dtype=np.float32), n=4, share=0.5) == [0, 1, 2, 3]


def test_nothing_to_choose_from_is_no_error() -> None:
    assert diversify(np.zeros(0), np.zeros((0, 0), np.float32), n=5, share=0.5) == []
