"""A slate is explained as a whole: facts only, the strongest first, and not every line the same."""

from typing import Any

import pytest

from slates.checking import unproven
from slates.config import DAY, SlateConfig
from slates.explanations import MOST, explain
from slates.reasons.grounds import Grounds
from slates.slate import Reason, SlateItem
from slates.tastes import derive_tastes
from slates.testing import SmallKnowledge
from streams.items import ItemFacts
from streams.predecessors import Predecessors
from streams.profiles import Entry, Profile
from streams.trends import CoVisit, Trend, fold

NOW = 100.5 * DAY
TODAY = 100
CONFIG = SlateConfig(supporters=5)


def item(title: str, **facts: Any) -> ItemFacts:
    return ItemFacts(title, **facts)


def shelf(**facts: ItemFacts) -> SmallKnowledge:
    """Items that all point the same way, among others that nobody asks for."""
    knowledge = SmallKnowledge()
    for item_id, one in facts.items():
        knowledge.announce(item_id, [1, 0], one)
    for n in range(4 * len(facts)):
        knowledge.announce(f"other-{n}", [0, 1], item(f"Other {n}"))
    return knowledge


def came_after(**supporters: int) -> Trend:
    """The trend of what people came to after other items."""
    counts = tuple(supporters.values())
    table = Predecessors(tuple(supporters), counts, counts, counts)
    return Trend(interactions=10, visitors=3, predecessors=table)


def said_of(
    knowledge: SmallKnowledge,
    shown: list[str],
    *acts: tuple[str, str, float],
    about: str | None = None,
    speaking: Profile | None = None,
) -> list[tuple[Reason, ...]]:
    """What is said of items to a user who did these things, a minute apart; all of it proven."""
    history = tuple(
        Entry(NOW - 60 * (len(acts) - t), i, action, gain)
        for t, (i, action, gain) in enumerate(acts)
    )
    profile = Profile(history=history)
    grounds = Grounds(profile, knowledge, NOW, CONFIG, about)
    tastes = derive_tastes(speaking or profile, knowledge.index, CONFIG)
    said = explain(shown, knowledge.index.vectors(shown), tastes, grounds)
    items = [
        SlateItem(i, "", rank, 0.0, {}, why)
        for rank, (i, why) in enumerate(zip(shown, said, strict=True))
    ]
    assert unproven(items, grounds) == []
    for reasons in said:
        assert 0 < len(reasons) <= MOST
        assert len({reason.kind for reason in reasons}) == len(reasons)
    return said


def kinds(
    knowledge: SmallKnowledge, item_id: str, *acts: tuple[str, str, float], **others: Any
) -> dict[str, Reason]:
    """What is said of one item, by kind."""
    (reasons,) = said_of(knowledge, [item_id], *acts, **others)
    return {reason.kind: reason for reason in reasons}


# -- co-visits


@pytest.fixture
def crowd() -> SmallKnowledge:
    """People came to `b` after `a`, more than after anything else."""
    knowledge = shelf(a=item("Dune"), b=item("Emma", published_at=NOW))
    knowledge.follow("a", Trend(interactions=40, visitors=40))
    for n in range(4):
        knowledge.follow(f"other-{n}", Trend(interactions=400, visitors=400))
    knowledge.follow("b", came_after(a=31, **{"other-1": 9}))
    return knowledge


def test_what_people_went_on_to_says_how_many_of_how_many(crowd: SmallKnowledge) -> None:
    said = kinds(crowd, "b", ("a", "click", 1.0))
    assert next(iter(said)) == "co-visit"
    assert said["co-visit"].text == "31 of the 40 people who came to “Dune” went on to this"
    assert said["co-visit"].evidence == {
        "items": ["a"],
        "titles": ["Dune"],
        "people": 31,
        "of": 40,
    }


@pytest.mark.parametrize("people", range(5))
def test_a_pair_of_few_people_is_never_quoted(crowd: SmallKnowledge, people: int) -> None:
    crowd.follow("b", came_after(a=people))
    assert "co-visit" not in kinds(crowd, "b", ("a", "like", 2.0))


def test_what_was_not_the_users_is_no_co_visit(crowd: SmallKnowledge) -> None:
    assert "co-visit" not in kinds(crowd, "b", ("other-2", "like", 2.0))
    assert "co-visit" not in kinds(crowd, "b", ("a", "rating", -1.0))


def test_more_people_going_on_than_came_are_told_without_a_share(crowd: SmallKnowledge) -> None:
    """Who rates an item low comes to it in the pair, and not in its supporters."""
    crowd.follow("a", Trend(interactions=60, visitors=30))
    said = kinds(crowd, "b", ("a", "like", 2.0))["co-visit"]
    assert said.text == "31 people came to this after “Dune”"
    assert "of" not in said.evidence


