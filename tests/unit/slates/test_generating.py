"""The role `generate`: what the model names counts where it is there, and is never shown else."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from slates.config import SlateConfig
from slates.draft import Candidate, Draft
from slates.generating import SHORTLIST_ONLY, Generate
from slates.library import Library
from slates.revising import NAMED as BY_MODEL
from slates.revising import revise
from slates.titles import ByName
from streams.errors import ModelUnavailable
from tests.support.drafts import TERMS, Script, draft, ids, saying

NAMED = (
    '{"titles": [{"title": "Item 29", "year": 1929}, {"title": "Emma", "year": 1815},'
    ' {"title": "Never Made", "year": 2031}, {"title": "item 28", "year": null}]}'
)
ELSEWHERE = '{"titles": [{"title": "Solaris", "year": 1961}, {"title": "Item 3", "year": 1903}]}'


class Shelves(Library):
    """A catalogue: the shortlist, what was had, and more."""

    titles = ByName(
        [
            ("h1", "Emma (1815)"),
            ("s", "Solaris (1961)"),
            ("gone", "Gone (1999)"),
            *((f"i{k}", f"Item {k} ({1900 + k})") for k in range(30)),
        ]
    )

    def __init__(self, **near: str) -> None:
        self.near_ones = near
        self.asked: list[str] = []

    def find(self, title: str) -> str | None:
        return self.titles.find(title)

    async def near(self, titles: Sequence[str]) -> Mapping[str, str]:
        self.asked += titles
        return {title: self.near_ones[title] for title in titles if title in self.near_ones}

    def candidate(self, item_id: str, draft: Draft) -> Candidate | None:
        if item_id in draft.barred or item_id == "gone":
            return None
        return Candidate(item_id, f"Title of {item_id}", 0.1, people=9)


def with_all(library: Library | None = None) -> Generate:
    return Generate(replace(TERMS, library=library or Shelves()))


def about(**others: object) -> Draft:
    return draft(30, **{"barred": ("h1", "h2"), **others})  # type: ignore[arg-type]


async def test_no_candidate_is_told() -> None:
    model = saying(NAMED)
    await Generate(TERMS).refine(draft(30), model, within=5.0)
    assert "Item" not in model.asked[0].messages[-1].content


async def test_what_is_on_the_shortlist_moves_up() -> None:
    found = await Generate(TERMS).refine(draft(30), saying(NAMED), within=5.0)
    assert sorted(found.order) == sorted(ids(30))
    assert found.order.index("i29") < 29
    assert found.order.index("i28") < 28


async def test_an_item_of_the_catalogue_that_the_engine_did_not_think_of_comes_up() -> None:
    found = await with_all().refine(about(), saying(ELSEWHERE), within=5.0)
    assert sorted(found.order) == sorted([*ids(30), "s"])
    assert [each.item_id for each in found.further] == ["s"]
    assert found.order.index("s") < 10
    slate = revise(about(), found, config=SlateConfig(), now=2.0, took=1.0)
    (item,) = [item for item in slate.items if item.item_id == "s"]
    assert (item.title, item.sources) == ("Title of s", {BY_MODEL: 0.1})
    assert item.reasons[0].evidence == {"people": 9}


async def test_for_who_is_known_well_it_stays_behind_the_slate() -> None:
    known = about(interactions=2_000)
    found = await with_all().refine(known, saying(ELSEWHERE), within=5.0)
    assert found.order.index("s") == 10


async def test_what_the_user_had_or_asked_not_to_see_stays_away_though_it_is_named() -> None:
    found = await with_all().refine(about(barred=("h1", "s")), saying(ELSEWHERE), within=5.0)
    assert (found.further, found.counts["unknown"]) == ((), 1)
    assert "outside_catalogue" not in found.counts
    assert sorted(found.order) == sorted(ids(30))


async def test_what_may_not_be_shown_for_another_reason_stays_away() -> None:
    gone = '{"titles": [{"title": "Gone", "year": 1999}, {"title": "Item 3", "year": 1903}]}'
    found = await with_all().refine(about(), saying(gone), within=5.0)
    assert not found.further


async def test_what_is_not_in_the_catalogue_is_counted_and_not_shown() -> None:
    found = await with_all().refine(about(), saying(NAMED), within=5.0)
    assert (found.counts["unknown"], found.counts["outside_catalogue"]) == (2, 1)
    assert set(found.order) == set(ids(30))


async def test_what_no_name_finds_is_looked_for_by_vectors_and_nothing_else_is() -> None:
    shelves = Shelves(**{"Soljaris (1961)": "s"})
    said = '{"titles": [{"title": "Soljaris", "year": 1961}, {"title": "Item 3", "year": 1903}]}'
    found = await with_all(shelves).refine(about(), saying(said), within=5.0)
    assert shelves.asked == ["Soljaris (1961)"]
    assert [each.item_id for each in found.further] == ["s"]


async def test_without_a_catalogue_all_off_the_shortlist_is_outside_and_the_slate_says_so() -> None:
    found = await Generate(TERMS).refine(draft(30), saying(NAMED), within=5.0)
    assert found.counts["outside_catalogue"] == 2
    assert SHORTLIST_ONLY in found.degraded
    found = await with_all().refine(about(), saying(NAMED), within=5.0)
    assert SHORTLIST_ONLY not in found.degraded


async def test_the_large_model_is_asked_only_where_the_small_one_named_no_candidate() -> None:
    model = saying(NAMED)
    await Generate(TERMS).refine(draft(30), model, within=5.0)
    assert [question.size for question in model.asked] == ["small"]
    model = Script(lambda q: NAMED if q.size == "large" else '{"titles": []}')
    found = await Generate(TERMS).refine(draft(30), model, within=5.0)
    assert found.model == "the large one"


async def test_nothing_that_can_be_shown_leaves_revision_one() -> None:
    with pytest.raises(ModelUnavailable) as caught:
        await with_all().refine(about(), saying("1. Never Made (2031)"), within=5.0)
    assert caught.value.reason == "unusable"


async def test_a_title_named_twice_in_other_words_counts_once() -> None:
    shelves = Shelves(**{"Soljaris": "s"})
    said = "1. Solaris (1961)\n2. Soljaris\n3. Item 3 (1903)"
    found = await with_all(shelves).refine(about(), saying(said), within=5.0)
    assert found.counts["repeats"] == 1
    assert len(set(found.order)) == len(found.order)
