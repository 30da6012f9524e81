"""Every reason is made from its evidence: no number, title or crowd that is not in the facts."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slates.config import DAY, SlateConfig
from slates.explanations import MAX_SHARED, MIN_SIMILARITY, explain, shared_words
from slates.slate import Reason
from slates.tastes import derive_tastes
from slates.testing import SmallKnowledge
from streams.items import ItemFacts
from streams.profiles import Entry, Profile
from streams.trends import CoVisit, Trend, fold

LAW = settings(max_examples=50, deadline=None, derandomize=True, database=None)
NOW = 100.5 * DAY
TODAY = 100
CONFIG = SlateConfig(supporters=5)
TITLES = ["Dune", "Emma", "1984", "Fahrenheit 451", "Catch-22", "Solaris"]


def item(title: str, **facts: Any) -> ItemFacts:
    return ItemFacts(title, **facts)


def shelf(**facts: ItemFacts) -> SmallKnowledge:
    """Items that all point the same way."""
    knowledge = SmallKnowledge()
    for item_id, one in facts.items():
        knowledge.announce(item_id, [1, 0], one)
    return knowledge


def reasons(
    knowledge: SmallKnowledge, item_id: str, *acts: tuple[str, str, float], now: float = NOW
) -> dict[str, Reason]:
    """What is said of an item to a user who did these things, by kind."""
    entries = tuple(Entry(float(t), i, action, gain) for t, (i, action, gain) in enumerate(acts))
    tastes = derive_tastes(Profile(history=entries), knowledge.index, CONFIG)
    vector = knowledge.index.vectors([item_id])[0]
    said = explain(item_id, vector, tastes, knowledge, now=now, config=CONFIG)
    assert said
    assert len({reason.kind for reason in said}) == len(said)
    for reason in said:
        assert_grounded(reason, knowledge)
    return {reason.kind: reason for reason in said}


# The checker


def numbers_in(evidence: Any) -> set[str]:
    """Every number of an evidence record, as it would be written."""
    match evidence:
        case bool() | None | str():
            return set()
        case int() | float():
            return {f"{evidence:g}"}
        case dict():
            return set().union(*map(numbers_in, evidence.values()))
        case _:
            return set().union(*map(numbers_in, evidence))


def words_in(evidence: Any) -> list[str]:
    """Every text of an evidence record, the longest first."""
    match evidence:
        case str():
            return [evidence]
        case dict():
            found = [w for k, v in evidence.items() for w in (k, *words_in(v))]
        case list() | tuple():
            found = [word for one in evidence for word in words_in(one)]
        case _:
            return []
    return sorted(found, key=len, reverse=True)


def assert_grounded(reason: Reason, knowledge: SmallKnowledge) -> None:
    """Take out what the evidence holds; no digit and no title may be left."""
    rest = reason.text
    for word in words_in(reason.evidence):
        rest = rest.replace(word, "") if word else rest
    assert set(re.findall(r"\d+", rest)) <= numbers_in(reason.evidence), reason
    titles = [facts.title for i in knowledge.popular(999) if (facts := knowledge.facts(i))]
    assert not [title for title in titles if title in rest], reason


@pytest.mark.parametrize(
    "lie",
    [
        Reason("trending", "7 people came to it", {"people": 6}),
        Reason("similar", "Because you liked Emma", {"titles": ["Dune"]}),
        Reason("similar", "Because you liked 1984", {"titles": ["Emma"]}),
    ],
    ids=lambda lie: lie.text,
)
def test_the_checker_finds_a_lie(lie: Reason) -> None:
    with pytest.raises(AssertionError):
        assert_grounded(lie, shelf(emma=item("Emma"), dune=item("Dune")))


# Because you liked


def test_a_likeness_names_what_was_liked_and_how_alike_it_is() -> None:
    said = reasons(shelf(a=item("Dune"), b=item("Emma")), "b", ("a", "like", 2.0))["similar"]
    assert said.text == "Because you liked Dune"
    assert said.evidence == {
        "items": ["a"],
        "titles": ["Dune"],
        "actions": ["like"],
        "similarity": [1.0],
        "shared": {},
    }


def test_what_was_only_clicked_was_opened_not_liked() -> None:
    said = reasons(shelf(a=item("Dune"), b=item("Emma")), "b", ("a", "click", 1.0))
    assert said["similar"].text == "Because you opened Dune"


def test_at_most_the_two_most_alike_are_named() -> None:
    knowledge = shelf(x=item("Solaris"))
    for n, title in enumerate(("Dune", "Emma", "1984")):
        knowledge.announce(title, [1, 0.1 * n], item(title))
    acts = [(title, "like", 2.0) for title in ("Dune", "Emma", "1984")]
    assert reasons(knowledge, "x", *acts)["similar"].evidence["titles"] == ["Dune", "Emma"]


@pytest.mark.parametrize(("cosine", "named"), [(MIN_SIMILARITY + 0.01, True), (0.29, False)])
def test_only_what_is_alike_enough_is_named(cosine: float, named: bool) -> None:
    knowledge = shelf(a=item("Dune"))
    knowledge.announce("b", [cosine, (1 - cosine**2) ** 0.5], item("Emma"))
    assert ("similar" in reasons(knowledge, "b", ("a", "like", 2.0))) == named


def test_what_was_disliked_is_no_reason() -> None:
    said = reasons(shelf(a=item("Dune"), b=item("Emma")), "b", ("a", "dislike", -2.0))
    assert "similar" not in said


def test_shared_words_are_named_with_their_attribute() -> None:
    dune = item("Dune", attributes={"subjects": ("sand", "empire"), "by": "Herbert"})
    other = item("Emma", attributes={"subjects": ("love", "empire"), "by": "Herbert"})
    said = reasons(shelf(a=dune, b=other), "b", ("a", "like", 2.0))["similar"]
    assert said.text == "Because you liked Dune, which shares subjects: empire; by: Herbert"
    assert said.evidence["shared"] == {"subjects": ["empire"], "by": ["Herbert"]}


def test_words_are_shared_with_all_that_is_named() -> None:
    mine = item("Emma", attributes={"subjects": ("sand", "sea")})
    both, one = (item("x", attributes={"subjects": s}) for s in (("sand", "sea"), ("sea",)))
    assert shared_words(mine, [both, one]) == {"subjects": ["sea"]}


def test_a_few_shared_words_are_enough() -> None:
    many = item("x", attributes={"subjects": tuple("abcdefg")})
    assert shared_words(many, [many]) == {"subjects": list("abcdefg")[:MAX_SHARED]}


def test_numbers_and_other_attributes_are_not_shared() -> None:
    mine = item("x", attributes={"year": 1965.0, "by": "sea"})
    other = item("y", attributes={"year": 1965.0, "subjects": "sea"})
    assert shared_words(mine, [other]) == {}


def test_nothing_is_no_shared_word() -> None:
    empty = item("x", attributes={"by": ""})
    assert shared_words(empty, [empty]) == {}


def test_a_similarity_is_that_of_the_item_named() -> None:
    knowledge = shelf(b=item("Emma"))
    knowledge.announce("gone", [1, 0], None)
    knowledge.announce("a", [1, 1], item("Dune"))
    said = reasons(knowledge, "b", ("gone", "like", 2.0), ("a", "like", 2.0))["similar"]
    assert said.evidence["titles"] == ["Dune"]
    assert said.evidence["similarity"] == [0.707]


# New


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (0.0, "New today"),
        (0.99, "New today"),
        (1.0, "New: published yesterday"),
        (2.0, "New: published 2 days ago"),
        (6.9, "New: published 6 days ago"),
    ],
)
def test_a_new_item_says_since_when(age: float, text: str) -> None:
    said = reasons(shelf(b=item("Emma", published_at=NOW - age * DAY)), "b")["new"]
    assert said.text == text
    assert said.evidence["days"] == int(age)


@pytest.mark.parametrize("published_at", [None, NOW + 1, NOW - 7.1 * DAY])
def test_an_old_or_unborn_item_is_not_new(published_at: float | None) -> None:
    assert "new" not in reasons(shelf(b=item("Emma", published_at=published_at)), "b")


# People


@pytest.mark.parametrize("people", [5, 6, 100])
def test_a_crowd_of_this_week_is_quoted(people: int) -> None:
    knowledge = shelf(b=item("Emma"))
    knowledge.follow("b", Trend(supporters=people, days={TODAY: people}))
    said = reasons(knowledge, "b")
    assert said["trending"].text == f"{people} people came to it in the last 7 days"
    assert "popular" not in said


def test_a_crowd_of_longer_ago_is_quoted_as_one_of_all_time() -> None:
    knowledge = shelf(b=item("Emma"))
    knowledge.follow("b", Trend(supporters=9, days={TODAY: 4}))
    said = reasons(knowledge, "b")
    assert said["popular"].text == "9 people have come to it so far"
    assert "trending" not in said


@pytest.mark.parametrize("people", range(5))
def test_fewer_people_than_a_crowd_are_never_quoted(people: int) -> None:
    knowledge = shelf(a=item("Dune"), b=item("Emma", published_at=NOW))
    knowledge.follow("b", Trend(supporters=people, days={TODAY: people} if people else {}))
    for said in (reasons(knowledge, "b"), reasons(knowledge, "b", ("a", "like", 1.0))):
        assert not {"trending", "popular"} & set(said)
        assert not any("people" in reason.evidence for reason in said.values())


@pytest.mark.parametrize(
    ("people", "text"), [(0, "Nobody has come to it yet"), (4, "Few people know it yet")]
)
def test_what_nothing_else_speaks_for_is_shown_to_explore(people: int, text: str) -> None:
    knowledge = shelf(b=item("Emma"))
    knowledge.follow("b", Trend(supporters=people))
    said = reasons(knowledge, "b")
    assert [*said] == ["explore"]
    assert said["explore"].text == text


@pytest.mark.parametrize("people", [1, 2, 3, 4])
def test_fewer_people_than_a_crowd_are_not_in_the_evidence_either(people: int) -> None:
    knowledge = shelf(b=item("Emma"))
    knowledge.follow("b", Trend(supporters=people))
    assert reasons(knowledge, "b")["explore"].evidence.get("people") != people


def test_people_who_turned_an_item_down_are_not_a_crowd_for_it() -> None:
    trend = Trend()
    for offset in range(6):
        trend = fold(trend, CoVisit(NOW, -1.0, True, 0, offset), half_life=7 * DAY)
    knowledge = shelf(b=item("Emma"))
    knowledge.follow("b", trend)
    assert not {"trending", "popular"} & set(reasons(knowledge, "b"))


def test_the_strongest_reason_comes_first() -> None:
    knowledge = shelf(a=item("Dune"), b=item("Emma", published_at=NOW))
    knowledge.follow("b", Trend(supporters=9, days={TODAY: 9}))
    assert [*reasons(knowledge, "b", ("a", "like", 2.0))] == ["similar", "new", "trending"]


# Law

WORDS = st.sampled_from(["sea", "war", "7 seas", "2001", "love"])
FACTS = st.builds(
    ItemFacts,
    title=st.sampled_from(TITLES),
    attributes=st.dictionaries(
        st.sampled_from(["subjects", "by"]), WORDS | st.lists(WORDS, max_size=3).map(tuple)
    ),
    published_at=st.none() | st.floats(NOW - 20 * DAY, NOW + DAY),
)
TRENDS = st.builds(
    Trend,
    supporters=st.integers(0, 20),
    days=st.dictionaries(st.integers(TODAY - 9, TODAY + 1), st.integers(1, 9), max_size=4),
)
ACTS = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(["click", "like", "rating"]), st.floats(-2, 2)),
    max_size=5,
)


@LAW
@given(facts=st.lists(FACTS, min_size=5, max_size=5), trend=TRENDS, acts=ACTS)
def test_whatever_is_said_stands_in_the_evidence(
    facts: list[ItemFacts], trend: Trend, acts: list[tuple[int, str, float]]
) -> None:
    knowledge = SmallKnowledge()
    rows = np.random.default_rng(1).standard_normal((5, 3)).tolist()
    for n, (one, row) in enumerate(zip(facts, rows, strict=True)):
        knowledge.announce(f"{n}", row, one)
    knowledge.follow("0", trend)
    said = reasons(knowledge, "0", *((f"{n}", action, gain) for n, action, gain in acts))
    crowd = [said[kind].evidence["people"] for kind in ("trending", "popular") if kind in said]
    assert all(people >= CONFIG.supporters for people in crowd)
