"""A draft has all that a prompt needs and nothing that names the user to a model."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from slates.building import build
from slates.config import DAY, SlateConfig
from slates.draft import Draft, decode_draft, encode_draft
from slates.drafting import MOST_HAD, draft_of, lean
from slates.testing import SmallKnowledge
from streams.items import ItemFacts
from streams.profiles import Entry, Likes, Profile
from streams.requests import SlateRequest
from streams.trends import Trend
from tests.support.drafted import slate_of

NOW = 20_000 * DAY


def catalogue(items: int = 30) -> SmallKnowledge:
    knowledge = SmallKnowledge()
    for n in range(items):
        facts = ItemFacts(f"Item {n}", tags=("sea", "war"), attributes={"year": 1900.0 + n})
        knowledge.announce(f"i{n:02}", [1.0, float(n)], facts)
        knowledge.follow(
            f"i{n:02}", Trend(popularity=float(n), at=NOW, interactions=n, supporters=n)
        )
    return knowledge


def drafted(
    request: SlateRequest | None = None,
    *,
    knowledge: SmallKnowledge | None = None,
    history: tuple[Entry, ...] = (),
    likes: Likes | None = None,
    own_words: bool = False,
    **config: Any,
) -> Draft:
    knowledge = knowledge or catalogue()
    request = request or SlateRequest(user_id="ann")
    wanted = SlateConfig(**{"refinement": "rerank", "size": 5, **config})
    seen = tuple(entry.item_id for entry in history)
    profile = Profile(history=history, seen=seen, likes=likes)
    built = build(request, profile, knowledge, now=NOW, config=wanted)
    slate = msgspec.structs.replace(slate_of(""), items=built.items, produced_at=NOW + 1)
    return draft_of(slate, request, built, profile, knowledge, config=wanted, own_words=own_words)


def test_the_shortlist_is_the_engines_best_by_score() -> None:
    draft = drafted(refine_top=8)
    scores = [candidate.score for candidate in draft.candidates]
    assert len(scores) == 8
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("top", [1, 5, 8, 100])
def test_all_of_the_slate_is_among_the_candidates_each_once(top: int) -> None:
    draft = drafted(refine_top=top, diversity=1.0, explore_share=0.5)
    ids = [candidate.item_id for candidate in draft.candidates]
    assert {item.item_id for item in draft.slate.items} <= set(ids)
    assert len(set(ids)) == len(ids) <= max(top, 5)


def test_a_candidate_has_title_facts_and_how_many_know_it() -> None:
    found = {candidate.item_id: candidate for candidate in drafted().candidates}
    assert found["i29"].title == "Item 29"
    assert found["i29"].attributes == {"year": 1929.0}
    assert (found["i29"].visits, found["i29"].people) == (29.0, 29)


def test_a_history_is_newest_first_each_item_once_and_not_longer_than_helps() -> None:
    history = tuple(Entry(NOW - 100 + n, f"i{n % 25:02}", "click", 1.0) for n in range(50))
    draft = drafted(history=history)
    had = [each.item_id for each in draft.history]
    assert had[:2] == ["i24", "i23"]
    assert len(set(had)) == len(had) == MOST_HAD
    assert draft.interactions == 50


def test_what_nobody_announced_is_not_in_a_history() -> None:
    assert drafted(history=(Entry(NOW, "gone", "click", 1.0),)).history == ()


def test_of_a_slate_about_an_item_the_history_is_that_item() -> None:
    about = SlateRequest(user_id="ann", scenario="similar", about="i03")
    draft = drafted(about, history=(Entry(NOW, "i07", "click", 1.0),))
    assert [(had.item_id, had.action) for had in draft.history] == [("i03", "")]


def test_words_filters_and_size_are_those_of_the_request() -> None:
    request = SlateRequest(user_id="ann", n=3, words="short", filters={"tags": "sea"})
    draft = drafted(request)
    assert (draft.words, draft.n, draft.filters) == ("short", 3, {"tags": "sea"})


def test_words_are_for_prompting_where_the_strategy_names_nothing() -> None:
    words = SlateRequest(user_id="ann", words="short")
    assert drafted(words, refinement="none").refinement == "prompt"
    assert drafted(words).refinement == "rerank"


def test_the_deadline_counts_from_when_the_slate_was_made() -> None:
    assert drafted(refine_within=2.5).deadline == NOW + 3.5


def test_a_draft_is_the_same_after_the_topic() -> None:
    draft = drafted(history=(Entry(NOW, "i03", "like", 2.0),))
    assert decode_draft(encode_draft(draft)) == draft


def test_a_lean_draft_keeps_titles_and_order_and_no_texts() -> None:
    draft = drafted(history=(Entry(NOW, "i03", "like", 2.0),))
    thin = lean(draft)
    assert [c.title for c in thin.candidates] == [c.title for c in draft.candidates]
    assert not any(each.text or each.attributes for each in (*thin.candidates, *thin.history))
    assert len(encode_draft(thin)) < len(encode_draft(draft))


@pytest.mark.parametrize(
    ("by", "allowed", "told"),
    [("user", False, ("", False)), ("user", True, ("No horror.", True))]
    + [("model", allowed, ("No horror.", False)) for allowed in (False, True)],
)
def test_what_the_user_wrote_is_on_a_draft_only_where_it_may_be(
    by: Any, allowed: bool, told: tuple[str, bool]
) -> None:
    draft = drafted(likes=Likes("No horror.", by, 0.0), own_words=allowed)
    assert (draft.likes, draft.own_likes) == told


def test_what_may_not_be_shown_is_told_to_who_may_bring_up_any_item() -> None:
    had = (Entry(NOW, "i03", "click", 1.0),)
    request = SlateRequest(user_id="ann", exclude=("i07",))
    assert drafted(request, history=had, refinement="generate").barred == ("i03", "i07")
    assert drafted(request, history=had).barred == ()


def test_what_was_found_by_words_is_among_the_candidates_though_its_score_is_low() -> None:
    knowledge = catalogue()
    facts = ItemFacts("The whale", tags=("sea",))
    knowledge.announce("whale", [-1.0, -1.0], facts)
    asked = SlateRequest(user_id="ann", words="a whale")
    top = {"refine_top": 8, "explore_share": 0.0, "retrieve": 20}
    by_words = {c.item_id for c in drafted(asked, knowledge=knowledge, **top).candidates}
    without = {c.item_id for c in drafted(knowledge=knowledge, **top).candidates}
    assert "whale" in by_words - without
    assert len(by_words) == 8
