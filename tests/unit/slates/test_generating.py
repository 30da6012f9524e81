"""The role `generate`: what the model names counts where it is there, and is never shown else."""

import pytest

from slates.generating import Generate
from slates.titles import ByName
from streams.errors import ModelUnavailable
from tests.support.drafts import TERMS, Script, draft, ids, saying

NAMED = (
    '{"titles": [{"title": "Item 29", "year": 1929}, {"title": "Emma", "year": 1815},'
    ' {"title": "Never Made", "year": 2031}, {"title": "item 28", "year": null}]}'
)
CATALOGUE = ByName(
    [("h1", "Emma (1815)"), *((f"i{k}", f"Item {k} ({1900 + k})") for k in range(30))]
)


async def test_no_candidate_is_told() -> None:
    model = saying(NAMED)
    await Generate(TERMS).refine(draft(30), model, within=5.0)
    assert "Item" not in model.asked[0].messages[-1].content


async def test_what_is_on_the_shortlist_moves_up() -> None:
    found = await Generate(TERMS).refine(draft(30), saying(NAMED), within=5.0)
    assert sorted(found.order) == sorted(ids(30))
    assert found.order.index("i29") < 29
    assert found.order.index("i28") < 28


async def test_what_is_not_in_the_catalogue_is_counted_and_not_shown() -> None:
    found = await Generate(TERMS, CATALOGUE).refine(draft(30), saying(NAMED), within=5.0)
    assert (found.counts["unknown"], found.counts["outside_catalogue"]) == (2, 1)
    assert set(found.order) == set(ids(30))


async def test_without_a_catalogue_all_off_the_shortlist_is_outside() -> None:
    found = await Generate(TERMS).refine(draft(30), saying(NAMED), within=5.0)
    assert found.counts["outside_catalogue"] == 2


async def test_the_large_model_is_asked_only_where_the_small_one_named_no_candidate() -> None:
    model = saying(NAMED)
    await Generate(TERMS).refine(draft(30), model, within=5.0)
    assert [question.size for question in model.asked] == ["small"]
    model = Script(lambda q: NAMED if q.size == "large" else '{"titles": []}')
    found = await Generate(TERMS).refine(draft(30), model, within=5.0)
    assert found.model == "the large one"


async def test_nothing_on_the_shortlist_leaves_revision_one() -> None:
    with pytest.raises(ModelUnavailable) as caught:
        await Generate(TERMS).refine(draft(30), saying("1. Never Made (2031)"), within=5.0)
    assert caught.value.reason == "unusable"
