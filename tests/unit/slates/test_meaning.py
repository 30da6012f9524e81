"""Requests mean the same only where numbers, negations, names and content do."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.meaning import difference, meaning


def told_apart(one: str, other: str) -> str | None:
    return difference(meaning(one), meaning(other))


@pytest.mark.parametrize(
    ("one", "other", "by"),
    [
        ("films under 90 minutes", "films under 120 minutes", "numbers"),
        ("two short novels", "three short novels", "numbers"),
        ("films of the 80s", "films of the 90s", "numbers"),
        ("movies with gore", "movies without gore", "negations"),
        ("books that are sad", "books that are not sad", "negations"),
        ("films set in Paris", "films set in London", "names"),
        ("a comedy about dogs", "a comedy about cats", "content"),
        ("from Dune to Foundation", "from Foundation to Dune", "order"),
        ("Can birds swim?", "How do birds swim?", "asks"),
        ("电影 90 分钟", "电影 120 分钟", "numbers"),
        ("有鬼的电影", "没有鬼的电影", "negations"),
    ],
)
def test_twins_are_told_apart(one: str, other: str, by: str) -> None:
    assert told_apart(one, other) == by
    assert told_apart(other, one) == by


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I learn to swim?", "What is the best way to learn swimming?"),
        ("Please suggest some sad movies", "I want a sad movie"),
        ("two films", "2 films"),
        ("films like dune", "films like Dune"),
    ],
)
def test_another_wording_is_the_same(one: str, other: str) -> None:
    assert told_apart(one, other) is None


@given(st.text(max_size=80), st.integers(0, 10**9), st.integers(0, 10**9))
def test_requests_with_other_numbers_never_mean_the_same(text: str, a: int, b: int) -> None:
    plain = re.sub(r"\d", "", text)
    if a != b:
        assert told_apart(f"{plain} {a}", f"{plain} {b}") == "numbers"


@given(st.text(max_size=80))
def test_a_request_means_what_it_says(text: str) -> None:
    assert told_apart(text, text) is None
