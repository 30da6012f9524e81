"""An order of merit that does not repeat itself: distinct rows, the best first, within caps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from slates.choosing import Words, choose, shares_of
from slates.config import SlateConfig
from slates.testing import SmallKnowledge
from streams.items import ItemFacts
from tests.support.laws import law

LAW = law(50)
SCORES = st.lists(st.floats(-2, 2), min_size=0, max_size=30)
SHARES = st.floats(0, 1)
COUNTS = st.integers(0, 40)


def rows(count: int, *, seed: int = 1) -> NDArray[np.float32]:
    drawn = np.random.default_rng(seed).standard_normal((count, 4)).astype(np.float32)
    unit: NDArray[np.float32] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


def diversify(
    scores: list[float], vectors: NDArray[np.float32], *, n: int, share: float
) -> list[int]:
    """Diversity alone: no caps, no calibration."""
    config = SlateConfig(diversity=share, calibration=0, caps={})
    return choose(np.array(scores), vectors, [()] * len(scores), n=n, config=config)


def merits(scores: list[float]) -> list[float]:
    """The scores between 0 and 1."""
    low, high = min(scores), max(scores)
    return [0.0 if high <= low else (s - low) / max(high - low, 1e-9) for s in scores]


def capped(words: Words, *, n: int, caps: dict[str, int]) -> list[int]:
    """Rows whose scores fall, each unlike the others."""
    config = SlateConfig(diversity=0, calibration=0, caps=caps)
    falling = np.arange(len(words), 0, -1).astype(float)
    return choose(falling, np.eye(len(words), dtype=np.float32), words, n=n, config=config)


# Diversity


@LAW
@given(scores=SCORES, n=COUNTS, share=SHARES, seed=st.integers(0, 99))
def test_the_result_is_as_many_distinct_rows_as_there_can_be(
    scores: list[float], n: int, share: float, seed: int
) -> None:
    chosen = diversify(scores, rows(len(scores), seed=seed), n=n, share=share)
    assert len(chosen) == len(set(chosen)) == min(n, len(scores))
    assert set(chosen) <= set(range(len(scores)))


@LAW
@given(scores=st.lists(st.integers(-9, 9).map(float), max_size=30), n=COUNTS)
def test_no_share_for_diversity_is_the_order_of_the_scores(scores: list[float], n: int) -> None:
    chosen = diversify(scores, rows(len(scores)), n=n, share=0.0)
    assert chosen == np.argsort(-np.array(scores), kind="stable")[:n].tolist()


@LAW
@given(scores=st.lists(st.integers(-9, 9).map(float), min_size=1), share=st.floats(0, 0.99))
def test_the_best_comes_first(scores: list[float], share: float) -> None:
    first = diversify(scores, rows(len(scores)), n=1, share=share)[0]
    assert scores[first] == max(scores)


@LAW
@given(scores=SCORES, n=COUNTS, share=SHARES)
def test_fewer_places_are_the_first_of_more(scores: list[float], n: int, share: float) -> None:
    vectors = rows(len(scores))
    all_of_them = diversify(scores, vectors, n=len(scores), share=share)
    assert diversify(scores, vectors, n=n, share=share) == all_of_them[:n]


@LAW
@given(scores=st.lists(st.floats(-2, 2), min_size=2, max_size=12), share=SHARES)
def test_every_choice_is_the_best_by_the_definition(scores: list[float], share: float) -> None:
    """The slow, obviously right version: maximal marginal relevance as published."""
    vectors, merit = rows(len(scores)), merits(scores)
    chosen = diversify(scores, vectors, n=len(scores), share=share)
    for place, row in enumerate(chosen):
        marginal = {
            other: (1 - share) * merit[other]
            - share * max([0.0, *(float(vectors[other] @ vectors[c]) for c in chosen[:place])])
            for other in chosen[place:]
        }
        assert marginal[row] == pytest.approx(max(marginal.values()), abs=1e-6)


@LAW
@given(
    scores=st.lists(st.integers(-9, 9).map(float), min_size=2, max_size=12),
    scale=st.sampled_from([0.5, 4.0, 64.0]),
    shift=st.integers(-9, 9),
    share=SHARES,
)
def test_a_share_means_the_same_however_large_the_scores_of_a_ranker_are(
    scores: list[float], scale: float, shift: int, share: float
) -> None:
    vectors = rows(len(scores))
    other = [scale * (score + shift) for score in scores]
    n = len(scores)
    ours, theirs = (diversify(s, vectors, n=n, share=share) for s in (scores, other))
    assert ours == theirs


def test_a_copy_of_the_best_comes_after_something_else() -> None:
    vectors = np.eye(2, dtype=np.float32)[[0, 0, 1]]
    scores = [1.0, 0.99, 0.5]
    assert diversify(scores, vectors, n=3, share=0.6) == [0, 2, 1]
    assert diversify(scores, vectors, n=3, share=0.0) == [0, 1, 2]


def test_equal_items_keep_their_order() -> None:
    assert diversify([1.0] * 4, np.eye(4, dtype=np.float32), n=4, share=0.5) == [0, 1, 2, 3]


def test_nothing_to_choose_from_is_no_error() -> None:
    assert diversify([], np.zeros((0, 0), np.float32), n=5, share=0.5) == []


# Caps

WORDS = st.lists(
    st.lists(
        st.sampled_from([("by", "ann"), ("by", "eve"), ("by", "bob")]), unique=True, max_size=2
    ),
    max_size=12,
)


def test_no_more_of_a_word_than_its_cap() -> None:
    words = [[("by", "ann")]] * 4 + [[("by", "eve")]] * 2
    assert capped(words, n=3, caps={"by": 2}) == [0, 1, 4]


def test_words_of_other_attributes_are_not_capped() -> None:
    words = [[("by", "ann"), ("of", "sea")], [("by", "eve"), ("of", "sea")]]
    assert capped(words, n=2, caps={"by": 1}) == [0, 1]


def test_where_only_capped_ones_are_left_they_are_shown_rather_than_nothing() -> None:
    assert capped([[("by", "ann")]] * 3, n=3, caps={"by": 1}) == [0, 1, 2]


@LAW
@given(words=WORDS, cap=st.integers(1, 3), n=st.integers(1, 12))
def test_a_cap_is_broken_only_where_every_other_is_full_too(words: Words, cap: int, n: int) -> None:
    chosen = capped(words, n=n, caps={"by": cap})
    assert len(chosen) == len(set(chosen)) == min(n, len(words))
    for place, row in enumerate(chosen):
        full = [
            word
            for word in {word for places in words for word in places}
            if sum(word in words[other] for other in chosen[:place]) >= cap
        ]
        if any(word in full for word in words[row]):
            left = set(range(len(words))) - set(chosen[:place])
            assert all(any(word in full for word in words[other]) for other in left)


# Calibration


def test_a_history_of_two_genres_is_answered_with_both() -> None:
    words = [[("genres", "sea")]] * 4 + [[("genres", "love")]] * 4
    scores = np.array([8.0, 7, 6, 5, 4, 3, 2, 1])
    vectors, half = np.eye(8, dtype=np.float32), {"sea": 0.5, "love": 0.5}
    plain = SlateConfig(diversity=0, calibration=0, caps={})
    calibrated = plain.model_copy(update={"calibration": 2.0})
    without, within = (
        choose(scores, vectors, words, n=4, config=config, history=half)
        for config in (plain, calibrated)
    )
    assert without == [0, 1, 2, 3]
    assert sorted(within) == [0, 1, 4, 5]


def test_words_of_another_attribute_calibrate_nothing() -> None:
    words = [[("mood", "sea")], [("mood", "love")]]
    config = SlateConfig(diversity=0, calibration=9.0, caps={})
    vectors = np.eye(2, dtype=np.float32)
    chosen = choose(np.array([2.0, 1.0]), vectors, words, n=2, config=config, history={"love": 1.0})
    assert chosen == [0, 1]


def test_an_item_with_two_words_has_half_of_each() -> None:
    knowledge = SmallKnowledge()
    knowledge.announce("both", [1, 0], ItemFacts("x", attributes={"genres": ("sea", "love")}))
    knowledge.announce("sea", [1, 0], ItemFacts("x", attributes={"genres": "sea", "by": "ann"}))
    assert shares_of(["both", "sea"], knowledge, ("genres",)) == {"sea": 0.75, "love": 0.25}


def test_of_nothing_there_are_no_shares() -> None:
    assert shares_of([], SmallKnowledge(), ("genres",)) == {}
