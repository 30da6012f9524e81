"""A catalogue and its oracle, told of the same."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from agents.catalogue import Catalogue
from agents.wanting import Wanting
from indexes.exact import ExactIndex
from slates.testing import SmallKnowledge
from streams.enhancements import Enhancement
from streams.items import AttributeValue, ItemFacts, content_hash
from streams.predecessors import Predecessors
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


def after(*item_ids: str) -> Trend:
    ones = (1,) * len(item_ids)
    return Trend(popularity=1.0, predecessors=Predecessors(item_ids, ones, ones, ones))


def three_books() -> Catalogue:
    """One announced just now, one before, and one nobody knows since when."""
    catalogue = empty()
    announce(
        catalogue, "dune", ItemFacts("Dune", ("sand",), {"by": "Herbert", "year": 1965.0}, NOW - 1)
    )
    announce(catalogue, "emma", ItemFacts("Emma", (), {"by": "Austen", "year": 1815.0}, NOW - 3))
    announce(catalogue, "moby", ItemFacts("Moby", (), {"about": ("sea", "whales")}))
    return catalogue
