"""A model is asked where it pays and nowhere else, and the slate says why either way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.building import Built, build
from slates.cascade import judge, undecided
from slates.config import DAY, SlateConfig
from slates.testing import SmallKnowledge
from streams.items import ItemFacts
from streams.profiles import Profile
from streams.requests import SlateRequest
from streams.trends import Trend
from tests.support.laws import law

NOW = 20_000 * DAY
LAW = law(100)
CROWD = Trend(popularity=5.0, at=NOW, interactions=50, supporters=40)
REFINED: dict[str, Any] = {"refinement": "rerank", "size": 2, "explore_share": 0.0}


def catalogue(*, items: int = 6, trend: Trend = CROWD) -> SmallKnowledge:
    knowledge = SmallKnowledge()
    for n in range(items):
        knowledge.announce(f"i{n}", [1.0, float(n)], ItemFacts(f"Item {n}"))
        knowledge.follow(f"i{n}", trend)
    return knowledge


def asked(
    knowledge: SmallKnowledge | None = None,
    *,
    interactions: int = 100,
    scores: list[float] | None = None,
    request: SlateRequest = SlateRequest(user_id="ann"),  # noqa: B008 (frozen)
    **config: Any,
) -> str:
    """What stands on the slate; by default the engine knows the user, the items, and its mind."""
    knowledge = knowledge or catalogue()
    wanted = SlateConfig(**{**REFINED, **config})
    built = build(request, Profile(), knowledge, now=NOW, config=wanted)
    built = with_scores(built, scores or [9.0, 4.0, 1.0, 0.0, 0.0, 0.0])
    verdict = judge(request, built, knowledge, interactions=interactions, config=wanted)
    return "" if verdict is None else str(verdict)


def with_scores(built: Built, scores: list[float]) -> Built:
    few = np.array(scores[: len(built.shortlist.scores)])
    shortlist = replace(built.shortlist, scores=few, order=np.argsort(-few, kind="stable"))
    return replace(built, prepared=replace(built.prepared, shortlist=shortlist))


def test_where_the_engine_knows_user_items_and_its_mind_nobody_is_asked() -> None:
    assert asked() == "skipped: sure"


def test_without_a_refinement_nothing_is_said_at_all() -> None:
    assert asked(refinement="none", interactions=0) == ""


def test_a_cold_user_is_worth_it() -> None:
    assert asked(interactions=4) == "asked: cold"
    assert asked(interactions=5) == "skipped: sure"


def test_a_slate_of_items_nobody_knows_is_worth_it() -> None:
    assert asked(catalogue(trend=Trend())) == "asked: new"


def test_one_unknown_item_by_merit_is_not_enough() -> None:
    knowledge = catalogue(items=2)
    knowledge.follow("i0", Trend())
    assert asked(knowledge) == "skipped: sure"


def test_scores_that_are_alike_are_worth_it() -> None:
    assert asked(scores=[1.0] * 6) == "asked: uncertain"


def test_a_request_in_words_is_always_read_also_where_the_strategy_names_no_model() -> None:
    words = SlateRequest(user_id="ann", words="something short")
    assert asked(request=words) == "asked: words"
    assert asked(request=words, refinement="none") == "asked: words"


def test_who_names_the_strategy_wants_it() -> None:
    named = SlateRequest(user_id="ann", strategy="rerank")
    assert asked(request=named, strategy="rerank") == "asked: request"


def test_a_scenario_can_ask() -> None:
    row = SlateRequest(user_id="ann", scenario="next")
    assert asked(request=row, refine_scenarios=("next",)) == "asked: scenario"
    assert asked(refine_scenarios=("next",)) == "skipped: sure"


def test_a_strategy_can_ask_for_every_slate() -> None:
    assert asked(refine_when=("always",)) == "asked: always"


@pytest.mark.parametrize(
    "unlike", [{"interactions": 0}, {"scores": [1.0] * 6}], ids=["cold", "uncertain"]
)
def test_a_cause_that_the_strategy_does_not_name_is_none(unlike: dict[str, Any]) -> None:
    assert asked(refine_when=(), **unlike) == "skipped: sure"


def test_an_empty_slate_gives_a_model_nothing_to_order() -> None:
    assert asked(SmallKnowledge(), interactions=0) == "skipped: empty"


@LAW
@given(st.lists(st.floats(-50, 50), min_size=1, max_size=20), st.floats(-50, 50))
def test_doubt_is_a_share_and_does_not_depend_on_where_scores_begin(
    scores: list[float], shift: float
) -> None:
    doubt = undecided(np.sort(np.array(scores))[::-1])
    assert 0.0 < doubt <= 1.0
    moved = undecided(np.sort(np.array(scores))[::-1] + shift)
    assert moved == pytest.approx(doubt, abs=1e-6)


@LAW
@given(st.lists(st.floats(-5, 5), min_size=2, max_size=20), st.floats(1.1, 5.0))
def test_the_further_scores_are_apart_the_smaller_the_doubt(
    scores: list[float], times: float
) -> None:
    near = np.sort(np.array(scores))[::-1]
    assert undecided(near * times) <= undecided(near) + 1e-9
