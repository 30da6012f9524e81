"""Coverage, novelty, diversity and calibration say what their sources say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.beyond import Genres, diversity, gini, miscalibration, novelty
from streams.items import Item

distributions = st.lists(st.floats(0.01, 1.0), min_size=4, max_size=4).map(np.array)


def film(item_id: str, *genres: str) -> Item:
    return Item(item_id=item_id, title=item_id, attributes={"genres": genres} if genres else {})


GENRES = Genres([film("war", "war"), film("sea", "sea"), film("both", "war", "sea"), film("none")])


def test_gini_of_items_shown_alike_is_zero() -> None:
    assert gini([3, 3, 3], items=3) == pytest.approx(0.0)


def test_items_never_shown_raise_gini() -> None:
    assert gini([3, 3, 3], items=30) == pytest.approx(0.9)


def test_gini_does_not_depend_on_the_order() -> None:
    assert gini([1, 9, 4], items=5) == gini([9, 4, 1], items=5)


def test_gini_of_three_shares_is_that_of_the_mean_difference() -> None:
    assert gini([1, 2, 3], items=3) == pytest.approx(2 / 9)


def test_nothing_shown_is_not_unequal() -> None:
    assert gini([], items=5) == 0.0


def test_what_nobody_touched_is_as_new_as_what_one_did() -> None:
    assert novelty(["new"], {}, total=8) == novelty(["old"], {"old": 1}, total=8) == 3.0


def test_alike_items_are_not_diverse() -> None:
    assert diversity(["war", "war"], GENRES.similarities) == pytest.approx(0.0)


def test_items_without_a_genre_in_common_are_diverse() -> None:
    assert diversity(["war", "sea"], GENRES.similarities) == pytest.approx(1.0)


def test_diversity_is_the_mean_over_pairs() -> None:
    pairs = [1.0, 1 - np.sqrt(0.5), 1 - np.sqrt(0.5)]
    assert diversity(["war", "sea", "both"], GENRES.similarities) == pytest.approx(np.mean(pairs))


def test_one_item_has_no_diversity() -> None:
    assert diversity(["war"], GENRES.similarities) is None


def test_genres_share_an_item() -> None:
    assert GENRES.of("both").tolist() == [0.5, 0.5]


def test_items_without_genres_do_not_change_a_distribution() -> None:
    assert GENRES.mean(["war", "none", "unknown"]).tolist() == GENRES.mean(["war"]).tolist()


@given(distributions)
def test_the_same_genres_are_calibrated(shares: np.ndarray) -> None:
    assert miscalibration(shares, 3 * shares) == pytest.approx((0.0, 0.0), abs=1e-9)


@given(distributions, distributions)
def test_divergences_are_never_negative(one: np.ndarray, other: np.ndarray) -> None:
    found = miscalibration(one, other)
    assert found is not None
    assert min(found) >= -1e-9


@given(distributions, distributions)
def test_js_is_symmetric(one: np.ndarray, other: np.ndarray) -> None:
    there, back = miscalibration(one, other), miscalibration(other, one)
    assert there is not None
    assert back is not None
    assert there[1] == pytest.approx(back[1])


def test_a_genre_left_out_costs_what_steck_says() -> None:
    found = miscalibration(np.array([0.5, 0.5]), np.array([1.0, 0.0]))
    assert found is not None
    expected = 0.5 * np.log2(0.5 / (0.99 + 0.005)) + 0.5 * np.log2(0.5 / 0.005)
    assert found[0] == pytest.approx(expected)


def test_nothing_in_common_is_one_bit_of_js() -> None:
    found = miscalibration(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    assert found is not None
    assert found[1] == pytest.approx(1.0)


def test_without_a_history_there_is_no_calibration() -> None:
    assert miscalibration(np.zeros(2), np.array([1.0, 0.0])) is None
