"""What was chosen should have stood higher: a lesson, and what comes of it."""

import pytest

from slates.config import DAY, SlateConfig
from slates.features import NAMES
from slates.ranking import START
from slates.shortlisting import Prepared, prepare
from slates.teaching import lesson_of
from slates.testing import SmallKnowledge
from streams.items import ItemFacts
from streams.predecessors import Predecessors
from streams.profiles import Entry, Profile
from streams.rankers import Lesson, Ranker, fold_lesson
from streams.requests import SlateRequest
from streams.trends import Trend

NOW = 100 * DAY
LIKED = Profile(history=(Entry(NOW - 60, "liked", "like", 1.0),), seen=("liked",))


@pytest.fixture
def shelf() -> SmallKnowledge:
    """People go on from ``liked`` to ``companion``; ``popular`` is what all come to."""
    knowledge = SmallKnowledge()
    for n, item_id in enumerate(["liked", "companion", "popular", "plain-1", "plain-2"]):
        knowledge.announce(item_id, [1, n], ItemFacts(item_id))
    after_liked = Predecessors(("liked",), (9,), (80_000,), (70_000,))
    knowledge.follow("companion", Trend(interactions=9, predecessors=after_liked))
    knowledge.follow("popular", Trend(popularity=99.0, at=NOW, interactions=99))
    return knowledge


def prepared(knowledge: SmallKnowledge) -> Prepared:
    request = SlateRequest(user_id="ann")
    return prepare(request, LIKED, knowledge, now=NOW, config=SlateConfig())


def lesson(knowledge: SmallKnowledge, item_id: str) -> Lesson:
    found = lesson_of(prepared(knowledge), item_id, partition=3, offset=120)
    assert found is not None
    return found


def gap(knowledge: SmallKnowledge, item_id: str) -> float:
    """How far an item's score stands above the mean of all."""
    shortlist = prepared(knowledge).shortlist
    ids = shortlist.candidates.item_ids
    return float(shortlist.scores[ids.index(item_id)] - shortlist.scores.mean())


def test_a_lesson_has_a_step_for_every_feature_and_says_where_its_event_stands(
    shelf: SmallKnowledge,
) -> None:
    found = lesson(shelf, "companion")
    assert set(found.step) == set(NAMES)
    assert (found.partition, found.offset) == (3, 120)


@pytest.mark.parametrize("item_id", ["companion", "popular", "plain-1"])
def test_what_was_chosen_stands_higher_afterwards(shelf: SmallKnowledge, item_id: str) -> None:
    before = gap(shelf, item_id)
    ranker = Ranker()
    for offset in range(5):
        found = lesson_of(prepared(shelf), item_id, partition=0, offset=offset)
        assert found is not None
        ranker = fold_lesson(ranker, found, start=START)
        shelf.learned["hybrid"] = ranker.weights
    assert gap(shelf, item_id) > before


def test_who_follows_the_crowd_makes_it_count_and_who_follows_the_many_does_not(
    shelf: SmallKnowledge,
) -> None:
    assert lesson(shelf, "companion").step["onward"] > 0 > lesson(shelf, "popular").step["onward"]
    assert lesson(shelf, "companion").step["popular"] < 0 < lesson(shelf, "popular").step["popular"]


@pytest.mark.parametrize("item_id", ["liked", "unheard-of"])
def test_what_was_no_candidate_teaches_nothing(shelf: SmallKnowledge, item_id: str) -> None:
    assert lesson_of(prepared(shelf), item_id, partition=0, offset=0) is None


def test_where_nothing_could_be_shown_nothing_is_taught() -> None:
    assert lesson_of(prepared(SmallKnowledge()), "dune", partition=0, offset=0) is None
