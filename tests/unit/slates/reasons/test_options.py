"""Strengths of different kinds can be compared."""

import pytest

from slates.reasons.options import STARS, option


@pytest.mark.parametrize("weight", [-1.0, 0.0, 0.5, 1.0, 7.0])
def test_no_reason_is_stronger_than_its_kind_at_its_best(weight: float) -> None:
    assert 0 <= option("new", "", {}, weight=weight).strength <= STARS["new"]


def test_exploring_is_what_is_said_last() -> None:
    assert option("explore", "", {}, weight=1.0).strength == 0