def test_the_strongest_pair_is_above_chance_and_not_the_one_with_most_people(
    crowd: SmallKnowledge,
) -> None:
    crowd.follow("b", came_after(a=31, **{"other-1": 90}))
    acts = [("a", "like", 2.0), ("other-1", "like", 2.0)]
    assert kinds(crowd, "b", *acts)["co-visit"].evidence["items"] == ["a"]


def test_a_pair_that_chance_makes_is_not_quoted(crowd: SmallKnowledge) -> None:
    assert "co-visit" not in kinds(crowd, "b", ("other-1", "like", 2.0))


# -- attributes


@pytest.fixture
def verne() -> SmallKnowledge:
    sea = {"author": "Jules Verne", "subjects": ("sea", "war")}
    return shelf(a=item("Nautilus", attributes=sea), b=item("The Moon", attributes=sea))


def test_who_made_what_was_liked_made_more(verne: SmallKnowledge) -> None:
    said = kinds(verne, "b", ("a", "like", 2.0))["attributes"]
    assert said.text == "More by “Jules Verne”, whom you liked in “Nautilus”"
    assert said.evidence == {
        "attribute": "author",
        "words": ["Jules Verne"],
        "items": ["a"],
        "titles": ["Nautilus"],
        "actions": ["like"],
    }


@pytest.mark.parametrize(
    ("action", "verb"), [("click", "opened"), ("purchase", "bought"), ("rating", "liked")]
)
def test_what_was_done_is_called_by_its_name(action: str, verb: str) -> None:
    war = {"subjects": ("sea", "war")}
    knowledge = shelf(a=item("Nautilus", attributes=war), b=item("The Moon", attributes=war))
    said = kinds(knowledge, "b", ("a", action, 1.0))["attributes"]
    assert said.text == (
        f"More of the subjects “sea” and “war”, as in “Nautilus”, which you {verb}"
    )


def test_what_half_of_the_catalogue_has_is_nothing_special(verne: SmallKnowledge) -> None:
    for n in range(8):
        verne.announce(f"more-{n}", [0, 1], item("x", attributes={"author": "Jules Verne"}))
    assert verne.share("author", "Jules Verne") > 0.5
    said = kinds(verne, "more-0", ("a", "like", 2.0))
    assert "attributes" not in said


def test_numbers_and_the_words_of_other_attributes_are_not_shared() -> None:
    mine = item("x", attributes={"year": 1965.0, "by": "sea", "about": ""})
    other = item("y", attributes={"year": 1965.0, "subjects": "sea", "about": ""})
    assert "attributes" not in kinds(shelf(a=mine, b=other), "b", ("a", "like", 2.0))


@pytest.mark.parametrize("name", ["7 days", "“x”", "people who liked it", "x" * 31, "a\nb"])
def test_an_attribute_whose_name_could_be_a_claim_is_left_out(name: str) -> None:
    sea = {name: "sea"}
    knowledge = shelf(a=item("Dune", attributes=sea), b=item("Emma", attributes=sea))
    assert "attributes" not in kinds(knowledge, "b", ("a", "like", 2.0))


@pytest.mark.parametrize("name", ["rising", "liked", "opened", "Nobody", "every day", "Less than"])
def test_an_attribute_may_have_the_name_of_a_word_of_ours(name: str) -> None:
    sea = {name: "sea"}
    knowledge = shelf(a=item("Dune", attributes=sea), b=item("Emma", attributes=sea))
    said = kinds(knowledge, "b", ("a", "click", 1.0))
    assert said["attributes"].text.startswith(f"More of the {name} “sea”")


def test_what_was_liked_is_named_rather_than_what_was_opened(verne: SmallKnowledge) -> None:
    verne.announce("c", [1, 0], item("Emma", attributes={"author": "Jules Verne"}))
    acts = [("a", "like", 2.0), ("c", "click", 1.0)]
    assert kinds(verne, "b", *acts)["attributes"].evidence["items"] == ["a"]


# -- likeness


def test_a_likeness_names_what_was_liked_and_how_alike_it_is() -> None:
    said = kinds(shelf(a=item("Dune"), b=item("Emma")), "b", ("a", "like", 2.0))["similar"]
    assert said.text == "Similar to “Dune”, which you liked"
    assert said.evidence == {
        "items": ["a"],
        "titles": ["Dune"],
        "actions": ["like"],
        "similarity": 1.0,
    }


def test_the_phrase_that_both_have_is_quoted() -> None:
    knowledge = shelf(a=item("Dune", tags=("a Desert Planet",)), b=item("The desert planet!"))
    said = kinds(knowledge, "b", ("a", "click", 1.0))["similar"]
    assert said.text == "Similar to “Dune”, which you opened: both say “desert planet”"
    assert said.evidence["phrase"] == "desert planet"


