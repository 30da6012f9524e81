"""A habit is what somebody comes back to: how often, how lately, and when it is time again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.config import DAY
from slates.own import FADE_DAYS, LATELY_DAYS, NAMES, Habit, habits_of, measure_habits, pull_of
from streams.profiles import Entry
from tests.support.laws import law

LAW = law(50)
NOW = 1000 * DAY


def measured(habit: Habit, *, now: float = NOW, pull: float = 1.0) -> dict[str, float]:
    columns = measure_habits(["tea"], {"tea": habit}, now, np.array([pull]))
    return dict(zip(NAMES, columns[:, 0].tolist(), strict=True))


def fading(times: list[float]) -> object:
    return pytest.approx(sum(2 ** -((times[-1] - at) / DAY / FADE_DAYS) for at in times))


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
        wanted = Habit(len(times), times[0], times[-1], fading(times)) if times else None
        assert habits.get(item_id) == wanted


def test_between_two_times_is_an_interval_and_after_one_there_is_none() -> None:
    assert Habit(3, 0.0, 4 * DAY).interval == 2 * DAY
    assert Habit(1, 0.0, 0.0).interval is None
    assert Habit(2, 5.0, 5.0).interval is None


def test_what_the_user_never_had_measures_nothing() -> None:
    columns = measure_habits(["coffee"], {"tea": Habit(2, 0.0, 1.0)}, NOW, np.ones(1))
    assert columns.tolist() == [[0.0]] * len(NAMES)
    assert measure_habits([], {}, NOW, np.ones(0)).shape == (len(NAMES), 0)


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


def test_old_times_fade_from_what_is_wanted_again() -> None:
    lately, long_ago = (
        habits_of([Entry(NOW - days * DAY, "tea", "buy", 1.0) for days in (last + 7, last)])["tea"]
        for last in (0, 3 * FADE_DAYS)
    )
    assert measured(lately)["times"] == measured(long_ago)["times"]
    assert measured(lately)["again"] > measured(long_ago)["again"] > 0


def test_a_time_fades_by_half_whether_others_came_after_it_or_not() -> None:
    days = (2 * FADE_DAYS, FADE_DAYS)
    habit = habits_of([Entry(NOW - d * DAY, "tea", "buy", 1.0) for d in days])["tea"]
    assert measured(habit)["again"] == pytest.approx(np.log1p(0.25 + 0.5))


def test_what_others_come_back_to_and_want_now_is_wanted_again_rather() -> None:
    visits, people = np.array([30.0, 30.0, 30.0]), np.array([5, 30, 5])
    staple, once, out_of_season = pull_of(visits, people, np.array([8.0, 8.0, 0.0])).tolist()
    assert staple > once > 0
    assert staple > out_of_season > 0
    again = [measured(Habit(1, NOW, NOW), pull=pull)["again"] for pull in (staple, once)]
    assert again[0] > again[1]


def test_an_item_nobody_has_told_of_pulls_all_the_same() -> None:
    assert pull_of(np.zeros(1), np.zeros(1, int), np.zeros(1))[0] > 0
