"""The role `rerank`: windows, shuffles, repair, and what is left when the model gives up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.reranking import WINDOW, Plan, Rerank, window_begins
from streams.errors import ModelUnavailable
from tests.support.drafts import TERMS, Script, draft, ids, preferring, saying, shown

WORST_FIRST = [f"Item {k} ({1900 + k})" for k in reversed(range(100))]
GONE = ModelUnavailable("gone", reason="refused")


async def test_one_window_over_the_best_in_one_call() -> None:
    model = Script(preferring(WORST_FIRST))
    found = await Rerank(TERMS).refine(draft(30), model, within=5.0)
    assert len(shown(model.asked[0])) == WINDOW
    assert (found.calls, found.prompt, found.degraded) == (1, "rerank/1", ())
    assert sorted(found.order) == sorted(ids(30))
    assert list(found.order[20:]) == ids(30)[20:]
    assert found.order != tuple(ids(30))


async def test_a_strangers_order_is_half_the_models() -> None:
    model = saying('{"order": [3, 1, 2]}')
    found = await Rerank(TERMS).refine(draft(3), model, within=5.0)
    assert found.order == ("i0", "i2", "i1")


async def test_a_user_with_much_history_moves_hardly() -> None:
    model = Script(preferring(WORST_FIRST))
    cold = await Rerank(TERMS).refine(draft(interactions=0), model, within=5.0)
    warm = await Rerank(TERMS).refine(draft(interactions=2_000), model, within=5.0)
    assert list(warm.order) == ids(30)
    assert list(cold.order) != ids(30)


async def test_windows_bring_up_what_stands_last() -> None:
    model = Script(preferring([f"Item 99 ({1999})"]))
    found = await Rerank(TERMS, Plan(depth=100)).refine(draft(100), model, within=9.0)
    assert found.calls == len(window_begins(100)) == 9
    assert shown(model.asked[-1])[WINDOW // 2][1] == "Item 99 (1999)"
    assert found.order.index("i99") < 40


async def test_texts_are_told_in_the_front_window_alone() -> None:
    model = Script(preferring(WORST_FIRST))
    await Rerank(TERMS, Plan(depth=100)).refine(draft(100), model, within=9.0)
    told = ["About " in question.messages[-1].content for question in model.asked]
    assert told == [False] * 8 + [True]


async def test_windows_that_fail_on_the_way_leave_what_is_done() -> None:
    replies = iter(range(3))
    first = preferring(WORST_FIRST)
    model = Script(lambda question: first(question) if next(replies, None) is not None else GONE)
    found = await Rerank(TERMS, Plan(depth=100)).refine(draft(100), model, within=9.0)
    assert "windows: 3 of 9, refused" in found.degraded
    assert sorted(found.order) == sorted(ids(100))


async def test_a_model_that_is_gone_leaves_revision_one() -> None:
    with pytest.raises(ModelUnavailable) as caught:
        await Rerank(TERMS).refine(draft(), saying(GONE), within=5.0)
    assert caught.value.reason == "refused"


@pytest.mark.parametrize(
    ("reply", "reason"), [("", "empty"), ("7, 8 or so", "empty"), ("[99]", "unusable")]
)
async def test_a_reply_that_says_nothing_leaves_revision_one(reply: str, reason: str) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        await Rerank(TERMS).refine(draft(), saying(reply), within=5.0)
    assert caught.value.reason == reason


async def test_shuffles_take_out_that_the_first_place_is_preferred() -> None:
    """A model that repeats the order it was shown says nothing; shuffled it moves little."""
    parrot = Script(lambda question: f'{{"order": {[n for n, _ in shown(question)]}}}')
    plan = Plan(passes=3)
    found = await Rerank(TERMS, plan).refine(draft(20), parrot, within=5.0)
    orders = [[title for _, title in shown(question)] for question in parrot.asked]
    assert len({tuple(order) for order in orders}) == 3
    assert found.calls == 3
    again = Script(parrot.answer)
    await Rerank(TERMS, plan).refine(draft(20), again, within=5.0)
    assert again.asked == parrot.asked


async def test_shuffled_or_not_the_same_preference_gives_the_same_order() -> None:
    once = await Rerank(TERMS).refine(draft(20), Script(preferring(WORST_FIRST)), within=5.0)
    thrice = await Rerank(TERMS, Plan(passes=3)).refine(
        draft(20), Script(preferring(WORST_FIRST)), within=5.0
    )
    assert once.order == thrice.order


async def test_there_is_no_shuffle_without_time() -> None:
    model = Script(preferring(WORST_FIRST), seconds=2.0)
    found = await Rerank(TERMS, Plan(passes=3)).refine(draft(20), model, within=5.0)
    assert "shuffles: 2 of 3, no time left" in found.degraded
    assert found.calls == 2


async def test_a_doubtful_reply_of_the_small_model_is_asked_of_the_large_one() -> None:
    model = Script(
        lambda q: preferring(WORST_FIRST)(q) if q.size == "large" else "1. Nothing that is here"
    )
    found = await Rerank(TERMS).refine(draft(), model, within=5.0)
    assert [question.size for question in model.asked] == ["small", "large"]
    assert (found.model, found.calls, found.usage.total) == ("the large one", 2, 220)


async def test_a_good_reply_of_the_small_model_is_enough() -> None:
    model = Script(preferring(WORST_FIRST))
    found = await Rerank(TERMS).refine(draft(), model, within=5.0)
    assert [question.size for question in model.asked] == ["small"]
    assert found.model == "the small one"


async def test_without_a_large_model_the_small_ones_doubtful_reply_counts_a_little() -> None:
    model = Script(lambda q: '{"order": [20, 19]}' if q.size == "small" else GONE)
    found = await Rerank(TERMS).refine(draft(), model, within=5.0)
    assert "large-model: refused" in found.degraded
    assert found.counts["missing"] == 18
    assert "reply: repaired, 18 missing" in found.degraded


async def test_revision_one_is_what_the_order_moves_away_from() -> None:
    """Diversity and exploration of the slate are kept where the model says nothing else."""
    given = draft(30)
    slate = given.slate
    swapped = (slate.items[9], *slate.items[:9])
    from msgspec.structs import replace

    other = replace(given, slate=replace(slate, items=swapped), interactions=5_000)
    found = await Rerank(TERMS).refine(other, Script(preferring(WORST_FIRST)), within=5.0)
    assert found.order[:3] == ("i9", "i0", "i1")


async def test_no_id_of_a_user_or_an_item_stands_in_a_prompt() -> None:
    model = Script(preferring(WORST_FIRST))
    await Rerank(TERMS).refine(draft(), model, within=5.0)
    text = " ".join(message.content for message in model.asked[0].messages)
    assert not [name for name in ("ann", "i0", "i1", "h1", "slate-1") if f"{name}" in text.split()]


async def test_words_of_a_user_stand_in_a_prompt_only_where_the_setting_says_so() -> None:
    from dataclasses import replace

    said = draft(words="something for my aunt Hilda", likes="likes the sea", own_likes=True)
    model = Script(preferring(WORST_FIRST))
    without = await Rerank(TERMS).refine(said, model, within=5.0)
    allowed = await Rerank(replace(TERMS, free_text=True)).refine(said, model, within=5.0)
    texts = [question.messages[-1].content for question in model.asked]
    assert ["Hilda" in text for text in texts] == [False, True]
    assert ["the sea" in text for text in texts] == [False, True]
    assert "free-text: not passed on, by setting" in without.degraded
    assert allowed.degraded == ()


async def test_what_a_model_wrote_of_a_user_is_no_word_of_theirs() -> None:
    model = Script(preferring(WORST_FIRST))
    found = await Rerank(TERMS).refine(draft(likes="likes the sea"), model, within=5.0)
    assert '"likes the sea"' in model.asked[0].messages[-1].content
    assert found.degraded == ()


async def test_a_prompt_that_is_too_long_is_cut_and_says_so() -> None:
    from dataclasses import replace

    model = Script(preferring(WORST_FIRST))
    found = await Rerank(replace(TERMS, max_prompt_tokens=250)).refine(draft(), model, within=5.0)
    assert found.counts["cut_history"] == 2
    assert found.counts["cut_texts"] == 20
    assert any(line.startswith("prompt: cut") for line in found.degraded)


@given(st.text(max_size=200), st.integers(1, 25), st.integers(0, 500))
async def test_whatever_is_said_the_order_is_one_of_the_candidates(
    reply: str, n: int, interactions: int
) -> None:
    try:
        found = await Rerank(TERMS).refine(
            draft(n, interactions=interactions), saying(reply), within=5.0
        )
    except ModelUnavailable:
        return
    assert sorted(found.order) == sorted(ids(n))
