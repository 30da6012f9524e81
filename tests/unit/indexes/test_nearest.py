"""Exact search over arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from indexes.nearest import best, similarities, widen
from indexes.testing import draw_vectors


def test_every_finite_half_is_widened_to_the_same_number() -> None:
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)]
    assert np.array_equal(widen(finite), finite.astype(np.float32))


@pytest.mark.parametrize("q", [1, 2, 5, 8, 9])
@pytest.mark.parametrize("k", [0, 1, 255, 256, 700])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_blocks_and_padding_do_not_show(q: int, k: int, dtype: type) -> None:
    rows = draw_vectors(k, dim=12, seed=1).astype(dtype)
    queries = draw_vectors(q, dim=12, seed=2)
    whole = queries @ rows.astype(np.float32).T
    assert np.allclose(similarities(rows, queries), whole, atol=1e-5)
    chosen = np.arange(0, k, 2)[::-1]
    assert np.allclose(similarities(rows, queries, chosen=chosen), whole[:, chosen], atol=1e-5)


@given(
    arrays(
        np.float32, st.tuples(st.integers(1, 3), st.integers(0, 30)), elements=st.integers(0, 9)
    ),
    st.integers(0, 40),
)
def test_the_best_are_those_that_sorting_puts_first(scores: np.ndarray, n: int) -> None:
    found = np.take_along_axis(scores, best(scores, n), axis=1)
    assert np.array_equal(found, -np.sort(-scores, axis=1)[:, :n])
