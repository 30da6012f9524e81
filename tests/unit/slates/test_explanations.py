"""A slate is explained as a whole: facts only, the strongest first, and not every line the same."""

import pytest

from slates.testing import SmallKnowledge
from streams.profiles import Entry, Profile
from streams.trends import Trend
from tests.support.explained import NOW, came_after, item, kinds, moving_crowd, shelf


@pytest.fixture
def crowd() -> SmallKnowledge:
    return moving_crowd()


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
