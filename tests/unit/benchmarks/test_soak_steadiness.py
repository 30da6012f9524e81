"""Straight lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.soak.steadiness import common_slope, slope, stretches


@given(st.floats(-100, 100), st.floats(-1e6, 1e6), st.floats(-1e4, 1e4))
def test_a_straight_line_has_its_own_slope(growth: float, level: float, since: float) -> None:
    line = [(since + 10.0 * n, level + growth * 10.0 * n) for n in range(20)]
    assert slope(line) == pytest.approx(growth, abs=1e-6)


def test_noise_around_a_level_is_no_growth() -> None:
    assert slope([(float(n), 500.0 + (-1) ** n) for n in range(101)]) == pytest.approx(0, abs=1e-3)


def test_stretches_at_other_levels_share_a_slope() -> None:
    first = [(float(t), 100.0 + 0.5 * t) for t in range(10)]
    second = [(float(t), 900.0 + 0.5 * t) for t in range(100, 130)]
    assert common_slope([first, second]) == pytest.approx(0.5)


def test_a_longer_stretch_weighs_more() -> None:
    flat = [(float(t), 1.0) for t in range(100)]
    steep = [(float(t), float(t)) for t in range(10)]
    assert 0 < common_slope([flat, steep]) < 0.01


@pytest.mark.parametrize("found", [[], [[]], [[(5.0, 1.0)]], [[(5.0, 1.0)], [(9.0, 2.0)]]])
def test_of_too_few_points_nothing_grows(found: list[list[tuple[float, float]]]) -> None:
    assert common_slope(found) == 0.0


def test_points_of_the_warm_up_and_of_the_outage_are_left_out() -> None:
    points = [(float(t), float(t)) for t in range(0, 60, 10)]
    found = stretches(points, starts=[0.0, 40.0], ends=[30.0, 60.0], leave_out=10.0)
    assert found == [[(10.0, 10.0), (20.0, 20.0)], [(50.0, 50.0)]]
