"""The small knowledge answers as the large one does."""

import numpy as np
import pytest

from slates.config import DAY
from slates.knowledge import Knowledge, Neighbours
from slates.testing import SmallIndex, SmallKnowledge
from streams.items import ItemFacts
from streams.requests import Range
from streams.trends import Trend

NOW = 100 * DAY


@pytest.fixture
def knowledge() -> SmallKnowledge:
    knowledge = SmallKnowledge()
    dune = ItemFacts("Dune", ("classic",), {"by": "Herbert", "year": 1965.0}, NOW - DAY)
    emma = ItemFacts("Emma", ("classic", "love"), {"by": ("Austen", "Jane")}, NOW - 9 * DAY)
    knowledge.announce("dune", [1, 0], dune)
    knowledge.announce("emma", [0, 1], emma)
    knowledge.announce("solaris", [1, 1], ItemFacts("Solaris"))
    return knowledge


def test_it_is_what_a_slate_is_built_from(knowledge: SmallKnowledge) -> None:
    asked: Knowledge = knowledge
    index: Neighbours = knowledge.index
    assert asked.facts("dune") is not None
    assert "dune" in index


def test_all_methods_of_the_protocol_are_there() -> None:
    wanted = {name for name in vars(Knowledge) if not name.startswith("_")}
    assert wanted <= set(dir(SmallKnowledge()))


def test_the_nearest_come_first_and_equals_by_id() -> None:
    index = SmallIndex()
    for item_id, row in {"b": [2, 0], "a": [1, 0], "c": [0, 1]}.items():
        index.put(item_id, row)
    found = index.search(np.array([[5, 0], [0, 1]], np.float32), n=2)
    assert [[near.item_id for near in one] for one in found] == [["a", "b"], ["c", "a"]]
    assert found[0][0].similarity == pytest.approx(1)


def test_a_search_stays_within_what_is_eligible(knowledge: SmallKnowledge) -> None:
    query = np.array([[1, 0]], np.float32)
    found = knowledge.index.search(query, n=9, within={"emma", "nobody"})
    assert [near.item_id for near in found[0]] == ["emma"]


def test_vectors_are_of_length_one_and_in_the_order_asked_for(knowledge: SmallKnowledge) -> None:
    rows = knowledge.index.vectors(["solaris", "dune"])
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert np.allclose(rows[1], [1, 0])
    with pytest.raises(KeyError, match="nobody"):
        knowledge.index.vectors(["nobody"])


def test_the_popular_stand_by_decayed_popularity(knowledge: SmallKnowledge) -> None:
    knowledge.follow("emma", Trend(popularity=2.0, at=NOW))
    knowledge.follow("dune", Trend(popularity=3.0, at=NOW - 7 * DAY))
    knowledge.follow("gone", Trend(popularity=9.0, at=NOW))
    assert knowledge.popular(5) == ["emma", "dune", "solaris"]
    assert knowledge.popular(1) == ["emma"]


def test_the_fresh_are_the_newest_that_are_out(knowledge: SmallKnowledge) -> None:
    knowledge.announce("soon", [1, 0], ItemFacts("Soon", published_at=NOW + 1))
    assert knowledge.fresh(NOW, within=9 * DAY, n=5) == ["dune", "emma"]
    assert knowledge.fresh(NOW, within=7 * DAY, n=5) == ["dune"]
    assert knowledge.fresh(NOW, within=9 * DAY, n=1) == ["dune"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, {"dune", "emma", "solaris"}),
        ({"by": "Herbert"}, {"dune"}),
        ({"by": ("Jane", "Herbert")}, {"dune", "emma"}),
        ({"tags": "classic"}, {"dune", "emma"}),
        ({"tags": "classic", "by": "Austen"}, {"emma"}),
        ({"year": Range(min=1965)}, {"dune"}),
        ({"year": Range(max=1964)}, set()),
        ({"year": Range()}, {"dune"}),
        ({"by": Range()}, set()),
        ({"by": ()}, set()),
        ({"mood": "x"}, set()),
    ],
)
def test_filters_must_all_hold(knowledge: SmallKnowledge, filters: dict, found: set[str]) -> None:
    assert knowledge.matching(filters) == found


def test_words_come_with_their_attribute_and_numbers_and_tags_are_none(
    knowledge: SmallKnowledge,
) -> None:
    assert knowledge.words("dune") == [("by", "Herbert")]
    assert knowledge.words("emma") == [("by", "Austen"), ("by", "Jane")]
    assert knowledge.words("unheard-of") == []


def test_standing_is_that_of_the_trend(knowledge: SmallKnowledge) -> None:
    knowledge.follow("dune", Trend(popularity=4.0, at=7 * DAY))
    assert knowledge.standing("dune") == 3.0
    assert knowledge.standing("emma") == -np.inf


def test_the_share_of_a_word_is_that_of_live_items(knowledge: SmallKnowledge) -> None:
    assert knowledge.share("tags", "classic") == pytest.approx(2 / 3)
    assert knowledge.share("by", "nobody") == 0.0
    assert SmallKnowledge().share("by", "Herbert") == 0.0


def test_a_discarded_item_is_known_nowhere_but_its_trend_waits(knowledge: SmallKnowledge) -> None:
    knowledge.follow("dune", Trend(popularity=3.0))
    knowledge.discard("dune")
    knowledge.discard("dune")
    assert knowledge.facts("dune") is None
    assert "dune" not in knowledge.index
    assert "dune" not in [*knowledge.popular(9), *knowledge.fresh(NOW, within=NOW, n=9)]
    assert knowledge.trend("dune").popularity == 3.0
