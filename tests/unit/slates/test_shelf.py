"""The shelf says in columns what a list of the live items would."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.shelf import FIRST_ROWS, WIDTH, Place, Shelf
from tests.support.laws import law

LAW = law(80)
PLACES: list[Place] = [("by", "ann"), ("by", "eve"), ("of", "sea"), ("of", "ann"), ("of", "war")]
ROWS = 6

ITEMS = st.tuples(
    st.none() | st.integers(0, 9).map(float),
    st.lists(st.sampled_from(PLACES), max_size=4),
)
HISTORIES = st.lists(st.tuples(st.integers(0, ROWS - 1), st.none() | ITEMS), max_size=25)
Item = tuple[float | None, list[Place]]
History = list[tuple[int, Item | None]]


@dataclass
class Both:
    """A shelf, and the slow version: a dictionary of what is live."""

    shelf: Shelf
    live: dict[int, Item]


def after(history: History) -> Both:
    both = Both(Shelf(), {})
    for row, item in history:
        if both.live.pop(row, None) is not None:
            both.shelf.discard(row)
        if item is not None:
            both.shelf.put([row], published_at=[item[0]], words=[item[1]])
            both.live[row] = item
    return both


@LAW
@given(history=HISTORIES)
def test_after_any_history_what_is_live_and_since_when_is_known(history: History) -> None:
    both = after(history)
    assert set(np.flatnonzero(both.shelf.live).tolist()) == set(both.live)
    for row in range(ROWS):
        published = both.live.get(row, (None, []))[0]
        found = both.shelf.published[row]
        assert math.isnan(found) if published is None else found == published


@LAW
@given(history=HISTORIES, amounts=st.dictionaries(st.sampled_from(PLACES), st.floats(-1, 1)))
def test_after_any_history_one_leans_to_the_sum_of_the_words(
    history: History, amounts: dict[Place, float]
) -> None:
    both = after(history)
    found = both.shelf.lean(amounts, np.arange(ROWS))
    for row in range(ROWS):
        total = sum(amounts.get(place, 0.0) for place in both.live.get(row, (None, []))[1])
        assert found[row] == pytest.approx(max(-1.0, min(1.0, total)))


@LAW
@given(items=st.dictionaries(st.integers(0, ROWS - 1), ITEMS))
def test_items_put_at_once_are_what_they_are_put_one_by_one(items: dict[int, Item]) -> None:
    at_once, one_by_one = Shelf(), after(list(items.items())).shelf
    published, words = zip(*items.values(), strict=True) if items else ((), ())
    at_once.put(list(items), published_at=published, words=words)
    np.testing.assert_array_equal(at_once.live, one_by_one.live)
    np.testing.assert_array_equal(at_once.published, one_by_one.published)
    for place in PLACES:
        assert at_once.having(place).tolist() == one_by_one.having(place).tolist()


def test_a_shelf_that_outgrows_its_rows_loses_nothing() -> None:
    shelf = Shelf()
    shelf.put(
        [1, 5 * FIRST_ROWS], published_at=[5.0, 7.0], words=[[("by", "ann")], [("by", "eve")]]
    )
    assert np.flatnonzero(shelf.live).tolist() == [1, 5 * FIRST_ROWS]
    assert shelf.lean({("by", "ann"): 0.5}, np.array([1, 5 * FIRST_ROWS])).tolist() == [0.5, 0.0]
    assert shelf.lean({("by", "eve"): 0.5}, np.array([1, 5 * FIRST_ROWS])).tolist() == [0.0, 0.5]


def test_a_row_nobody_has_put_anything_in_is_leant_to_by_nothing() -> None:
    assert Shelf().lean({("by", "ann"): 0.5}, np.array([3, 9 * FIRST_ROWS])).tolist() == [0.0, 0.0]


def test_of_very_many_words_the_first_count() -> None:
    shelf = Shelf()
    words = [("of", f"{n}") for n in range(WIDTH + 3)]
    shelf.put([0], published_at=[None], words=[words])
    leaning = dict.fromkeys(words, 0.01)
    assert shelf.lean(leaning, np.array([0])) == pytest.approx([0.01 * WIDTH])
