"""What the crowd says and what texts say are heard by how much there is behind the crowd."""

from collections.abc import Sequence

import numpy as np
import pytest

from slates.config import DAY, SlateConfig, Source
from slates.crowd import Crowd, Pairs
from slates.evidence import DOUBT
from slates.features import NAMES, OF_TEXT
from slates.shortlisting import ALONE, Shortlist, prepare
from slates.testing import SmallKnowledge
from streams.items import ItemFacts
from streams.predecessors import WHOLE, Predecessors
from streams.profiles import Entry, Profile
from streams.requests import SlateRequest
from streams.trends import Trend

NOW = 100 * DAY
LIKED = Profile(history=(Entry(NOW - 60, "liked", "like", 1.0),), seen=("liked",))
SIMILAR, TOGETHER = NAMES.index("similar"), NAMES.index("together")
FEW, MANY = 2, int(DOUBT)
"""People behind a pair: hardly any, and as many as count half."""


def shortlist(people: int) -> Shortlist:
    """Of who liked one item, from which so many people went on to another."""
    knowledge = SmallKnowledge()
    for n, item_id in enumerate(["liked", "companion", "plain"]):
        by = {"by": "Herbert"} if item_id != "plain" else {}
        knowledge.announce(item_id, [1, n], ItemFacts(item_id, attributes=by))
    weight = people * WHOLE
    after = Predecessors(("liked",), (people,), (weight,), (weight,))
    knowledge.follow("companion", Trend(interactions=people, predecessors=after))
    request = SlateRequest(user_id="ann")
    return prepare(request, LIKED, knowledge, now=NOW, config=SlateConfig()).shortlist


def loudness(column: int, people: int) -> float:
    """How far the two candidates stand apart; two z-scores that differ are 2 apart."""
    return float(np.ptp(shortlist(people).features[:, column]))


def test_texts_speak_as_loud_as_measured_once_there_is_a_crowd() -> None:
    assert {NAMES[column] for column in OF_TEXT} == {"similar", "untried", "leaning"}
    assert loudness(SIMILAR, 10_000) == pytest.approx(2.0, abs=0.02)


def test_where_nobody_was_before_they_speak_louder() -> None:
    assert loudness(SIMILAR, 1) == pytest.approx(2 * ALONE)


@pytest.mark.parametrize("people", [FEW, MANY, 100])
def test_what_the_crowd_gains_texts_lose(people: int) -> None:
    trust = people / (people + DOUBT)
    assert loudness(TOGETHER, people) == pytest.approx(2 * trust)
    assert loudness(SIMILAR, people) == pytest.approx(2 * (trust + ALONE * (1 - trust)))


class AskedCrowd(Crowd):
    """Remembers whom it was asked about."""

    asked: tuple[str, ...] = ()

    def pairs(self, item_ids: Sequence[str]) -> Pairs:
        self.asked += tuple(item_ids)
        return super().pairs(item_ids)


@pytest.mark.parametrize(
    ("source", "feature", "is_asked"),
    [
        ("popular", "popular", False),
        ("fresh", "fresh", False),
        ("companions", "popular", True),
        ("similar", "popular", True),  # how many tastes are searched depends on it
        ("popular", "sitting", True),
        ("popular", "leaning", True),  # as does how loud words speak
    ],
)
def test_the_crowd_is_asked_only_where_the_slate_depends_on_it(
    source: Source, feature: str, is_asked: bool
) -> None:
    knowledge = SmallKnowledge()
    knowledge.crowd = crowd = AskedCrowd(half_life=7 * DAY)
    for n, item_id in enumerate(["liked", "plain"]):
        knowledge.announce(item_id, [1, n], ItemFacts(item_id, published_at=NOW - DAY))
    config = SlateConfig(candidates=(source,), ranker={feature: 1.0})
    prepare(SlateRequest(user_id="ann"), LIKED, knowledge, now=NOW, config=config)
    assert crowd.asked == (("liked",) if is_asked else ())
