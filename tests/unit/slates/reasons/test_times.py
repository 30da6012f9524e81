"""A habit is what comes at about equal intervals, at least three times."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.config import DAY
from slates.reasons.times import returns, usual_gap
from streams.profiles import Entry
from tests.support.laws import law

LAW = law(100)


@LAW
@given(days=st.lists(st.floats(0, 100), max_size=20).map(sorted))
def test_times_that_count_are_a_day_apart(days: list[float]) -> None:
    times = returns([Entry(day * DAY, "tea", "click", 1.0) for day in days])
    assert bool(times) == bool(days)
    assert all(after - before >= DAY for before, after in pairwise(times))


@pytest.mark.parametrize(
    ("times", "gap"),
    [
        ([], None),
        ([0, 10], None),
        ([0, 10, 20], 10),
        ([0, 10, 20, 90], 10),
        ([0, 1, 20, 90], None),
    ],
)
def test_one_interval_in_three_may_be_unusual(times: list[float], gap: float | None) -> None:
    assert usual_gap(times) == gap
