"""A habit is what somebody comes back to: how often, how lately, and when it is time again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.config import DAY
from slates.own import LATELY_DAYS, NAMES, Habit, habits_of, measure_habits
from streams.profiles import Entry
from tests.support.laws import law

LAW = law(50)
NOW = 1000 * DAY


def measured(habit: Habit, *, now: float = NOW) -> dict[str, float]:
    columns = measure_habits(["tea"], {"tea": habit}, now)
    return dict(zip(NAMES, columns[:, 0].tolist(), strict=True))


@LAW
@given(
    acts=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([2.0, 0.0, -1.0])), max_size=20)
)
def test_a_habit_counts_what_somebody_came_to_and_when_first_and_last(
    acts: list[tuple[str, float]],
) -> None:
    history = [Entry(float(t), item_id, "buy", gain) for t, (item_id, gain) in enumerate(acts)]
    habits = habits_of(history)
    for item_id in "abc":
        times = [entry.at for entry in history if entry.item_id == item_id and entry.gain > 0]
        wanted = Habit(len(times), times[0], times[-1]) if times else None
        assert habits.get(item_id) == wanted


def test_between_two_times_is_an_interval_and_after_one_there_is_none() -> None:
    assert Habit(3, 0.0, 4 * DAY).interval == 2 * DAY
    assert Habit(1, 0.0, 0.0).interval is None
    assert Habit(2, 5.0, 5.0).interval is None


def test_what_the_user_never_had_measures_nothing() -> None:
    assert measure_habits(["coffee"], {"tea": Habit(2, 0.0, 1.0)}, NOW).tolist() == [[0.0]] * 3
    assert measure_habits([], {}, NOW).shape == (len(NAMES), 0)


def test_it_is_time_again_when_the_usual_interval_has_passed() -> None:
    weekly = Habit(5, NOW - 35 * DAY, NOW - 7 * DAY)
    due = [measured(weekly, now=NOW + days * DAY)["due"] for days in (-5, 0, 20)]
    assert due[1] == pytest.approx(1.0)
    assert due[0] < due[1] > due[2]


def test_after_one_time_nobody_knows_when_it_is_time_again() -> None:
    assert measured(Habit(1, NOW - DAY, NOW - DAY))["due"] == 0.0


def test_the_last_time_counts_half_after_the_days_of_the_constant() -> None:
    habit = Habit(1, NOW, NOW)
    assert measured(habit)["lately"] == 1.0
    assert measured(habit, now=NOW + LATELY_DAYS * DAY)["lately"] == pytest.approx(0.5)


def test_a_clock_behind_the_history_is_no_gain() -> None:
    assert measured(Habit(1, NOW, NOW), now=0.0)["lately"] == 1.0


def test_more_often_is_more() -> None:
    few, many = (measured(Habit(n, 0.0, NOW))["times"] for n in (2, 9))
    assert 0 < few < many
