"""Who comes before an item: counted once a person, in any order, and never more than a few."""

import random
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import MAX_ID_CHARS
from streams.predecessors import (
    CLOSE_SECONDS,
    MAX_BEFORE,
    MAX_PREDECESSORS,
    NEARNESS,
    SLACK,
    WHOLE,
    Before,
    Predecessors,
    alike,
    closeness,
    fold_before,
    is_sound,
)
from streams.topics import CO_VISITS, ITEM_TRENDS
from streams.trends import CoVisit, Trend, encode_co_visit, encode_trend
from tests.support.laws import law

LAW = law(60)

Visit = tuple[Sequence[str], float, bool]
"""What came before, newest first; the gap of all of it; is it the user's first visit?"""
VISITS = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=6),
        st.floats(0, 1e6),
        st.booleans(),
    ),
    max_size=15,
)


def before(*item_ids: str, gap: float = 0.0) -> list[Before]:
    return [Before(item_id, gap) for item_id in item_ids]


def fold_all(visits: Sequence[Visit], *, most: int = MAX_PREDECESSORS) -> Predecessors:
    table = Predecessors()
    for item_ids, gap, first in visits:
        table = fold_before(table, before(*item_ids, gap=gap), first=first, most=most)
    return table


def row(table: Predecessors, item_id: str) -> tuple[int, float, float]:
    place = table.item_ids.index(item_id)
    return table.supporters[place], table.near[place] / WHOLE, table.close[place] / WHOLE


# What a visit adds


def test_the_item_just_before_counts_whole_and_each_earlier_one_less() -> None:
    table = fold_before(Predecessors(), before("a", "b", "c"), first=True)
    assert [near / WHOLE for near in table.near] == pytest.approx([1.0, NEARNESS, NEARNESS**2])


def test_an_hour_between_counts_less_than_a_second() -> None:
    table = fold_before(Predecessors(), [Before("a", 1.0), Before("b", 3600.0)], first=True)
    assert table.close[0] > 0.9 * WHOLE > 0.1 * WHOLE > table.close[1]


def test_at_the_time_of_the_setting_a_gap_counts_half() -> None:
    assert closeness(CLOSE_SECONDS) == WHOLE / 2


def test_a_first_visit_makes_one_supporter_of_each() -> None:
    assert fold_before(Predecessors(), before("a", "b"), first=True).supporters == (1, 1)


def test_a_repeated_visit_makes_no_supporter_but_weighs() -> None:
    once = fold_all([(["a"], 0.0, True)])
    again = fold_before(once, before("a"), first=False)
    assert row(again, "a") == (1, 2.0, 2.0)


def test_a_visit_after_nothing_leaves_the_table_itself() -> None:
    table = fold_all([(["a"], 0.0, True)])
    assert fold_before(table, [], first=True) is table


def test_the_table_given_is_not_changed() -> None:
    table = fold_all([(["a"], 0.0, True)])
    kept = msgspec.json.encode(table)
    fold_before(table, before("a", "b"), first=True)
    assert msgspec.json.encode(table) == kept


def test_what_a_stranger_claims_beyond_the_most_is_not_counted() -> None:
    claimed = before(*(f"{n}" for n in range(2 * MAX_BEFORE)))
    table = fold_before(Predecessors(), claimed, first=True)
    assert table.item_ids == tuple(f"{n}" for n in range(MAX_BEFORE))


@LAW
@given(visits=VISITS)
def test_every_number_is_the_sum_over_the_visits(visits: list[Visit]) -> None:
    table = fold_all(visits)
    for item_id in "abcdefgh":
        theirs = [visit for visit in visits if item_id in visit[0]]
        if not theirs:
            assert item_id not in table.item_ids
            continue
        supporters, near, close = row(table, item_id)
        assert supporters == sum(first for _, _, first in theirs)
        places = [ids.index(item_id) for ids, _, _ in theirs]
        assert near == pytest.approx(sum(NEARNESS**place for place in places), abs=1e-3)
        assert close == pytest.approx(sum(1 / (1 + gap / 60) for _, gap, _ in theirs), abs=1e-3)


@LAW
@given(visits=VISITS, repeats=VISITS)
def test_supporters_are_people_however_often_they_come(
    visits: list[Visit], repeats: list[Visit]
) -> None:
    again = [(ids, gap, False) for ids, gap, _ in repeats]
    once, often = fold_all(visits), fold_all([*visits, *again])
    for item_id in "abcdefgh":
        assert often.supported_by(item_id) == once.supported_by(item_id)


