"""A trend is a fold of co-visits: once, in any order between sources, and small for ever."""

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streams.predecessors import alike
from streams.trends import (
    DAY,
    MAX_DAYS,
    SURGE,
    CoVisit,
    Trend,
    encode_trend,
    fold,
    people_since,
    popularity_at,
    standing,
)
from tests.support.visits import (
    LAW,
    TREND,
    VISIT,
    VISITS,
    WEEK,
    Drawn,
    by_partition,
    fold_all,
    interleave,
    visit,
)

POPULARITY = st.floats(1e-3, 1e6)

TIMES = st.floats(0, 60 * DAY)


# What a visit adds
def test_a_first_visit_makes_an_item_popular_by_its_gain() -> None:
    assert fold_all([CoVisit(DAY, 2.0, True, 3, 120)]) == Trend(
        popularity=2.0,
        at=DAY,
        interactions=1,
        supporters=1,
        days={1: 1},
        applied={3: 120},
        surge=2.0,
    )


def test_popularity_halves_with_every_half_life() -> None:
    trend = fold_all([visit(0.0, offset=0)])
    assert [popularity_at(trend, n * WEEK, half_life=WEEK) for n in range(4)] == [
        1,
        0.5,
        0.25,
        0.125,
    ]


def test_a_surge_halves_several_times_as_fast() -> None:
    trend = fold_all([visit(0.0, offset=0), visit(WEEK / SURGE, offset=1)])
    assert trend.surge == 1.5
    assert trend.popularity > 1.9


def test_what_begins_to_rise_surges_before_what_was_popular_long_ago() -> None:
    old = fold_all([visit(0.0, offset=n) for n in range(20)] + [visit(WEEK, offset=20)])
    rising = fold_all([visit(WEEK, offset=n) for n in range(3)])
    assert old.popularity > rising.popularity
    assert old.surge < rising.surge


def test_a_visit_names_what_came_before_it() -> None:
    once = fold(Trend(), VISIT, half_life=WEEK)
    assert once.predecessors.item_ids == ("dune", "emma")
    assert once.predecessors.supporters == (1, 1)


def test_a_repeated_visit_of_the_same_user_adds_no_supporter_of_what_came_before() -> None:
    again = msgspec.structs.replace(VISIT, first=False, offset=121)
    assert fold_all([VISIT, again]).predecessors.supporters == (1, 1)


def test_a_visit_is_added_to_what_is_left_of_the_earlier_ones() -> None:
    trend = fold_all([visit(0.0, offset=0), visit(WEEK, offset=1)])
    assert trend.popularity == 1.5
    assert trend.at == WEEK


def test_a_late_visit_counts_by_its_age_and_moves_no_clock() -> None:
    trend = fold_all([visit(WEEK, offset=0), visit(0.0, offset=1)])
    assert trend.popularity == 1.5
    assert trend.at == WEEK


def test_supporters_are_people_and_interactions_are_visits() -> None:
    trend = fold_all([visit(0.0, offset=n, first=n < 2) for n in range(5)])
    assert (trend.supporters, trend.interactions) == (2, 5)
    assert trend.days == {0: 2}


@LAW
@given(drawn=VISITS)
def test_supporters_count_first_visits(drawn: Drawn) -> None:
    trend = fold_all(interleave(by_partition(drawn), seed=1))
    assert trend.supporters == sum(first and gain > 0 for _, gain, first, *_ in drawn)
    assert trend.interactions == len(drawn)


def test_a_negative_gain_is_counted_but_makes_nothing_popular() -> None:
    trend = fold_all([visit(0.0, offset=0, gain=-2.0)])
    assert (trend.popularity, trend.interactions) == (0.0, 1)


def test_a_negative_gain_takes_no_popularity_away() -> None:
    liked = fold_all([visit(0.0, offset=0)])
    assert fold(liked, visit(0.0, offset=1, gain=-2.0), half_life=WEEK).popularity == 1.0


def test_the_trend_given_is_not_changed() -> None:
    before = encode_trend(TREND)
    fold(TREND, CoVisit(9 * DAY, 1.0, True, 0, 8), half_life=WEEK)
    assert encode_trend(TREND) == before


# Once
@pytest.mark.parametrize(
    ("partition", "offset", "repeat"),
    [(0, 6, True), (0, 7, True), (0, 8, False), (3, 120, True), (3, 121, False), (2, 0, False)],
)
def test_what_a_source_partition_sent_before_changes_nothing(
    partition: int, offset: int, repeat: bool
) -> None:
    after = fold(TREND, CoVisit(DAY, 1.0, True, partition, offset), half_life=WEEK)
    assert (after is TREND) == repeat


