"""The role `prompt`, in its three ways of putting a history."""

import pytest

from slates.prompted import FILES, Recommend
from slates.prompting import load_prompt
from slates.refinements import REFINEMENTS, make_refinements
from streams.errors import ModelUnavailable
from tests.support.drafts import TERMS, draft, ids, saying, shown

PICKS = '{"ids": [30, 25, 20]}'


@pytest.mark.parametrize("file", FILES)
async def test_the_whole_shortlist_is_shown_and_some_are_named(file: str) -> None:
    model = saying(PICKS)
    found = await Recommend(TERMS, file).refine(draft(30, n=3), model, within=5.0)
    assert len(shown(model.asked[0])) == 30
    assert sorted(found.order) == sorted(ids(30))
    assert found.order.index("i29") < 29
    assert (found.calls, found.prompt) == (1, file.removesuffix("-1") + "/1")
    assert found.degraded == ()


async def test_recency_says_what_is_newest() -> None:
    model = saying(PICKS)
    await Recommend(TERMS, "prompt-recency-1").refine(draft(), model, within=5.0)
    said = model.asked[0].messages[-1].content
    assert said.index('"Emma (1815)" 1\n"Dune (1965)" -1') < said.index("newest of all")
    assert 'newest of all is:\n"Emma (1815)" 1' in said


async def test_in_context_the_newest_is_the_example() -> None:
    model = saying(PICKS)
    await Recommend(TERMS, "prompt-in-context-1").refine(draft(), model, within=5.0)
    said = model.asked[0].messages[-1].content
    assert 'After this history:\n"Dune (1965)" -1\nthe right recommendation was:\n"Emma' in said


async def test_a_stranger_without_history_can_be_asked_about() -> None:
    model = saying(PICKS)
    for file in FILES:
        await Recommend(TERMS, file).refine(draft(history=()), model, within=5.0)
    assert "(none)" in model.asked[0].messages[-1].content


async def test_titles_in_place_of_numbers_are_understood_and_counted() -> None:
    model = saying("1. Item 29 (1929)\n2. Item 28 (1928)\n3. Nothing of the kind (1999)")
    found = await Recommend(TERMS).refine(draft(30, n=3), model, within=5.0)
    assert found.order.index("i29") < 29
    assert found.counts["outside_catalogue"] >= 1
    assert found.counts["wrong_format"] >= 1


async def test_nothing_said_leaves_revision_one() -> None:
    with pytest.raises(ModelUnavailable):
        await Recommend(TERMS).refine(draft(), saying(""), within=5.0)


def test_every_role_can_be_made_by_its_name() -> None:
    assert {"prompt", "prompt-recency", "prompt-in-context", "rerank", "generate"} <= set(
        REFINEMENTS
    )
    assert list(make_refinements(TERMS)) == list(REFINEMENTS)


@pytest.mark.parametrize("file", FILES)
def test_examples_are_in_the_form_that_is_asked_for(file: str) -> None:
    from slates.replies import read_reply

    prompt = load_prompt(file, blanks=FILES[file])
    replies = [read_reply(example.assistant) for example in prompt.examples]
    assert replies
    assert {reply.form for reply in replies} == {"schema"}