@pytest.mark.parametrize(("cosine", "named"), [(0.31, True), (0.29, False)])
def test_only_what_is_alike_enough_is_named(cosine: float, named: bool) -> None:
    knowledge = shelf(a=item("Dune"))
    knowledge.announce("b", [cosine, (1 - cosine**2) ** 0.5], item("Emma"))
    assert ("similar" in kinds(knowledge, "b", ("a", "like", 2.0))) == named


@pytest.mark.parametrize("last", [("a", "dislike", -2.0), ("a", "skip", -0.3)])
def test_what_was_disliked_since_is_no_reason(last: tuple[str, str, float]) -> None:
    said = kinds(shelf(a=item("Dune"), b=item("Emma")), "b", ("a", "like", 2.0), last)
    assert "similar" not in said


def test_what_was_forgotten_by_the_catalogue_is_not_named() -> None:
    knowledge = shelf(b=item("Emma"))
    knowledge.announce("gone", [1, 0], None)
    assert [*kinds(knowledge, "b", ("gone", "like", 2.0))] == ["explore"]


# -- a slate about an item


def test_what_a_slate_is_about_is_named_without_saying_that_the_user_did_anything() -> None:
    sea = {"author": "Melville"}
    knowledge = shelf(a=item("Dune", attributes=sea), b=item("Emma", attributes=sea))
    only = Profile(history=(Entry(NOW, "a", "view", 1.0),))
    said = kinds(knowledge, "b", about="a", speaking=only)
    assert said["similar"].text == "Similar to “Dune”"
    assert said["attributes"].text == "More by “Melville”, as in “Dune”"


def test_what_a_slate_is_about_may_be_the_users_too() -> None:
    knowledge = shelf(a=item("Dune"), b=item("Emma"))
    only = Profile(history=(Entry(NOW, "a", "view", 1.0),))
    said = kinds(knowledge, "b", ("a", "purchase", 3.0), about="a", speaking=only)
    assert said["similar"].text == "Similar to “Dune”, which you bought"


# -- new


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (0.0, "New: published less than a day ago"),
        (0.99, "New: published less than a day ago"),
        (1.0, "New: published a day ago"),
        (2.0, "New: published 2 days ago"),
        (6.9, "New: published 6 days ago"),
    ],
)
def test_a_new_item_says_since_when(age: float, text: str) -> None:
    said = kinds(shelf(b=item("Emma", published_at=NOW - age * DAY)), "b")["new"]
    assert said.text == text
    assert said.evidence["days"] == int(age)


@pytest.mark.parametrize("published_at", [None, NOW + 1, NOW - 7.1 * DAY])
def test_an_old_or_unborn_item_is_not_new(published_at: float | None) -> None:
    assert "new" not in kinds(shelf(b=item("Emma", published_at=published_at)), "b")


# -- people


@pytest.mark.parametrize("people", [5, 6, 100])
def test_a_crowd_of_this_week_is_quoted(people: int) -> None:
    knowledge = shelf(b=item("Emma"))
    knowledge.follow("b", Trend(supporters=people, days={TODAY - 5: people}))
    said = kinds(knowledge, "b")
    assert said["trending"].text == f"{people} people came to it in the last 7 days"
    assert "popular" not in said


def test_what_has_begun_to_rise_says_so() -> None:
    knowledge = shelf(b=item("Emma"))
    trend = Trend(supporters=9, days={TODAY - 5: 2, TODAY: 7}, popularity=9.0, surge=6.0, at=NOW)
    knowledge.follow("b", trend)
    said = kinds(knowledge, "b")["trending"]
    assert said.text == (
        "9 people came to it in the last 7 days, 7 of them in the last 2: it is rising"
    )
    assert said.evidence["pace"] == 5.3


@pytest.mark.parametrize(("surge", "lately"), [(1.5, 9), (6.0, 4)])
def test_what_goes_on_as_before_or_is_the_work_of_few_is_not_rising(
    surge: float, lately: int
) -> None:
    knowledge = shelf(b=item("Emma"))
    days = {TODAY - 5: 9, TODAY: lately}
    knowledge.follow("b", Trend(supporters=18, days=days, popularity=9.0, surge=surge, at=NOW))
    said = kinds(knowledge, "b")["trending"]
    assert said.evidence == {"people": 9 + lately, "days": 7}


def test_a_crowd_of_longer_ago_is_quoted_as_one_of_all_time() -> None:
    knowledge = shelf(b=item("Emma"))
    knowledge.follow("b", Trend(supporters=9, days={TODAY: 4}))
    said = kinds(knowledge, "b")
    assert said["popular"].text == "9 people have come to it so far"
    assert "trending" not in said


