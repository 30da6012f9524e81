"""A score is a weighted sum; its slope says how the weights should move."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from slates.config import SlateConfig
from slates.features import NAMES, Matrix
from slates.ranking import START, slope, weigh, weights_of
from slates.testing import SmallKnowledge
from streams.rankers import Lesson, Ranker, fold_lesson
from tests.support.laws import law

LAW = law(50)
SMALL = 1e-5

FEATURES = st.integers(2, 8).flatmap(
    lambda m: st.lists(
        st.lists(st.floats(-3, 3), min_size=len(NAMES), max_size=len(NAMES)),
        min_size=m,
        max_size=m,
    ).map(np.array)
)
WEIGHTS = st.lists(st.floats(-2, 2), min_size=len(NAMES), max_size=len(NAMES)).map(
    lambda weights: dict(zip(NAMES, weights, strict=True))
)


def likelihood(features: Matrix, weights: dict[str, float], chosen: int) -> float:
    """The logarithm of the share of a softmax that the chosen one has."""
    scores = weigh(features, weights)
    return float(scores[chosen] - np.log(np.exp(scores).sum()))


def moved(weights: dict[str, float], name: str, by: float) -> dict[str, float]:
    return {**weights, name: weights[name] + by}


def single(name: str, *values: float) -> Matrix:
    """Candidates that differ in one feature."""
    features = np.zeros((len(values), len(NAMES)))
    features[:, NAMES.index(name)] = values
    return features


# Scores


def test_every_feature_has_a_weight_at_the_start() -> None:
    assert set(START) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_weight_is_what_one_standard_deviation_adds(name: str) -> None:
    weights = {**dict.fromkeys(NAMES, 0.0), name: 2.5}
    assert weigh(single(name, 1.0, -1.0, 0.0), weights).tolist() == [2.5, -2.5, 0.0]


@LAW
@given(features=FEATURES, weights=WEIGHTS)
def test_the_weights_add_up(features: Matrix, weights: dict[str, float]) -> None:
    apart = [weights[name] * features[:, k] for k, name in enumerate(NAMES)]
    assert weigh(features, weights) == pytest.approx(sum(apart), abs=1e-9)


def test_nothing_to_score_is_no_error() -> None:
    assert weigh(np.zeros((0, len(NAMES))), START).shape == (0,)


# The weights of a strategy


def test_before_its_first_lesson_a_ranker_has_the_weights_of_the_start() -> None:
    assert weights_of(SlateConfig(), SmallKnowledge()) == START


def test_what_was_learned_counts_and_what_was_not_is_as_at_the_start() -> None:
    knowledge = SmallKnowledge()
    knowledge.learned["hybrid"] = {"close": 5.0}
    assert weights_of(SlateConfig(), knowledge) == {**START, "close": 5.0}


def test_a_strategy_ranks_by_what_it_has_learned_itself() -> None:
    knowledge = SmallKnowledge()
    knowledge.learned["other"] = {"close": 5.0}
    assert weights_of(SlateConfig(), knowledge) == START


def test_a_strategy_that_says_its_weights_learns_none() -> None:
    knowledge = SmallKnowledge()
    knowledge.learned["hybrid"] = {"close": 5.0}
    fixed = SlateConfig(ranker={"fresh": 1.0})
    assert weights_of(fixed, knowledge) == {**dict.fromkeys(NAMES, 0.0), "fresh": 1.0}


# Slopes


@LAW
@given(features=FEATURES, weights=WEIGHTS, data=st.data())
def test_the_slope_is_that_of_the_log_likelihood(
    features: Matrix, weights: dict[str, float], data: st.DataObject
) -> None:
    chosen = data.draw(st.integers(0, len(features) - 1))
    found = slope(features, weigh(features, weights), chosen)
    for name in NAMES:
        up, down = (
            likelihood(features, moved(weights, name, by), chosen) for by in (SMALL, -SMALL)
        )
        assert found[name] == pytest.approx((up - down) / (2 * SMALL), abs=1e-4), name


@LAW
@given(features=FEATURES, data=st.data())
def test_a_lesson_makes_the_score_of_the_chosen_rise_against_the_others(
    features: Matrix, data: st.DataObject
) -> None:
    chosen = data.draw(st.integers(0, len(features) - 1))
    scores = weigh(features, START)
    step = slope(features, scores, chosen)
    if max(abs(part) for part in step.values()) < 1e-3:
        return  # it could not have been told from the others
    learned = fold_lesson(Ranker(), Lesson(step, 0, 0), start=START).weights
    before, after = (expected(scores, features, w, chosen) for w in (START, learned))
    assert after > before


def expected(scores: NDArray[np.float64], features: Matrix, weights: object, chosen: int) -> float:
    """How far the chosen one stands above what was expected of a choice before."""
    assert isinstance(weights, dict)
    odds = np.exp(scores - scores.max())
    above = features[chosen] - (odds / odds.sum()) @ features
    return float(above @ np.array([weights[name] for name in NAMES]))


def test_what_distinguishes_the_chosen_one_counts_more() -> None:
    assert slope(single("close", 1.0, -1.0), np.zeros(2), chosen=0)["close"] == 1.0
    assert slope(single("close", 1.0, -1.0), np.zeros(2), chosen=1)["close"] == -1.0


def test_who_was_certain_already_learns_nothing() -> None:
    features = single("close", 1.0, -1.0)
    step = slope(features, np.array([50.0, -50.0]), chosen=0)
    assert set(step.values()) == {0.0}


def test_scores_beyond_what_can_be_raised_to_a_power_are_no_error() -> None:
    step = slope(single("close", 1.0, -1.0), np.array([5000.0, -5000.0]), chosen=1)
    assert step["close"] == -2.0


def test_a_choice_of_one_teaches_nothing() -> None:
    assert set(slope(single("close", 1.0), np.zeros(1), chosen=0).values()) == {0.0}


def test_a_step_can_be_written_as_json() -> None:
    step = slope(single("close", 1.0, -1.0), np.zeros(2), chosen=0)
    assert {type(part) for part in step.values()} == {float}
