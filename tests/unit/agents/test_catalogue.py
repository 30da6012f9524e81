"""What a worker knows of all items is what a list that is looked through each time would say."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.catalogue import Catalogue
from agents.wanting import Wanting
from indexes.exact import ExactIndex
from slates.testing import SmallKnowledge
from streams.enhancements import Enhancement
from streams.items import AttributeValue, ItemFacts, content_hash
from streams.predecessors import Predecessors
from streams.rankers import Ranker
from streams.requests import Filters, Range
from streams.trends import Trend
from streams.vectors import VectorRecord
from tests.support.laws import law

LAW = law(100)
DIM = 4
HALF_LIFE = 10.0
NOW = 100.0
EAST = np.array([1, 0, 0, 0], np.float16)

IDS = ["a", "b", "c", "d", "é"]
WORDS = ["sea", "war", "Sea", ""]

words = st.sampled_from(WORDS)
some_words = st.lists(words, max_size=3).map(tuple)
values: st.SearchStrategy[AttributeValue] = words | st.sampled_from([1.0, 2.0, -1.5]) | some_words
facts = st.builds(
    ItemFacts,
    title=st.sampled_from(["One", "Two"]),
    tags=some_words,
    attributes=st.dictionaries(st.sampled_from(["by", "about", "year"]), values, max_size=3),
    published_at=st.none() | st.integers(90, 103).map(float),
    worth=st.booleans(),
    enhanced=st.none()
    | st.builds(
        Enhancement,
        of=st.sampled_from([b"one text", b"another"]),
        asked=st.sampled_from(["", "enhance/1"]),
        summary=words,
    ),
)
trends = st.builds(
    Trend,
    popularity=st.sampled_from([0.0, 1.0, 2.0, 4.0]),
    at=st.integers(0, 50).map(float),
    supporters=st.integers(0, 9),
)
ids = st.sampled_from(IDS)
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


@dataclass(frozen=True)
class Announce:
    item_id: str
    facts: ItemFacts


@dataclass(frozen=True)
class Discard:
    item_id: str


@dataclass(frozen=True)
class Follow:
    item_id: str
    trend: Trend | None


Change = Announce | Discard | Follow
histories = st.lists(
    st.builds(Announce, ids, facts)
    | st.builds(Announce, ids, facts)
    | st.builds(Discard, ids)
    | st.builds(Follow, ids, st.none() | trends),
    max_size=20,
)


def record(item_facts: ItemFacts, *, text: str = "text", offset: int = 0) -> VectorRecord:
    return VectorRecord(b"12345678", content_hash(text), EAST, item_facts, 0, offset, 0.0)


def announce(catalogue: Catalogue, item_id: str, item_facts: ItemFacts) -> None:
    catalogue.index.upsert(item_id, EAST)
    catalogue.announce(item_id, record(item_facts))


def empty() -> Catalogue:
    return Catalogue(ExactIndex(DIM), half_life=HALF_LIFE, wanting=Wanting(asks=True))


def tell(catalogue: Catalogue, change: Change) -> None:
    match change:
        case Announce(item_id, item_facts):
            announce(catalogue, item_id, item_facts)
        case Discard(item_id):
            catalogue.discard(item_id)
        case Follow(item_id, trend):
            catalogue.follow(item_id, trend)


def tell_oracle(oracle: SmallKnowledge, change: Change) -> None:
    match change:
        case Announce(item_id, item_facts):
            oracle.announce(item_id, EAST.tolist(), item_facts)
        case Discard(item_id):
            oracle.discard(item_id)
        case Follow(item_id, trend):
            oracle.follow(item_id, trend or Trend())


def both(history: list[Change]) -> tuple[Catalogue, SmallKnowledge]:
    catalogue, oracle = empty(), SmallKnowledge(half_life=HALF_LIFE)
    for change in history:
        tell(catalogue, change)
        tell_oracle(oracle, change)
    return catalogue, oracle


def assert_same(catalogue: Catalogue, oracle: SmallKnowledge) -> None:
    live = oracle.matching({})
    assert len(catalogue) == len(live)
    assert catalogue.matching({}) == live
    for item_id in [*IDS, "unheard"]:
        assert catalogue.facts(item_id) == oracle.facts(item_id)
        assert list(catalogue.words(item_id)) == list(oracle.words(item_id))
        assert catalogue.trend(item_id) == oracle.trend(item_id)
        assert catalogue.standing(item_id) == oracle.standing(item_id)
    for name in ("by", "about", "year", "tags", "unheard"):
        for word in WORDS:
            assert catalogue.share(name, word) == oracle.share(name, word)


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


# -- examples of what the oracle proves, to read


@pytest.fixture
def shelf() -> Catalogue:
    catalogue = empty()
    announce(
        catalogue, "dune", ItemFacts("Dune", ("sand",), {"by": "Herbert", "year": 1965.0}, NOW - 1)
    )
    announce(catalogue, "emma", ItemFacts("Emma", (), {"by": "Austen", "year": 1815.0}, NOW - 3))
    announce(catalogue, "moby", ItemFacts("Moby", (), {"about": ("sea", "whales")}))
    return catalogue


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


# -- snapshots


@LAW
@given(history=histories)
def test_a_catalogue_that_was_dumped_and_loaded_is_the_same_but_for_its_trends(
    history: list[Change],
) -> None:
    before, oracle = both(history)
    after = empty()
    after.load(before.index, before.dump_facts())
    assert {i: after.known(i) for i in IDS} == {i: before.known(i) for i in IDS}
    for item_id in IDS:
        trend = before.trend(item_id)
        after.follow(item_id, None if trend == Trend() else trend)
    assert_same(after, oracle)
    assert after.index is before.index


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff", b"\x81", msgspec.msgpack.encode({"a": [1, 2, 3, 4]})],
    ids=["nothing", "noise", "cut", "another shape"],
)
def test_facts_that_cannot_be_read_are_refused_and_change_nothing(payload: bytes) -> None:
    catalogue = empty()
    announce(catalogue, "dune", ItemFacts("Dune"))
    index = catalogue.index
    with pytest.raises(msgspec.DecodeError):
        catalogue.load(ExactIndex(DIM), payload)
    assert catalogue.index is index
    assert catalogue.matching({}) == {"dune"}


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


# -- the crowd and what was learned


def after(*item_ids: str) -> Trend:
    ones = (1,) * len(item_ids)
    return Trend(popularity=1.0, predecessors=Predecessors(item_ids, ones, ones, ones))


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


@LAW
@given(history=histories, trends_first=st.booleans())
def test_a_catalogue_made_of_what_was_kept_is_the_same_whatever_was_there_first(
    history: list[Change], trends_first: bool
) -> None:
    before, oracle = both(history)
    after, kept = empty(), before.trends()
    if trends_first:
        after.adopt(kept)
    after.load(before.index, before.dump_facts())
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