@pytest.mark.parametrize("people", range(5))
def test_fewer_people_than_a_crowd_are_never_quoted(people: int) -> None:
    knowledge = shelf(a=item("Dune"), b=item("Emma", published_at=NOW))
    knowledge.follow("b", Trend(supporters=people, days={TODAY: people} if people else {}))
    for said in (kinds(knowledge, "b"), kinds(knowledge, "b", ("a", "like", 1.0))):
        assert not {"trending", "popular"} & set(said)
        assert not any("people" in reason.evidence for reason in said.values())


@pytest.mark.parametrize(
    ("people", "text"), [(0, "Nobody has come to it yet"), (4, "Few people know it yet")]
)
def test_what_nothing_else_speaks_for_is_shown_to_explore(people: int, text: str) -> None:
    knowledge = shelf(b=item("Emma"))
    knowledge.follow("b", Trend(supporters=people))
    said = kinds(knowledge, "b")
    assert [*said] == ["explore"]
    assert said["explore"].text == text
    assert people == 0 or people not in said["explore"].evidence.values()


def test_people_who_turned_an_item_down_are_not_a_crowd_for_it() -> None:
    trend = Trend()
    for offset in range(6):
        trend = fold(trend, CoVisit(NOW, -1.0, True, 0, offset), half_life=7 * DAY)
    knowledge = shelf(b=item("Emma"))
    knowledge.follow("b", trend)
    assert not {"trending", "popular"} & set(kinds(knowledge, "b"))


# -- repeats


def bought(*days_ago: float, item_id: str = "tea") -> Profile:
    history = tuple(sorted(Entry(NOW - d * DAY, item_id, "purchase", 3.0) for d in days_ago))
    return Profile(history=history)


def repeat_of(profile: Profile) -> Reason | None:
    knowledge = shelf(tea=item("Tea"))
    grounds = Grounds(profile, knowledge, NOW, CONFIG)
    tastes = derive_tastes(profile, knowledge.index, CONFIG)
    (said,) = explain(["tea"], knowledge.index.vectors(["tea"]), tastes, grounds)
    assert unproven([SlateItem("tea", "Tea", 0, 0.0, {}, said)], grounds) == []
    return next((reason for reason in said if reason.kind == "repeat"), None)


def test_what_one_comes_back_to_says_how_often() -> None:
    said = repeat_of(bought(13.2, 27, 41, 55))
    assert said is not None
    assert said.text == "You come back to it about every 14 days, last 13 days ago"
    assert said.evidence == {"times": 4, "interval_days": 14, "last_days": 13}


@pytest.mark.parametrize(
    "days_ago", [(13, 27), (13, 14, 90), (1.0, 1.1, 1.2, 1.3)], ids=["twice", "uneven", "one go"]
)
def test_what_is_no_habit_is_not_called_one(days_ago: tuple[float, ...]) -> None:
    assert repeat_of(bought(*days_ago)) is None


def test_an_item_is_never_like_itself() -> None:
    knowledge = shelf(tea=item("Tea", attributes={"by": "x"}))
    assert [*kinds(knowledge, "tea", ("tea", "like", 2.0))] == ["explore"]


# -- order and variety


def test_people_speak_before_words_and_those_before_age(crowd: SmallKnowledge) -> None:
    assert [*kinds(crowd, "b", ("a", "like", 2.0))] == ["co-visit", "similar", "new"]


def test_a_slate_that_could_begin_every_line_alike_does_not() -> None:
    books = {f"b{n}": item(f"Book {n}", published_at=NOW - n * DAY / 2) for n in range(9)}
    knowledge = shelf(a=item("Dune"), **books)
    said = said_of(knowledge, [*books], ("a", "like", 2.0))
    first = [reasons[0].kind for reasons in said]
    assert (first.count("similar"), first.count("new")) == (6, 3)  # a third begins otherwise
    assert all({reason.kind for reason in reasons} == {"similar", "new"} for reasons in said)


def test_what_has_but_one_reason_keeps_it() -> None:
    books = {f"b{n}": item(f"Book {n}") for n in range(9)}
    said = said_of(shelf(a=item("Dune"), **books), [*books], ("a", "like", 2.0))
    assert {reasons[0].text for reasons in said} == {"Similar to “Dune”, which you liked"}


def test_no_items_have_no_reasons() -> None:
    knowledge = shelf(a=item("Dune"))
    tastes = derive_tastes(Profile(), knowledge.index, CONFIG)
    grounds = Grounds(Profile(), knowledge, NOW, CONFIG)
    assert explain([], knowledge.index.vectors(["a"])[:0], tastes, grounds) == []
