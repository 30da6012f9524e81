"""Titles: another way to write one is the same item, another year or number is another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.titles import ByName, may_be, normalise

CATALOGUE = ByName(
    [
        ("296", "Pulp Fiction (1994)"),
        ("2571", "Matrix, The (1999)"),
        ("47", "Seven (a.k.a. Se7en) (1995)"),
        ("1201", "Good, the Bad and the Ugly, The (Buono, il brutto, il cattivo, Il) (1966)"),
        ("1221", "Godfather: Part II, The (1974)"),
        ("858", "Godfather, The (1972)"),
        ("g54", "Godzilla (1954)"),
        ("g98", "Godzilla (1998)"),
        ("b", "Boot, Das (Boat, The) (1981)"),
        ("amelie", "Amelie (Fabuleux destin d'Amélie Poulain, Le) (2001)"),
        ("500", "(500) Days of Summer (2009)"),
        ("300", "300 (2007)"),
        ("plain", "Northanger Abbey"),
    ]
)


@pytest.mark.parametrize(
    ("title", "item_id"),
    [
        ("Pulp Fiction (1994)", "296"),
        ("pulp fiction", "296"),
        ("The Matrix (1999)", "2571"),
        ("Matrix (1999) - a must see", "2571"),
        ("The Matrix (1999) 5/5", "2571"),
        ("Se7en (1995)", "47"),
        ("The Good, the Bad & the Ugly (1966)", "1201"),
        ("The Godfather Part II (1974)", "1221"),
        ("Das Boot (1981)", "b"),
        ("Amélie (2001)", "amelie"),
        ("Amélie (Le Fabuleux Destin d’Amélie Poulain) (2002)", "amelie"),
        ("500 Days of Summer (2009)", "500"),
        ("300 (2006)", "300"),
        ("Godzilla (1954)", "g54"),
        ("Northanger Abbey (1817)", "plain"),
    ],
)
def test_it_is_found_however_it_is_written(title: str, item_id: str) -> None:
    assert CATALOGUE.find(title) == item_id


@pytest.mark.parametrize(
    "title",
    [
        "The Matrix (2021)",
        "The Matrix Reloaded (2003)",
        "Godzilla",
        "Godzilla (2014)",
        "The Godfather: Part III (1990)",
        "Fiction (1994)",
        "",
        "(1994)",
        "the",
    ],
)
def test_what_is_not_there_or_not_clear_is_not_found(title: str) -> None:
    assert CATALOGUE.find(title) is None


@given(st.text(max_size=400))
def test_any_title_can_be_asked_for(title: str) -> None:
    assert ByName([("a", title)]).find(title) in ("a", None)


@given(st.text())
def test_normalising_twice_changes_nothing_that_is_looked_up(name: str) -> None:
    once = normalise(name)
    assert normalise(once).endswith(
        once.removeprefix("a ").removeprefix("an ").removeprefix("the ")
    )


def test_what_an_item_is_called_may_change_and_it_may_go() -> None:
    titles = ByName([("1", "Heat (1995)"), ("2", "Heat (1986)")])
    titles.put("1", "Hitze (1995)")
    assert (titles.find("Heat (1995)"), titles.find("Hitze (1995)")) == (None, "1")
    titles.discard("2")
    titles.discard("2")
    assert titles.find("Heat (1986)") is None


@pytest.mark.parametrize(
    ("title", "other"),
    [
        ("Le Matrix II (1999)", "Matrix, The (1999)"),
        ("Le Matrix (2003)", "Matrix, The (1999)"),
        ("Saw 3", "Saw (2004)"),
        ("Part VII", "Part VIII"),
    ],
)
def test_a_sequel_or_a_remake_cannot_be_the_film(title: str, other: str) -> None:
    assert not may_be(title, other)


@pytest.mark.parametrize(
    ("title", "other"),
    [("Le Matrix (1999)", "Matrix, The (1999)"), ("Le Matrix", "Matrix, The (1999)"), ("!", "?")],
)
def test_other_words_may_mean_the_same(title: str, other: str) -> None:
    assert may_be(title, other)
