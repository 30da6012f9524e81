"""Figures are means over answers, their intervals are over users, and parts make up the whole."""

import numpy as np
import pytest

from evaluation.contender import Observation
from evaluation.past import Past
from evaluation.scores import Answer, Scores
from evaluation.summary import course, interval, summarise


def scored(*answers: tuple[str, bool], lengths: list[int] | None = None) -> Scores:
    """Answers to users, each a hit at the first place or none."""
    scores, past = Scores(items={"hit", "miss"}), Past()
    for number, (user, hit) in enumerate(answers):
        scores.add(Answer(user, ["hit" if hit else "miss"], {"hit"}), past)
        if lengths:
            scores.lengths[-1] = lengths[number]
        past.add(Observation(user, "hit", at=float(number)))
    return scores


def test_a_figure_is_the_mean_over_answers() -> None:
    figures = summarise(scored(("ann", True), ("ann", True), ("bob", False), ("bob", True)))
    assert figures["hr@10"] == 0.75


def test_precision_of_one_hit_in_ten_places_is_a_tenth() -> None:
    assert summarise(scored(("ann", True)))["precision@10"] == 0.1


def test_the_mean_lies_in_its_interval() -> None:
    rng = np.random.default_rng(0)
    figures = summarise(scored(*((f"u{k % 30}", bool(rng.random() < 0.3)) for k in range(300))))
    low, high = figures["hr@10_ci"]
    assert low < figures["hr@10"] < high


def test_answers_to_one_user_say_no_more_than_one() -> None:
    table, users = np.array([[1.0], [0.0]] * 50), np.arange(100) % 2
    many = np.repeat(np.arange(50), 2)
    low, high = interval(table, users, seed=0)
    assert (low[0], high[0]) == (0.0, 1.0)
    low, high = interval(table, many, seed=0)
    assert low[0] == high[0] == 0.5


def test_an_interval_is_as_wide_as_the_normal_one() -> None:
    rng = np.random.default_rng(1)
    column = rng.random(2000) < 0.2
    low, high = interval(column[:, None].astype(float), np.arange(2000), seed=0)
    expected = 2 * 1.96 * np.sqrt(0.2 * 0.8 / 2000)
    assert high[0] - low[0] == pytest.approx(expected, rel=0.15)


def test_the_same_seed_gives_the_same_interval() -> None:
    scores = scored(("ann", True), ("bob", False), ("eve", True))
    assert summarise(scores, seed=5)["hr@10_ci"] == summarise(scores, seed=5)["hr@10_ci"]


def test_a_user_of_fewer_than_five_events_is_cold() -> None:
    parts = summarise(scored(("ann", True), ("bob", False), lengths=[4, 5]))["by"]["user"]
    assert (parts["cold"]["hr@10"], parts["warm"]["hr@10"]) == (1.0, 0.0)


@pytest.mark.parametrize("split", ["user", "item", "history"])
def test_the_parts_make_up_the_whole(split: str) -> None:
    figures = summarise(scored(*((f"u{k % 7}", k % 3 == 0) for k in range(200))))
    parts = [part for part in figures["by"][split].values() if part["n"]]
    assert sum(part["n"] for part in parts) == figures["n"]
    total = sum(part["n"] * part["ndcg@10"] for part in parts) / figures["n"]
    assert total == pytest.approx(figures["ndcg@10"])


def test_history_lengths_fall_into_their_ranges() -> None:
    lengths = [0, 1, 4, 5, 19, 20, 99, 100, 5000]
    scores = scored(*((f"u{k}", True) for k in range(9)), lengths=lengths)
    parts = summarise(scores)["by"]["history"]
    counts = {name: part["n"] for name, part in parts.items()}
    assert counts == {"0": 1, "1-4": 2, "5-19": 2, "20-99": 2, "100+": 2}


def test_coverage_is_the_share_of_all_items() -> None:
    figures = summarise(scored(("ann", True), ("bob", True)))
    assert (figures["coverage@10"], figures["gini@10"]) == (0.5, 0.5)


def test_time_of_an_event_is_that_of_a_question_and_a_lesson() -> None:
    scores = scored(("ann", True))
    scores.rank_seconds, scores.learn_seconds = [2e-6, 4e-6], [1e-6]
    assert summarise(scores)["us_per_event"] == pytest.approx(4.0)


def test_the_course_of_a_metric_is_in_the_order_of_the_stream() -> None:
    scores = scored(*(("ann", k >= 50) for k in range(100)))
    x, y = course(scores, name="hr@10", points=4)
    assert x.tolist() == [0.125, 0.375, 0.625, 0.875]
    assert y.tolist() == [0.0, 0.0, 1.0, 1.0]