@LAW
@given(drawn=VISITS, seed=st.integers(0, 1000), data=st.data())
def test_reading_any_source_again_changes_nothing(
    drawn: Drawn, seed: int, data: st.DataObject
) -> None:
    sources = by_partition(drawn)
    trend = fold_all(interleave(sources, seed=seed))
    for visits in sources.values():
        again = visits[data.draw(st.integers(0, len(visits))) :]
        assert fold_all(again, trend) == trend


# In any order
@LAW
@given(drawn=VISITS, seed=st.integers(0, 1000))
def test_the_order_between_sources_does_not_matter(drawn: Drawn, seed: int) -> None:
    sources = by_partition(drawn)
    one = fold_all(interleave(sources, seed=seed))
    other = fold_all(interleave(sources, seed=seed + 1))
    assert one.popularity == pytest.approx(other.popularity, rel=1e-9)
    assert one.surge == pytest.approx(other.surge, rel=1e-9)
    assert alike(one.predecessors, other.predecessors)
    for field in ("at", "interactions", "supporters", "days", "applied"):
        assert getattr(one, field) == getattr(other, field)


# Small for ever
@LAW
@given(drawn=VISITS, seed=st.integers(0, 1000))
def test_only_the_newest_eight_days_are_kept(drawn: Drawn, seed: int) -> None:
    trend = fold_all(interleave(by_partition(drawn), seed=seed))
    days = [int(at // DAY) for at, gain, first, *_ in drawn if first and gain > 0]
    kept = [day for day in days if day > max(days) - MAX_DAYS]
    assert trend.days == {day: kept.count(day) for day in set(kept)}
    assert len(trend.days) <= MAX_DAYS == 8


def test_a_year_of_daily_visits_leaves_eight_days() -> None:
    trend = fold_all([visit(n * DAY, offset=n) for n in range(365)])
    assert sorted(trend.days) == list(range(357, 365))
    assert trend.supporters == 365


# What it says
def test_before_its_newest_visit_an_item_is_as_popular_as_at_it() -> None:
    trend = Trend(popularity=2.0, at=WEEK)
    assert popularity_at(trend, 0.0, half_life=WEEK) == 2.0


@pytest.mark.parametrize(("day", "people"), [(3, 0), (4, 1), (5, 1), (9, 1), (10, 1), (11, 0)])
def test_the_last_seven_days_are_today_and_six_before(day: int, people: int) -> None:
    assert people_since(Trend(days={day: 1}), 10.5 * DAY, days=7) == people


@pytest.mark.parametrize("now", [10 * DAY, 11 * DAY - 1e-3])
def test_a_day_is_one_from_its_first_second_to_its_last(now: float) -> None:
    assert people_since(Trend(days={10: 3, 4: 2, 3: 9, 11: 9}), now, days=7) == 5


def test_a_visit_at_midnight_belongs_to_the_day_that_begins() -> None:
    assert fold_all([visit(10 * DAY, offset=0)]).days == {10: 1}
    assert fold_all([visit(10 * DAY - 1e-3, offset=0)]).days == {9: 1}


def test_enough_days_are_kept_for_a_week_when_a_clock_is_a_day_ahead() -> None:
    week = [visit(n * DAY, offset=n) for n in range(4, 11)]
    ahead = fold_all([*week, visit(11 * DAY, offset=11)])
    assert people_since(ahead, 10.5 * DAY, days=7) == 7


@LAW
@given(a=st.tuples(POPULARITY, TIMES), b=st.tuples(POPULARITY, TIMES), later=st.floats(0, 60 * DAY))
def test_standing_orders_like_popularity_at_any_later_time(
    a: tuple[float, float], b: tuple[float, float], later: float
) -> None:
    one, other = (Trend(popularity=amount, at=at) for amount, at in (a, b))
    now = max(one.at, other.at) + later
    one_now, other_now = (popularity_at(t, now, half_life=WEEK) for t in (one, other))
    assume(one_now != pytest.approx(other_now, rel=1e-9))
    order = standing(one, half_life=WEEK) > standing(other, half_life=WEEK)
    assert order == (one_now > other_now)


def test_what_nobody_liked_stands_below_everything() -> None:
    faded = Trend(popularity=1e-300, at=0.0)
    disliked = fold_all([visit(100 * DAY, offset=0, gain=-1.0)])
    for nobody in (Trend(), disliked):
        assert standing(nobody, half_life=WEEK) < standing(faded, half_life=WEEK)


@pytest.mark.parametrize(
    ("first", "is_visit", "visitors"), [(True, True, 1), (False, True, 0), (True, False, 0)]
)
def test_visitors_are_people_who_came_whether_they_liked_it_or_not(
    first: bool, is_visit: bool, visitors: int
) -> None:
    came = CoVisit(DAY, -2.0, first, 0, 1, is_visit=is_visit)
    assert fold(Trend(), came, half_life=WEEK).visitors == visitors
