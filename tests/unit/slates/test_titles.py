"""Titles: another way to write one is the same item, another year or number is another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.titles import ByName, ByNameThenNear, normalise

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


def nearest(title: str) -> tuple[str, str, float]:
    return ("2571", "Matrix, The (1999)", 0.95 if "Matrix" in title else 0.2)


def test_a_vector_finds_what_a_name_does_not() -> None:
    titles = ByNameThenNear(CATALOGUE, nearest, alike=0.9)
    assert titles.find("Teh Matrx (1999)") is None
    assert titles.find("Le Matrix (1999)") == "2571"
    assert titles.find("Dune (1999)") is None


def test_a_vector_never_takes_a_sequel_or_a_remake_for_the_film() -> None:
    titles = ByNameThenNear(CATALOGUE, nearest, alike=0.9)
    assert titles.find("Le Matrix II (1999)") is None
    assert titles.find("Le Matrix (2003)") is None
