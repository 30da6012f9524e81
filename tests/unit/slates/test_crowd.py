"""The crowd by rows says what a dictionary of pairs would, after any history of trends."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.config import DAY
from slates.crowd import FIRST_ROWS, WIDTH, Crowd
from streams.predecessors import WHOLE, Predecessors
from streams.trends import (
    SURGE,
    CoVisit,
    Trend,
    decode_trend,
    encode_trend,
    fold,
    standing,
    standing_of,
)
from tests.support.laws import law

LAW = law(100)
WEEK = 7 * DAY

Row = tuple[int, float, float]
"""Supporters, near and close."""
ROWS = st.tuples(st.integers(0, 9), st.integers(0, 9).map(float), st.integers(0, 9).map(float))
IDS = [f"item-{n}" for n in range(9)]
TABLES = st.lists(
    st.tuples(st.sampled_from(IDS), ROWS), max_size=len(IDS), unique_by=lambda pair: pair[0]
)
HISTORIES = st.lists(st.tuples(st.sampled_from(IDS), TABLES), max_size=25)
History = list[tuple[str, list[tuple[str, Row]]]]


def table(rows: Sequence[tuple[str, Row]]) -> Predecessors:
    return Predecessors(
        tuple(item_id for item_id, _ in rows),
        tuple(supporters for _, (supporters, _, _) in rows),
        tuple(round(WHOLE * near) for _, (_, near, _) in rows),
        tuple(round(WHOLE * close) for _, (_, _, close) in rows),
    )


def crowd_of(history: History) -> Crowd:
    crowd = Crowd(half_life=WEEK)
    for item_id, rows in history:
        crowd.follow(item_id, Trend(predecessors=table(rows)))
    return crowd


def after(**predecessors: float) -> Trend:
    """A trend whose predecessors are as near as is said."""
    return Trend(
        predecessors=table([(name, (1, near, 0.0)) for name, near in predecessors.items()])
    )


class Oracle:
    """The slow, obviously right version: every pair in a dictionary."""

    def __init__(self, history: History) -> None:
        newest = dict(history)
        self.pairs = {
            (before, item_id): row for item_id, rows in newest.items() for before, row in rows
        }

    def found(self, item_ids: Sequence[str]) -> list[tuple[int, str, bool, Row]]:
        return sorted(
            (place, other, onward, row)
            for place, asked in enumerate(item_ids)
            for (before, item_id), row in self.pairs.items()
            for other, onward in [(item_id, True), (before, False)]
            if asked == (before if onward else item_id)
        )


def found(crowd: Crowd, item_ids: Sequence[str]) -> list[tuple[int, str, bool, Row]]:
    pairs = crowd.pairs(item_ids)
    columns = (pairs.place.tolist(), pairs.row.tolist(), pairs.after.tolist())
    return sorted(
        (place, crowd.ids[row], onward, (int(supporters), near, close))
        for place, row, onward, (supporters, near, close) in zip(
            *columns, pairs.values.tolist(), strict=True
        )
    )


# Pairs


@LAW
@given(history=HISTORIES, asked=st.lists(st.sampled_from([*IDS, "unheard-of"]), max_size=5))
def test_after_any_history_the_pairs_are_those_of_the_newest_trends(
    history: History, asked: list[str]
) -> None:
    assert found(crowd_of(history), asked) == Oracle(history).found(asked)


GROWTH = st.lists(
    st.tuples(
        st.sampled_from(IDS[:3]),
        st.sets(st.sampled_from(IDS)),
        st.lists(st.tuples(st.sampled_from(IDS), ROWS), max_size=4),
    ),
    max_size=25,
)
"""Item, what goes, and what comes or changes, as tables grow from fold to fold."""


@LAW
@given(growth=GROWTH)
def test_tables_that_grow_and_let_go_are_followed_like_any(
    growth: list[tuple[str, set[str], list[tuple[str, Row]]]],
) -> None:
    tables: dict[str, dict[str, Row]] = {}
    history: History = []
    for item_id, gone, came in growth:
        kept = {i: row for i, row in tables.get(item_id, {}).items() if i not in gone}
        tables[item_id] = {**kept, **dict(came)}
        history.append((item_id, list(tables[item_id].items())))
    assert found(crowd_of(history), IDS) == Oracle(history).found(IDS)


@LAW
@given(history=HISTORIES)
def test_after_any_history_the_supporters_are_those_of_the_newest_trends(history: History) -> None:
    crowd, oracle = crowd_of(history), Oracle(history)
    for before in IDS:
        for item_id in IDS:
            wanted = oracle.pairs.get((before, item_id), (0,))[0]
            assert crowd.supporters(before, item_id) == wanted


@LAW
@given(history=HISTORIES)
def test_following_the_same_trend_again_changes_nothing(history: History) -> None:
    assert found(crowd_of([*history, *history[-1:]]), IDS) == found(crowd_of(history), IDS)


def test_a_predecessor_that_was_dropped_is_followed_by_nothing_any_more() -> None:
    crowd = Crowd(half_life=WEEK)
    crowd.follow("emma", after(dune=1.0, solaris=2.0))
    crowd.follow("emma", after(solaris=3.0))
    assert found(crowd, ["dune"]) == []
    assert found(crowd, ["solaris"]) == [(0, "emma", True, (1, 3.0, 0.0))]


def test_columns_may_change_their_order() -> None:
    crowd = Crowd(half_life=WEEK)
    crowd.follow("emma", after(dune=1.0, solaris=2.0, moby=3.0))
    crowd.follow("emma", after(moby=4.0, solaris=5.0, dune=6.0))
    assert found(crowd, ["dune"]) == [(0, "emma", True, (1, 6.0, 0.0))]
    assert found(crowd, ["moby"]) == [(0, "emma", True, (1, 4.0, 0.0))]


def test_an_item_without_a_trend_any_more_has_no_pairs() -> None:
    crowd = Crowd(half_life=WEEK)
    crowd.follow("emma", after(dune=1.0))
    crowd.follow("emma", Trend())
    assert found(crowd, ["dune", "emma"]) == []


def test_pairs_read_before_do_not_change_under_the_reader() -> None:
    crowd = Crowd(half_life=WEEK)
    crowd.follow("emma", after(dune=1.0))
    pairs = crowd.pairs(["dune", "emma"])
    crowd.follow("emma", after(moby=9.0))
    crowd.follow("moby", after(dune=9.0))
    assert pairs.values.tolist() == [[1.0, 1.0, 0.0]] * 2
    assert [crowd.ids[row] for row in pairs.row] == ["emma", "dune"]


@pytest.mark.parametrize("asked", [[], ["unheard-of"], ["lonely"]])
def test_where_nobody_came_from_anywhere_there_are_no_pairs(asked: list[str]) -> None:
    crowd = Crowd(half_life=WEEK)
    crowd.follow("lonely", Trend(interactions=3))
    pairs = crowd.pairs(asked)
    assert len(pairs.place) == len(pairs.row) == len(pairs.after) == 0
    assert pairs.values.shape == (0, 3)


def test_a_row_holds_as_many_as_a_trend_may() -> None:
    crowd = Crowd(half_life=WEEK)
    wide = {f"p{n}": float(n) for n in range(WIDTH)}
    crowd.follow("before", after(emma=7.0))
    crowd.follow("emma", after(**wide))
    crowd.follow("after", after(emma=8.0))
    assert len(found(crowd, ["emma"])) == WIDTH + 2
    assert found(crowd, [f"p{WIDTH - 1}"]) == [(0, "emma", True, (1, WIDTH - 1.0, 0.0))]


# Rows


def test_a_row_is_given_once_and_never_to_another() -> None:
    crowd = Crowd(half_life=WEEK)
    rows = [crowd.row(name) for name in ("dune", "emma", "dune", "moby")]
    assert rows == [0, 1, 0, 2]
    assert crowd.rows(["moby", "new", "dune"]).tolist() == [2, 3, 0]
    assert len(crowd) == 4


def test_who_only_asks_gets_no_row() -> None:
    crowd = Crowd(half_life=WEEK)
    crowd.row("dune")
    crowd.pairs(["unheard-of"])
    crowd.supporters("unheard-of", "dune")
    assert crowd.known(["unheard-of", "dune"]) == [0]
    assert len(crowd) == 1


def test_a_crowd_that_outgrows_its_rows_loses_nothing() -> None:
    count = 2 * FIRST_ROWS + 10
    history: History = [
        (f"item-{n}", [(f"item-{n - k}", (k, n, 0.5)) for k in (1, 2) if n >= k])
        for n in range(count)
    ]
    crowd, oracle = crowd_of(history), Oracle(history)
    assert len(crowd) == count <= len(crowd.visits)
    for item_id in ("item-0", f"item-{FIRST_ROWS - 1}", f"item-{FIRST_ROWS}", f"item-{count - 1}"):
        assert found(crowd, [item_id]) == oracle.found([item_id])


def test_a_crowd_grows_too_while_it_reads_one_trend() -> None:
    crowd = Crowd(half_life=WEEK)
    crowd.rows(f"known-{n}" for n in range(FIRST_ROWS - 1))
    crowd.follow("emma", after(dune=1.0, moby=2.0))
    assert found(crowd, ["dune"]) == [(0, "emma", True, (1, 1.0, 0.0))]


def test_what_is_said_of_rows_that_were_there_before_stays_as_it_was() -> None:
    crowd = Crowd(half_life=WEEK)
    crowd.follow("dune", Trend(interactions=5, popularity=2.0, at=DAY, surge=1.0))
    before = (crowd.visits[0], crowd.standing[0], crowd.surge[0])
    crowd.rows(f"new-{n}" for n in range(3 * FIRST_ROWS))
    assert (crowd.visits[0], crowd.standing[0], crowd.surge[0]) == before


# How much all are visited


def test_standing_and_surge_are_those_of_the_trend() -> None:
    crowd, trend = Crowd(half_life=WEEK), Trend()
    for offset, at in enumerate([0.0, DAY, 3 * DAY]):
        trend = fold(trend, CoVisit(at, 2.0, True, 0, offset), half_life=WEEK)
    crowd.follow("dune", trend)
    assert crowd.visits[0] == 3
    assert crowd.standing[0] == standing(trend, half_life=WEEK)
    assert crowd.surge[0] == standing_of(trend.surge, trend.at, half_life=WEEK / SURGE)


def test_what_nobody_has_touched_stands_below_everything() -> None:
    crowd = Crowd(half_life=WEEK)
    rows = crowd.rows(f"new-{n}" for n in range(FIRST_ROWS + 1))
    assert np.isneginf(crowd.standing[rows]).all()
    assert np.isneginf(crowd.surge[rows]).all()
    assert not crowd.visits[rows].any()


# Images


@LAW
@given(history=HISTORIES, known=st.lists(st.sampled_from([*IDS, "shelved"]), unique=True))
def test_a_crowd_that_adopts_an_image_is_the_one_it_was_made_of(
    history: History, known: list[str]
) -> None:
    """Whatever rows were given out before, and for good: both go on alike."""
    crowd, other = crowd_of(history), Crowd(half_life=WEEK)
    other.rows(known)
    other.adopt(crowd.image())
    for each in (crowd, other):
        each.follow("item-1", after(**{"item-0": 3.0, "item-7": 2.0}))
        each.follow("item-0", after(**{"item-8": 1.0}))
    assert found(other, IDS) == found(crowd, IDS)
    assert [order(other, item_id) for item_id in IDS] == [order(crowd, item_id) for item_id in IDS]
    assert other.ids[: len(known)] == known


def order(crowd: Crowd, item_id: str) -> list[str]:
    """The others of an item's pairs, as they stand: sums of floats depend on it."""
    return [crowd.ids[row] for row in crowd.pairs([item_id]).row.tolist()]


