"""What may become a vector of the index."""

import numpy as np
import pytest

from indexes.unit_vectors import unit_queries, unit_vector
from streams.errors import MalformedVector


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e30, 1e150])
def test_any_length_that_has_a_direction_becomes_one(scale: float) -> None:
    unit = unit_vector("dune", np.array([3.0, 4.0]) * scale, dim=2)
    assert np.allclose(unit, [0.6, 0.8])
    assert unit.dtype == np.float32


def test_a_half_precision_vector_whose_square_overflows_is_taken() -> None:
    assert np.allclose(unit_vector("dune", np.full(4, 6e4, np.float16), dim=4), 0.5)


def test_a_length_beyond_all_numbers_is_refused() -> None:
    with pytest.raises(MalformedVector, match="'dune': NaN or infinity"):
        unit_vector("dune", np.array([1e300, 1e300]), dim=2)


@pytest.mark.parametrize("dtype", [np.complex128, np.bytes_, object])
def test_what_is_not_real_is_refused(dtype: type) -> None:
    with pytest.raises(MalformedVector, match="expected real numbers"):
        unit_vector("dune", np.ones(2).astype(dtype), dim=2)


def test_one_bad_query_spoils_the_batch() -> None:
    queries = np.ones((3, 2), np.float32)
    queries[1, 0] = np.nan
    with pytest.raises(MalformedVector, match="queries: NaN"):
        unit_queries(queries, dim=2)
