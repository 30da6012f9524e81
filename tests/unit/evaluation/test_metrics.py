"""The metrics are those of trec_eval, checked against ir-measures, and what their names promise."""

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.metrics import CUTOFFS, DEPTH, KINDS, NAMES, judge
from tests.support.laws import law

THEIRS = {
    "hr": ir_measures.Success,
    "ndcg": ir_measures.nDCG,
    "mrr": ir_measures.RR,
    "recall": ir_measures.R,
    "precision": ir_measures.P,
    "map": ir_measures.AP,
}
ITEMS = [f"i{number:02}" for number in range(40)]
rankings = st.permutations(ITEMS).map(lambda items: items[:DEPTH])
choices = st.sets(st.sampled_from(ITEMS), min_size=1, max_size=30)


def figures(ranked: list[str], relevant: set[str]) -> dict[str, float]:
    return dict(zip(NAMES, judge(ranked, relevant).tolist(), strict=True))


def by_ir_measures(ranked: list[str], relevant: set[str]) -> dict[str, float]:
    measures = {f"{kind}@{k}": THEIRS[kind] @ k for kind in KINDS for k in CUTOFFS}
    judged = {"q": dict.fromkeys(relevant, 1)}
    run = {"q": {item: float(-place) for place, item in enumerate(ranked)}}
    found = ir_measures.calc_aggregate(list(measures.values()), judged, run)
    return {name: found[measure] for name, measure in measures.items()}


@law(60)
@given(rankings, choices)
def test_every_metric_is_that_of_ir_measures(ranked: list[str], relevant: set[str]) -> None:
    assert figures(ranked, relevant) == pytest.approx(by_ir_measures(ranked, relevant), abs=1e-6)


@law(20)
@given(st.lists(st.sampled_from(ITEMS), unique=True, min_size=1, max_size=8), choices)
def test_short_lists_are_judged_alike(ranked: list[str], relevant: set[str]) -> None:
    assert figures(ranked, relevant) == pytest.approx(by_ir_measures(ranked, relevant), abs=1e-6)


@given(rankings, choices)
def test_no_metric_leaves_the_range_from_0_to_1(ranked: list[str], relevant: set[str]) -> None:
    row = judge(ranked, relevant)
    assert (row >= 0).all()
    assert (row <= 1 + 1e-12).all()


@given(rankings)
def test_a_longer_list_never_has_a_lower_hit_rate(ranked: list[str]) -> None:
    found = figures(ranked, {ITEMS[0]})
    assert found["hr@5"] <= found["hr@10"] <= found["hr@20"]


def test_all_that_was_chosen_at_the_top_is_perfect() -> None:
    found = figures(["a", "b", "c"], {"a", "b"})
    assert [found[f"{kind}@10"] for kind in ("hr", "ndcg", "mrr", "recall", "map")] == [1.0] * 5


def test_the_tenth_place_counts_and_the_eleventh_does_not() -> None:
    assert figures(ITEMS, {ITEMS[9]})["hr@10"] == 1.0
    assert figures(ITEMS, {ITEMS[10]})["hr@10"] == 0.0


def test_the_fourth_place_has_the_gain_of_the_paper() -> None:
    assert figures(ITEMS, {ITEMS[3]})["ndcg@10"] == pytest.approx(1 / np.log2(5))


def test_an_empty_list_hits_nothing() -> None:
    assert not judge([], {"a"}).any()
