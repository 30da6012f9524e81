"""A catalogue that was dumped, cleared or made anew is the one it was."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.catalogue import Catalogue
from agents.known import read_known
from streams.items import ItemFacts
from streams.predecessors import Predecessors
from streams.trends import Trend
from tests.support.catalogues import (
    IDS,
    LAW,
    NOW,
    Change,
    announce,
    assert_same,
    both,
    empty,
    histories,
    three_books,
)


@pytest.fixture
def shelf() -> Catalogue:
    return three_books()


# -- snapshots


@LAW
@given(history=histories)
def test_a_catalogue_that_was_dumped_and_loaded_is_the_same_but_for_its_trends(
    history: list[Change],
) -> None:
    before, oracle = both(history)
    after = empty()
    after.take(before.index, read_known(before.dump_facts({})).known)
    assert {i: after.known(i) for i in IDS} == {i: before.known(i) for i in IDS}
    for item_id in IDS:
        trend = before.trend(item_id)
        after.follow(item_id, None if trend == Trend() else trend)
    assert_same(after, oracle)
    assert after.index is before.index


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"\x92",
        msgspec.msgpack.encode([{}, {"a": [1, 2, 3, 4]}]),
        msgspec.msgpack.encode({"a": [1, 2, 3, 4]}),
    ],
    ids=["nothing", "noise", "cut", "another shape", "layout before last records"],
)
def test_facts_that_cannot_be_read_are_refused(payload: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        read_known(payload)


@LAW
@given(history=histories)
def test_a_cleared_catalogue_has_no_items_and_the_same_trends(history: list[Change]) -> None:
    catalogue, oracle = both(history)
    catalogue.clear()
    for item_id in IDS:
        oracle.discard(item_id)
    assert_same(catalogue, oracle)
    assert len(catalogue.index) == 0


@pytest.mark.parametrize(
    "clear", [Catalogue.clear, lambda c: [c.discard(i) for i in c.matching({})]]
)
def test_items_can_come_back_after_they_were_all_gone(
    shelf: Catalogue, clear: Callable[[Catalogue], object]
) -> None:
    clear(shelf)
    announce(shelf, "dune", ItemFacts("Dune", attributes={"by": "Herbert"}))
    assert shelf.matching({"by": "Herbert"}) == {"dune"}
    assert shelf.share("by", "Herbert") == 1.0


@LAW
@given(history=histories, trends_first=st.booleans())
def test_a_catalogue_made_of_what_was_kept_is_the_same_whatever_was_there_first(
    history: list[Change], trends_first: bool
) -> None:
    before, oracle = both(history)
    after, kept = empty(), before.trends()
    if trends_first:
        after.adopt(kept)
    after.take(before.index, read_known(before.dump_facts({})).known)
    if not trends_first:
        after.adopt(kept)
    assert_same(after, oracle)
    assert after.popular(9) == before.popular(9)
    assert after.fresh(NOW, within=99.0, n=9) == before.fresh(NOW, within=99.0, n=9)
    for item_id in IDS:
        if item_id in after.matching({}):
            announce(after, item_id, ItemFacts("Other", attributes={"by": "sea"}))
            announce(before, item_id, ItemFacts("Other", attributes={"by": "sea"}))
        after.follow(item_id, Trend(popularity=3.0))
        before.follow(item_id, Trend(popularity=3.0))
    assert after.popular(9) == before.popular(9)
    assert after.matching({"by": "sea"}) == before.matching({"by": "sea"})


def test_trends_can_be_adopted_only_before_any_was_followed() -> None:
    before = empty()
    before.follow("emma", Trend(predecessors=Predecessors(("dune",), (1,), (9,), (9,))))
    with pytest.raises(ValueError, match="followed nothing"):
        before.adopt(before.trends())
