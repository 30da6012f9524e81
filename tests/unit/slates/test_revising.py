"""Revision 2 is the same slate with the model's order, or the same slate with a mark."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from slates.checking import misread
from slates.config import SlateConfig
from slates.draft import Candidate, Had
from slates.revising import mark, revise
from slates.slate import Reason, Slate
from tests.support.drafted import AT, POPULAR, draft_of, refined_of, slate_of
from tests.support.laws import law

LAW = law(100)
SEA = Had("sea", "Nautilus", "like", AT - 9, 2.0, attributes={"author": "Verne"})
OPENED = Had("moon", "The Moon", "click", AT - 5, 1.0, attributes={"author": "Verne"})


def revised(order: str, **draft: object) -> Slate:
    made = draft_of(**draft)  # type: ignore[arg-type]
    return revise(made, refined_of(order), config=SlateConfig(), now=AT + 1, took=0.9)


def ids(slate: Slate) -> str:
    return "".join(item.item_id for item in slate.items)


def test_the_order_is_the_models_and_ranks_are_places() -> None:
    slate = revised("bacd")
    assert ids(slate) == "ba"
    assert [item.rank for item in slate.items] == [0, 1]
    assert (slate.revision, slate.ranked_by) == (2, "model")


def test_it_is_the_same_slate_but_for_what_the_model_did() -> None:
    first, second = slate_of("ab"), revised("bacd")
    kept = {
        name: getattr(second, name)
        for name in ("slate_id", "user_id", "trigger", "strategy", "scenario", "refinement")
    }
    assert kept == {name: getattr(first, name) for name in kept}
    assert (second.versions.encoder, second.versions.trends) == ("a model", {0: 11})
    assert (second.versions.prompt, second.versions.model) == ("rerank/1", "small")
    assert (second.tokens, second.timings.refined, second.produced_at) == (320, 0.9, AT + 1)
    assert second.timings.retrieved == first.timings.retrieved


def test_what_was_degraded_before_stays_so_beside_what_the_model_left_out() -> None:
    draft = draft_of(slate=slate_of("ab", degraded=("replica-behind: x",)))
    said = refined_of("ab", degraded=("reply: repaired, 1 missing",))
    slate = revise(draft, said, config=SlateConfig(), now=AT, took=0.1)
    assert slate.degraded == ("replica-behind: x", "reply: repaired, 1 missing")


def test_reasons_of_the_model_take_the_place_of_the_engines_and_others_stay() -> None:
    told = Reason("new", "New: published a day ago", {"published_at": 1.0, "days": 1})
    said = refined_of("ab", reasons={"b": (told,)})
    slate = revise(draft_of(), said, config=SlateConfig(), now=AT, took=0.1)
    assert [item.reasons for item in slate.items] == [(POPULAR,), (told,)]


def test_an_item_brought_up_is_explained_by_what_the_user_liked() -> None:
    slate = revised("ca", attributes={"c": {"author": "Verne"}}, history=(OPENED, SEA))
    (reason,) = slate.items[0].reasons
    assert reason.text == "More by “Verne”, whom you liked in “Nautilus”"
    assert reason.evidence["items"] == ["sea"]
    assert not list(misread(reason))


def test_an_item_that_shares_nothing_is_explained_by_its_crowd() -> None:
    assert revised("ca").items[0].reasons[0].evidence == {"people": 40}


def test_no_count_of_people_is_quoted_below_a_crowd() -> None:
    (few,) = revised("ca", people=4).items[0].reasons
    (nobody,) = revised("ca", people=0).items[0].reasons
    assert (few.kind, few.evidence) == ("explore", {"fewer_than": 5})
    assert (nobody.kind, nobody.evidence) == ("explore", {"people": 0})
    assert not [*misread(few), *misread(nobody)]


def test_what_the_user_turned_down_speaks_for_nothing() -> None:
    skipped = msgspec.structs.replace(SEA, action="skip", gain=-1.0)
    slate = revised("ca", attributes={"c": {"author": "Verne"}}, history=(skipped,))
    assert slate.items[0].reasons[0].kind == "popular"


def test_caps_hold_for_the_model_too() -> None:
    """Two by one author is the most; the third gives way to what comes next."""
    by = {i: {"author": "Verne"} for i in "abc"}
    slate = revised("cbad", attributes=by, n=3)
    assert ids(slate) == "cbd"


def test_caps_hold_for_what_the_model_has_named_off_the_shortlist() -> None:
    """Of three by one author that comes last which the engine has shown."""
    verne = {"author": "Verne"}
    draft = draft_of(attributes=dict.fromkeys("ab", verne), n=3)
    named = Candidate("s", "Solaris", 0.1, attributes=verne, people=9)
    slate = revise(
        draft, refined_of("sabc", further=(named,)), config=SlateConfig(), now=AT, took=0.1
    )
    assert ids(slate) == "sac"
    assert slate.items[0].sources == {"model": 0.1}
    assert slate.items[0].reasons


def test_where_caps_leave_too_few_the_others_fill_the_slate_up() -> None:
    by = {i: {"author": "Verne"} for i in "abcd"}
    assert ids(revised("cbad", attributes=by, n=3)) == "cba"


def test_an_order_that_the_engine_has_shown_stays_whatever_the_caps_say() -> None:
    by = {i: {"author": "Verne"} for i in "abcd"}
    slate = revised("abcd", item_ids="abc", further="d", attributes=by, n=3)
    assert ids(slate) == "abc"


def test_a_mark_changes_nothing_and_says_what_failed() -> None:
    first = slate_of("ab")
    marked = mark(draft_of(), "timeout", now=AT + 5, took=5.0)
    assert mark(draft_of(), "cut-off", now=AT, took=0.1, tokens=77).tokens == 77
    assert marked.items == first.items
    assert (marked.revision, marked.ranked_by) == (2, "engine")
    assert marked.degraded == ("model: timeout",)
    assert (marked.tokens, marked.versions.model) == (0, "")


@LAW
@given(st.permutations("abcdefgh"), st.integers(1, 8), st.sets(st.sampled_from("abcdefgh")))
def test_no_item_is_lost_invented_or_repeated_and_each_has_a_reason(
    order: list[str], n: int, verne: set[str]
) -> None:
    by = {i: {"author": "Verne"} for i in verne}
    draft = draft_of("abcdefgh"[:n], further="abcdefgh"[n:], attributes=by, n=n)
    slate = revise(draft, refined_of(order), config=SlateConfig(), now=AT, took=0.1)
    assert len(set(ids(slate))) == len(slate.items) == n
    assert all(item.reasons for item in slate.items)