def test_an_image_of_many_rows_brings_the_columns_too() -> None:
    crowd = Crowd(half_life=WEEK)
    for n in range(3 * FIRST_ROWS):
        crowd.follow(f"item-{n}", Trend(popularity=n + 1.0, interactions=n, supporters=n, at=n))
    other = Crowd(half_life=WEEK)
    other.row("first")
    other.adopt(crowd.image())
    rows = other.rows(crowd.ids)
    for name in ("visits", "people", "standing", "surge"):
        assert getattr(other, name)[rows].tolist() == getattr(crowd, name)[: len(crowd)].tolist()
    assert other.visits[0] == 0


def test_an_image_does_not_change_with_its_crowd() -> None:
    crowd = crowd_of([("emma", [("dune", (3, 1.0, 1.0))])])
    image = crowd.image()
    crowd.follow("emma", after(moby=7.0))
    other = Crowd(half_life=WEEK)
    other.adopt(image)
    assert other.supporters("dune", "emma") == 3
    assert other.ids == ["emma", "dune"]


def test_a_crowd_that_has_followed_something_adopts_nothing() -> None:
    crowd = crowd_of([("emma", [("dune", (3, 1.0, 1.0))])])
    with pytest.raises(ValueError, match="followed nothing"):
        crowd.adopt(Crowd(half_life=WEEK).image())


def test_room_for_rows_changes_nothing_else() -> None:
    history: History = [("item-0", [("item-1", (3, 1.0, 1.0))])]
    crowd = crowd_of(history)
    crowd.reserve(5 * FIRST_ROWS)
    assert len(crowd.visits) == 8 * FIRST_ROWS
    assert found(crowd, IDS) == found(crowd_of(history), IDS)


def test_the_largest_numbers_that_are_read_have_room_in_a_crowd() -> None:
    table = Predecessors(("dune",), (2**53,), (2**53,), (2**53,))
    largest = Trend(interactions=2**53, supporters=2**31 - 1, visitors=1, predecessors=table)
    crowd = Crowd(half_life=1.0)
    crowd.follow("emma", decode_trend(encode_trend(largest)))
    assert crowd.supporters("dune", "emma") == 2**53
