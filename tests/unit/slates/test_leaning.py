"""A leaning is what a history has more of than the catalogue, and a single click proves little."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.config import SlateConfig
from slates.leaning import MOST, PRIOR, Leaning, derive_leaning
from slates.tastes import derive_tastes
from slates.testing import SmallKnowledge
from streams.items import ItemFacts
from streams.profiles import Entry, Profile
from tests.support.laws import law

LAW = law(50)


@pytest.fixture
def shelf() -> SmallKnowledge:
    """Ten items: two of the sea, the rest not; one author of two."""
    return shelf_of(10)


def shelf_of(count: int) -> SmallKnowledge:
    knowledge = SmallKnowledge()
    for n in range(count):
        subject = ("sea", "war") if n < 2 else ("love",)
        facts = ItemFacts(f"{n}", attributes={"subjects": subject, "by": f"{n // 2}", "year": 1.0})
        knowledge.announce(f"{n}", [1, n], facts)
    return knowledge


def leaning_of(knowledge: SmallKnowledge, *acts: tuple[str, float]) -> Leaning:
    history = tuple(Entry(float(t), i, "act", gain) for t, (i, gain) in enumerate(acts))
    tastes = derive_tastes(Profile(history=history), knowledge.index, SlateConfig())
    return derive_leaning(tastes, knowledge)


def lean(leaning: Leaning, item_ids: Sequence[str], knowledge: SmallKnowledge) -> list[float]:
    """How much somebody leans to items."""
    found: list[float] = knowledge.shelf.lean(leaning, knowledge.crowd.rows(item_ids)).tolist()
    return found


def test_it_is_the_shrunken_share_of_the_history_less_that_of_the_catalogue(
    shelf: SmallKnowledge,
) -> None:
    leaning = leaning_of(shelf, ("0", 2.0), ("5", 1.0))
    assert leaning["subjects", "sea"] == pytest.approx((2 + PRIOR * 0.2) / (3 + PRIOR) - 0.2)
    assert leaning["subjects", "love"] == pytest.approx((1 + PRIOR * 0.8) / (3 + PRIOR) - 0.8)


def test_nothing_acted_on_is_no_leaning(shelf: SmallKnowledge) -> None:
    assert leaning_of(shelf) == {}


def test_a_word_is_leant_to_under_its_own_attribute(shelf: SmallKnowledge) -> None:
    assert ("by", "0") in leaning_of(shelf, ("0", 1.0))
    assert ("subjects", "0") not in leaning_of(shelf, ("0", 1.0))


def test_numbers_are_not_leant_to(shelf: SmallKnowledge) -> None:
    assert {name for name, _ in leaning_of(shelf, ("0", 1.0))} == {"subjects", "by"}


def test_more_evidence_leans_more(shelf: SmallKnowledge) -> None:
    once = leaning_of(shelf, ("0", 1.0))
    twice = leaning_of(shelf, ("0", 1.0), ("1", 1.0))
    assert 0 < once["subjects", "sea"] < twice["subjects", "sea"] < 0.8


def test_what_all_items_have_is_not_leant_to(shelf: SmallKnowledge) -> None:
    everywhere = SmallKnowledge()
    for n in range(3):
        everywhere.announce(f"{n}", [1, n], ItemFacts("x", attributes={"kind": "book"}))
    assert leaning_of(everywhere, ("0", 3.0))["kind", "book"] == pytest.approx(0)


def test_a_dislike_leans_away(shelf: SmallKnowledge) -> None:
    leaning = leaning_of(shelf, ("0", -2.0))
    assert leaning["subjects", "sea"] < 0
    assert lean(leaning, ["1"], shelf)[0] < 0


def test_an_item_is_leant_to_by_the_sum_of_its_words(shelf: SmallKnowledge) -> None:
    leaning = {("subjects", "sea"): 0.25, ("subjects", "war"): -0.125, ("by", "0"): 0.5}
    assert lean(leaning, ["0", "5", "unheard-of"], shelf) == [0.625, 0.0, 0.0]


def test_a_sum_stays_between_minus_one_and_one(shelf: SmallKnowledge) -> None:
    for much in (0.9, -0.9):
        leaning = {("subjects", "sea"): much, ("subjects", "war"): much}
        assert lean(leaning, ["0"], shelf) == [1.0 if much > 0 else -1.0]


def test_only_the_newest_items_count() -> None:
    shelf = shelf_of(MOST + 5)
    acts = [(f"{n}", 1.0) for n in range(MOST + 5)]
    leaning = leaning_of(shelf, *acts)
    assert ("subjects", "sea") not in leaning
    assert ("by", "2") in leaning


@LAW
@given(st.lists(st.tuples(st.integers(0, 9).map(str), st.floats(-3, 3)), max_size=12))
def test_leanings_are_bounded_however_strong_the_history(acts: list[tuple[str, float]]) -> None:
    shelf = shelf_of(10)
    leaning = leaning_of(shelf, *acts)
    assert all(-2 <= value <= 1 for value in leaning.values())
    assert all(-1 <= value <= 1 for value in lean(leaning, [f"{n}" for n in range(10)], shelf))
