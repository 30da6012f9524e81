"""What a worker knows of all items is what a list that is looked through each time would say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.catalogue import Catalogue
from streams.items import ItemFacts, content_hash
from streams.requests import Filters, Range
from streams.trends import Trend
from tests.support.catalogues import (
    EAST,
    LAW,
    NOW,
    Announce,
    Change,
    announce,
    assert_same,
    both,
    empty,
    histories,
    record,
    some_words,
    tell,
    three_books,
    words,
)


@pytest.fixture
def shelf() -> Catalogue:
    return three_books()


filters: st.SearchStrategy[Filters] = st.dictionaries(
    st.sampled_from(["by", "about", "year", "tags", "unheard"]),
    words
    | some_words
    | st.builds(
        Range,
        min=st.none() | st.sampled_from([-2.0, 1.0]),
        max=st.none() | st.sampled_from([1.0, 1.5, 2.0]),
    ),
    max_size=3,
)


# -- the oracle


@LAW
@given(history=histories)
def test_after_any_history_items_words_trends_and_shares_are_the_oracles(
    history: list[Change],
) -> None:
    assert_same(*both(history))


@LAW
@given(history=histories, n=st.integers(0, 7))
def test_the_popular_items_are_the_oracles_and_only_equal_ones_may_change_places(
    history: list[Change], n: int
) -> None:
    catalogue, oracle = both(history)
    found, expected = catalogue.popular(n), oracle.popular(n)
    assert [oracle.standing(i) for i in found] == [oracle.standing(i) for i in expected]
    assert len(set(found)) == len(found)
    assert set(found) <= oracle.matching({})


@LAW
@given(
    history=histories,
    now=st.integers(88, 105).map(float),
    within=st.integers(0, 12).map(float),
    n=st.integers(0, 7),
)
def test_the_fresh_items_are_the_oracles(
    history: list[Change], now: float, within: float, n: int
) -> None:
    catalogue, oracle = both(history)
    assert catalogue.fresh(now, within=within, n=n) == oracle.fresh(now, within=within, n=n)


@LAW
@given(history=histories, wanted=filters)
def test_the_matching_items_are_the_oracles(history: list[Change], wanted: Filters) -> None:
    catalogue, oracle = both(history)
    assert catalogue.matching(wanted) == oracle.matching(wanted)


@LAW
@given(history=histories)
def test_asking_changes_nothing(history: list[Change]) -> None:
    catalogue, oracle = both(history)
    catalogue.matching({"by": "sea", "year": Range(min=1.0)}).clear()
    catalogue.share("by", "sea")
    catalogue.popular(3)
    assert_same(catalogue, oracle)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, {"dune", "emma", "moby"}),
        ({"by": "Austen"}, {"emma"}),
        ({"by": ("Austen", "Herbert")}, {"dune", "emma"}),
        ({"about": "whales"}, {"moby"}),
        ({"tags": "sand"}, {"dune"}),
        ({"year": Range(min=1815.0, max=1900.0)}, {"emma"}),
        ({"year": Range()}, {"dune", "emma"}),
        ({"by": Range(min=0.0)}, set()),
        ({"by": "Austen", "year": Range(min=1900.0)}, set()),
        ({"by": ()}, set()),
        ({"colour": "red"}, set()),
    ],
)
def test_items_match_when_they_have_every_attribute_asked_for(
    shelf: Catalogue, wanted: Filters, found: set[str]
) -> None:
    assert shelf.matching(wanted) == found


def test_the_newest_comes_first_and_what_is_not_published_yet_is_not_fresh(
    shelf: Catalogue,
) -> None:
    announce(shelf, "tomorrow", ItemFacts("Tomorrow", published_at=NOW + 1))
    assert shelf.fresh(NOW, within=10, n=5) == ["dune", "emma"]
    assert shelf.fresh(NOW, within=2, n=5) == ["dune"]
    assert shelf.fresh(NOW, within=10, n=1) == ["dune"]


def test_the_trend_of_an_item_that_was_not_announced_yet_waits_for_it(shelf: Catalogue) -> None:
    shelf.follow("later", Trend(popularity=9.0, at=NOW))
    assert "later" not in shelf.popular(9)
    announce(shelf, "later", ItemFacts("Later"))
    assert shelf.popular(1) == ["later"]


def test_untouched_items_follow_in_an_order_that_is_not_that_of_their_ids() -> None:
    catalogue = empty()
    names = [f"item-{number:02}" for number in range(20)]
    for name in names:
        announce(catalogue, name, ItemFacts(name))
    assert catalogue.popular(20) != names
    assert catalogue.popular(20) == catalogue.popular(20)


def test_discarding_an_unknown_item_is_no_error(shelf: Catalogue) -> None:
    shelf.discard("unheard")
    assert len(shelf) == 3


def test_a_vector_is_that_of_the_index(shelf: Catalogue) -> None:
    assert np.array_equal(shelf.vector("dune"), EAST.astype(np.float32))


def test_an_attribute_called_tags_is_not_taken_for_the_tags() -> None:
    catalogue, oracle = both([Announce("a", ItemFacts("One", ("sea",), {"tags": "war"}))])
    assert catalogue.matching({"tags": "war"}) == oracle.matching({"tags": "war"})


def test_names_that_requests_ask_for_are_not_kept(shelf: Catalogue) -> None:
    before = set(shelf._numbers)
    shelf.matching({"made-up": Range(min=1.0)})
    assert set(shelf._numbers) == before


def test_words_that_no_item_has_any_more_are_not_kept(shelf: Catalogue) -> None:
    before = set(shelf._words)
    announce(shelf, "passing", ItemFacts("Passing", ("brief",), {"by": "Nobody"}))
    shelf.discard("passing")
    assert set(shelf._words) == before


# -- texts whose vectors are about to change


def test_what_was_announced_is_known_with_its_place_and_the_hash_of_its_text() -> None:
    catalogue = empty()
    catalogue.announce("dune", record(ItemFacts("Dune"), text="sand", offset=7))
    known = catalogue.known("dune")
    assert known is not None
    assert (known.content_hash, known.offset) == (content_hash("sand"), 7)
    assert catalogue.known("unheard") is None


def test_an_item_whose_text_changes_has_no_hash_until_it_is_announced_again() -> None:
    catalogue = empty()
    catalogue.announce("dune", record(ItemFacts("Dune"), text="sand"))
    catalogue.unsettle("dune", content_hash("more sand"))
    known = catalogue.known("dune")
    assert known is not None
    assert known.content_hash == b""
    assert catalogue.facts("dune") == ItemFacts("Dune")


def test_an_item_whose_text_stays_keeps_its_hash() -> None:
    catalogue = empty()
    catalogue.announce("dune", record(ItemFacts("Dune"), text="sand"))
    catalogue.unsettle("dune", content_hash("sand"))
    catalogue.unsettle("unheard", content_hash("sand"))
    known = catalogue.known("dune")
    assert known is not None
    assert known.content_hash == content_hash("sand")


@LAW
@given(histories)
def test_after_any_history_the_shelf_has_what_is_live(history: list[Change]) -> None:
    catalogue = empty()
    for change in history:
        tell(catalogue, change)
    live = [i for i, row in zip(catalogue.crowd.ids, catalogue.shelf.live, strict=False) if row]
    assert set(live) == catalogue.matching({})
    for item_id in live:
        item_facts = catalogue.facts(item_id)
        assert item_facts is not None
        (row,) = catalogue.crowd.known([item_id])
        published = catalogue.shelf.published[row]
        assert published == item_facts.published_at or (
            np.isnan(published) and item_facts.published_at is None
        )
