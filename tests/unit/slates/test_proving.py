"""Evidence that is not so is found out, field by field; evidence that is so passes."""

from collections.abc import Mapping
from typing import Any

import pytest

from slates.config import DAY, SlateConfig
from slates.proving import untrue
from slates.reasons.grounds import Grounds
from slates.slate import Kind, Reason
from slates.testing import SmallKnowledge
from streams.items import AttributeValue, ItemFacts
from streams.predecessors import Predecessors
from streams.profiles import Entry, Profile
from streams.trends import Trend

NOW = 100.5 * DAY
LONG = "It was the best of times, it was the worst of times, " * 3


@pytest.fixture
def grounds() -> Grounds:
    """Ann liked Dune, clicked on Emma, turned Solaris down; `new` is what she is shown."""
    knowledge = SmallKnowledge()
    sand: dict[str, AttributeValue] = {"by": "Herbert", "subjects": ("sand", "sea")}
    for item_id, facts in {
        "new": ItemFacts("Sand Wolf", ("A Sea Wolf",), sand, NOW - 2.5 * DAY),
        "dune": ItemFacts("Dune: Sea wolf", attributes=sand),
        "emma": ItemFacts("Emma"),
        "solaris": ItemFacts("Solaris"),
        "long": ItemFacts(LONG),
    }.items():
        knowledge.announce(item_id, [1, 0], facts)
    knowledge.follow("dune", Trend(interactions=50, visitors=40))
    knowledge.follow("new", TREND)
    history = (
        Entry(NOW - 30 * DAY, "dune", "like", 2.0),
        Entry(NOW - 20 * DAY, "dune", "click", 1.0),
        Entry(NOW - 10 * DAY, "dune", "purchase", 3.0),
        Entry(NOW - 10 * DAY + 60, "dune", "click", 1.0),
        Entry(NOW - 5 * DAY, "emma", "click", 1.0),
        Entry(NOW - 4 * DAY, "long", "like", 2.0),
        Entry(NOW - 3 * DAY, "solaris", "dislike", -2.0),
    )
    return Grounds(Profile(history=history), knowledge, NOW, SlateConfig(supporters=5), "solaris")


TREND = Trend(
    popularity=9.0,
    surge=4.5,
    at=NOW,
    interactions=20,
    supporters=12,
    days={100: 5, 99: 1, 94: 2, 93: 9, 101: 9},
    predecessors=Predecessors(("dune", "emma"), (31, 4), (1, 1), (1, 1)),
)
CO_VISIT = {"items": ["dune"], "titles": ["Dune: Sea wolf"], "people": 31, "of": 40}
NAMED = {"items": ["dune"], "titles": ["Dune: Sea wolf"], "actions": ["like"]}
ATTRIBUTES = {**NAMED, "attribute": "subjects", "words": ["sand", "sea"]}
SIMILAR = {**NAMED, "similarity": 1.0, "phrase": "sea wolf"}
ALIKE_LONG = {
    "items": ["long"],
    "titles": [LONG[:79] + "…"],
    "actions": ["like"],
    "similarity": 1.0,
}
RISING = {"people": 8, "days": 7, "lately": 6, "lately_days": 2, "pace": 4.0}
NEW = {"published_at": NOW - 2.5 * DAY, "days": 2}
REPEAT = {"times": 3, "interval_days": 10, "last_days": 9}


def without(evidence: Mapping[str, Any], *fields: str) -> dict[str, Any]:
    return {name: value for name, value in evidence.items() if name not in fields}


def found(grounds: Grounds, kind: Kind, evidence: Mapping[str, Any]) -> list[str]:
    """What is not so of the item `new`; for repeats, of `dune`."""
    about = "dune" if kind == "repeat" else "new"
    return list(untrue(about, Reason(kind, "", evidence), grounds))


