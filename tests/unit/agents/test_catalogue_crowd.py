"""What a catalogue knows of the crowd, of what was learned and of what can be added."""

import pytest
from hypothesis import given

from agents.catalogue import Catalogue
from agents.wanting import Wanting
from indexes.exact import ExactIndex
from streams.enhancements import Enhancement
from streams.items import ItemFacts
from streams.rankers import Ranker
from streams.trends import Trend
from tests.support.catalogues import (
    DIM,
    HALF_LIFE,
    IDS,
    LAW,
    Change,
    after,
    announce,
    both,
    empty,
    histories,
    three_books,
)


@pytest.fixture
def shelf() -> Catalogue:
    return three_books()


# -- what can be added


@LAW
@given(history=histories)
def test_after_any_history_those_that_wait_are_the_live_ones_that_nothing_was_added_to(
    history: list[Change],
) -> None:
    catalogue, _ = both(history)
    live = {i: known.facts for i in IDS if (known := catalogue.known(i)) is not None}
    worth = {i: f.enhanced for i, f in live.items() if f.worth}
    wanting = catalogue.wanting
    assert wanting is not None
    assert set(wanting.bare[0]) == {i for i, e in worth.items() if e is None}
    assert set(wanting.unasked[0]) == {i for i, e in worth.items() if e and not e.asked}


@LAW
@given(history=histories)
def test_what_a_model_said_of_a_text_is_found_by_the_text_of_a_live_item(
    history: list[Change],
) -> None:
    catalogue, _ = both(history)
    for text in (b"one text", b"another"):
        found = catalogue.said_of(text)
        known = [k.facts.enhanced for i in IDS if (k := catalogue.known(i)) is not None]
        assert found is None or (found in known and found.of == text and bool(found.asked))


def test_without_a_model_nobody_waits_for_one() -> None:
    added = ItemFacts("Dune", worth=True, enhanced=Enhancement(of=b"x"))
    catalogue = Catalogue(ExactIndex(DIM), half_life=HALF_LIFE, wanting=Wanting(asks=False))
    announce(catalogue, "dune", added)
    assert catalogue.wanting is not None
    assert len(catalogue.wanting) == 0


def test_what_is_announced_has_a_row_of_the_crowd(shelf: Catalogue) -> None:
    live = shelf.matching({})
    assert {shelf.crowd.ids[row] for row in shelf.crowd.known(live)} == live


def test_a_trend_is_followed_by_the_crowd() -> None:
    catalogue = empty()
    catalogue.follow("emma", after("dune"))
    assert catalogue.crowd.supporters("dune", "emma") == 1
    catalogue.follow("emma", None)
    assert catalogue.crowd.supporters("dune", "emma") == 0


def test_predecessors_are_kept_once_in_the_crowd_alone() -> None:
    """In a trend they would take most of a worker's memory once more."""
    catalogue = empty()
    catalogue.follow("emma", after("dune"))
    assert catalogue.trend("emma") == Trend(popularity=1.0)


def test_an_item_that_comes_back_has_the_row_it_had(shelf: Catalogue) -> None:
    (gone,) = list(shelf.matching({}))[:1]
    rows = shelf.crowd.known([gone])
    item_facts = shelf.facts(gone)
    assert item_facts is not None
    shelf.discard(gone)
    announce(shelf, gone, item_facts)
    assert shelf.crowd.known([gone]) == rows


def test_a_cleared_catalogue_keeps_what_the_crowd_did(shelf: Catalogue) -> None:
    shelf.follow("emma", after("dune"))
    shelf.clear()
    assert shelf.crowd.supporters("dune", "emma") == 1


def test_a_ranker_is_followed_and_can_be_unlearned() -> None:
    catalogue = empty()
    assert catalogue.weights("hybrid") == {}
    catalogue.learn("hybrid", Ranker(weights={"close": 2.0}))
    assert catalogue.weights("hybrid") == {"close": 2.0}
    assert catalogue.weights("other") == {}
    catalogue.learn("hybrid", None)
    assert catalogue.weights("hybrid") == {}