def test_nobody_supports_what_is_not_in_the_table() -> None:
    assert fold_all([(["a"], 0.0, True)]).supported_by("b") == 0


# In any order


@LAW
@given(visits=VISITS, seed=st.integers(0, 1000))
def test_the_order_of_arrival_does_not_matter_before_anything_is_dropped(
    visits: list[Visit], seed: int
) -> None:
    shuffled = random.Random(seed).sample(visits, len(visits))
    one, other = fold_all(visits), fold_all(shuffled)
    assert one.dropped == other.dropped == 0
    assert alike(one, other)


@pytest.mark.parametrize(
    "other",
    [
        Predecessors(("a",), (2,), (10,), (10,)),
        Predecessors(("a",), (1,), (11,), (10,)),
        Predecessors(("a",), (1,), (10,), (11,)),
        Predecessors(("b",), (1,), (10,), (10,)),
        Predecessors(),
    ],
    ids=["supporters", "near", "close", "another item", "nothing"],
)
def test_tables_that_say_something_else_are_not_alike(other: Predecessors) -> None:
    one = Predecessors(("a",), (1,), (10,), (10,))
    assert not alike(one, other)
    assert not alike(other, one)


def test_the_place_of_a_column_is_no_difference() -> None:
    one = Predecessors(("a", "b"), (1, 2), (10, 20), (3, 4))
    assert alike(one, Predecessors(("b", "a"), (2, 1), (20, 10), (4, 3)))


@pytest.mark.parametrize("which", ["ours", "theirs"])
def test_of_tables_that_dropped_something_nobody_can_tell(which: str) -> None:
    whole, cut = Predecessors(), Predecessors(("a",), (1,), (10,), (10,), 1)
    assert alike(cut, whole) if which == "ours" else alike(whole, cut)


# Never more than a few


@LAW
@given(visits=VISITS, most=st.integers(0, 3))
def test_there_are_never_more_than_the_most_and_the_slack(visits: list[Visit], most: int) -> None:
    many = [
        ([f"{n}-{k}" for k in range(20)], gap, first) for n, (_, gap, first) in enumerate(visits)
    ]
    table = fold_all(many, most=most)
    assert len(table.item_ids) <= most + SLACK
    assert len(table.item_ids) + table.dropped == 20 * len(visits)
    assert is_sound(table)


def filled(count: int) -> Predecessors:
    """As many predecessors, each a little nearer than the one before it."""
    places = range(count)
    near = tuple(2 * WHOLE + n for n in places)
    return Predecessors(tuple(f"{n}" for n in places), (1,) * count, near, near)


def test_within_the_slack_nothing_is_dropped() -> None:
    table = fold_before(filled(MAX_PREDECESSORS + SLACK - 1), before("new"), first=True)
    assert len(table.item_ids) == MAX_PREDECESSORS + SLACK
    assert table.dropped == 0


def test_past_the_slack_the_nearest_stay_in_the_order_they_had() -> None:
    table = fold_before(filled(MAX_PREDECESSORS + SLACK), before("new"), first=True)
    assert table.item_ids == tuple(f"{n}" for n in range(SLACK, SLACK + MAX_PREDECESSORS))
    assert table.near == tuple(2 * WHOLE + n for n in range(SLACK, SLACK + MAX_PREDECESSORS))
    assert table.dropped == SLACK + 1


def test_what_was_dropped_is_counted_on() -> None:
    table = msgspec.structs.replace(filled(MAX_PREDECESSORS + SLACK), dropped=7)
    assert fold_before(table, before("new"), first=True).dropped == 7 + SLACK + 1


def test_the_largest_table_fits_into_a_record_of_its_changelog() -> None:
    count = MAX_PREDECESSORS + SLACK
    ids = tuple(f"{n:x>{MAX_ID_CHARS}}" for n in range(count))
    weights = (10**15,) * count
    largest = Trend(predecessors=Predecessors(ids, (10**9,) * count, weights, weights, 10**9))
    assert len(encode_trend(largest)) < ITEM_TRENDS.max_message_bytes


def test_the_largest_co_visit_fits_into_a_record_of_its_topic() -> None:
    named = tuple(Before(f"{n:x>{MAX_ID_CHARS}}", 123_456_789.1) for n in range(MAX_BEFORE))
    largest = CoVisit(1.0, 1.0, True, 0, 10**15, named)
    assert len(encode_co_visit(largest)) < CO_VISITS.max_message_bytes