TRUE: list[tuple[Kind, Mapping[str, Any]]] = [
    ("co-visit", CO_VISIT),
    ("co-visit", without(CO_VISIT, "of")),
    ("attributes", ATTRIBUTES),
    ("attributes", {**ATTRIBUTES, "actions": ["purchase"], "words": ["sea"]}),
    ("attributes", {**ATTRIBUTES, "attribute": "by", "words": ["Herbert"]}),
    ("similar", SIMILAR),
    ("similar", without(SIMILAR, "phrase")),
    (
        "similar",
        {"items": ["solaris"], "titles": ["Solaris"], "actions": [""], "similarity": 0.999},
    ),
    ("similar", ALIKE_LONG),
    ("trending", RISING),
    ("trending", {"people": 8, "days": 7}),
    ("popular", {"people": 12}),
    ("new", NEW),
    ("repeat", REPEAT),
]
FALSE: list[tuple[Kind, Mapping[str, Any]]] = [
    ("co-visit", {**CO_VISIT, "people": 30}),
    ("co-visit", {**CO_VISIT, "of": 41}),
    ("co-visit", {**CO_VISIT, "titles": ["Emma"]}),
    ("co-visit", {**CO_VISIT, "titles": []}),
    ("co-visit", {**CO_VISIT, "items": [], "titles": []}),
    ("co-visit", {**CO_VISIT, "items": ["nobody's"]}),
    ("co-visit", {"items": ["emma"], "titles": ["Emma"], "people": 4}),
    ("co-visit", without(CO_VISIT, "people")),
    ("co-visit", {**CO_VISIT, "friends": 7}),
    ("attributes", {**ATTRIBUTES, "words": ["war"]}),
    ("attributes", {**ATTRIBUTES, "words": ["sand", ""]}),
    ("attributes", {**ATTRIBUTES, "words": []}),
    ("attributes", {**ATTRIBUTES, "attribute": "by"}),
    ("attributes", {**ATTRIBUTES, "attribute": "genre"}),
    ("attributes", {**ATTRIBUTES, "actions": ["rating"]}),
    ("attributes", {**ATTRIBUTES, "actions": [""]}),
    ("attributes", {**ATTRIBUTES, "actions": []}),
    ("attributes", {**ATTRIBUTES, "items": ["emma"], "titles": ["Emma"], "actions": ["click"]}),
    ("similar", {**SIMILAR, "similarity": 0.9}),
    ("similar", {**SIMILAR, "phrase": "sea"[:2]}),
    ("similar", {**SIMILAR, "phrase": "sand wolf"}),
    (
        "similar",
        {"items": ["solaris"], "titles": ["Solaris"], "actions": ["dislike"], "similarity": 1.0},
    ),
    ("similar", {**ALIKE_LONG, "titles": [LONG]}),
    ("similar", {**ALIKE_LONG, "titles": [LONG[:9] + "…"]}),
    ("similar", {**ALIKE_LONG, "titles": [LONG[:81] + "…"]}),
    ("similar", {**ALIKE_LONG, "titles": [LONG[1:79] + "…"]}),
    ("trending", {**RISING, "people": 9}),
    ("trending", {**RISING, "days": 8}),
    ("trending", {**RISING, "lately": 5}),
    ("trending", {**RISING, "lately_days": 1}),
    ("trending", {**RISING, "lately": 5, "lately_days": 1, "pace": 5.0}),
    ("trending", {**RISING, "pace": 4.1}),
    ("trending", without(RISING, "pace")),
    ("trending", {"people": 2, "days": 1}),
    ("popular", {"people": 11}),
    ("new", {**NEW, "days": 3}),
    ("new", {**NEW, "published_at": NOW}),
    ("explore", {"people": 0}),
    ("explore", {"fewer_than": 5}),
    ("explore", {}),
    ("repeat", {**REPEAT, "times": 4}),
    ("repeat", {**REPEAT, "interval_days": 11}),
    ("repeat", {**REPEAT, "last_days": 10}),
    ("rule", {"rule": "Harvest week"}),
]


@pytest.mark.parametrize(("kind", "evidence"), TRUE, ids=str)
def test_what_is_so_passes(grounds: Grounds, kind: Kind, evidence: Mapping[str, Any]) -> None:
    assert found(grounds, kind, evidence) == []


@pytest.mark.parametrize(("kind", "evidence"), FALSE, ids=str)
def test_what_is_not_so_is_found_out(
    grounds: Grounds, kind: Kind, evidence: Mapping[str, Any]
) -> None:
    assert found(grounds, kind, evidence)


@pytest.mark.parametrize("people", range(1, 5))
def test_a_crowd_of_few_is_unproven_even_where_its_count_is_right(
    grounds: Grounds, people: int
) -> None:
    table = Predecessors(("dune",), (people,), (1,), (1,))
    few = Trend(supporters=people, days={100: people}, predecessors=table)
    knowledge = grounds.knowledge
    assert isinstance(knowledge, SmallKnowledge)
    knowledge.follow("new", few)
    assert found(grounds, "co-visit", {**CO_VISIT, "people": people})
    assert found(grounds, "trending", {"people": people, "days": 7})
    assert found(grounds, "popular", {"people": people})
    assert found(grounds, "explore", {"fewer_than": 5}) == []


def test_an_item_of_unknown_age_or_an_old_one_is_not_new(grounds: Grounds) -> None:
    knowledge = grounds.knowledge
    assert isinstance(knowledge, SmallKnowledge)
    knowledge.announce("new", [1, 0], ItemFacts("x"))
    assert found(grounds, "new", NEW)
    knowledge.announce("new", [1, 0], ItemFacts("x", published_at=NOW - 8 * DAY))
    assert found(grounds, "new", {"published_at": NOW - 8 * DAY, "days": 8})


def test_what_the_index_has_let_go_is_neither_true_nor_false(grounds: Grounds) -> None:
    knowledge = grounds.knowledge
    assert isinstance(knowledge, SmallKnowledge)
    knowledge.index.discard("dune")
    assert found(grounds, "similar", {**SIMILAR, "similarity": 0.1}) == []


@pytest.mark.parametrize("days_ago", [(3, 13), (3, 4, 90)], ids=["twice", "uneven"])
def test_what_is_no_habit_is_unproven(grounds: Grounds, days_ago: tuple[int, ...]) -> None:
    history = tuple(sorted(Entry(NOW - d * DAY, "dune", "purchase", 3.0) for d in days_ago))
    evidence = {"times": len(days_ago), "interval_days": 10, "last_days": 3}
    somebody = Grounds(Profile(history=history), grounds.knowledge, NOW, grounds.config)
    assert found(somebody, "repeat", evidence)
