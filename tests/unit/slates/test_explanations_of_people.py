"""Reasons that speak of people, of age and of habits, and the order of all."""

import pytest

from slates.checking import unproven
from slates.config import DAY
from slates.explanations import explain
from slates.reasons.grounds import Grounds
from slates.slate import Reason, SlateItem
from slates.tastes import derive_tastes
from slates.testing import SmallKnowledge
from streams.profiles import Profile
from streams.trends import CoVisit, Trend, fold
from tests.support.explained import CONFIG, NOW, bought, item, kinds, moving_crowd, said_of, shelf


@pytest.fixture
def crowd() -> SmallKnowledge:
    return moving_crowd()


TODAY = 100


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
