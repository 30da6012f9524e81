"""A machine that is slowed down now and then is found out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.evenness import measure


def clock_of(slow: range) -> Callable[[], float]:
    """Every look comes 1 ms after the one before, 5 ms in some of them."""
    now, looks = 0.0, 0

    def clock() -> float:
        nonlocal now, looks
        now += 0.005 if looks in slow else 0.001
        looks += 1
        return now

    return clock


def test_an_even_machine_does_the_same_all_the_time() -> None:
    found = measure(1.0, clock_of(range(0)))
    assert found.slow == 0
    assert found.worst == pytest.approx(1.0, abs=0.02)


def test_of_a_machine_that_stumbles_share_and_depth_are_told() -> None:
    found = measure(1.0, clock_of(range(200, 220)))
    assert found.slow == pytest.approx(0.1, abs=0.01)
    assert found.worst == pytest.approx(0.2, abs=0.03)
