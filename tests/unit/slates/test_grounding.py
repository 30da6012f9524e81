"""A text that says more than its source is found out, word by word; one that does not passes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.grounding import GRAMMAR, source_of, stem, unsupported, words_of
from tests.support.laws import law

LAW = law(100)
WHALE = (
    "Moby-Dick",
    "In 1851 the one-legged Captain Ahab of Nantucket hunts a white whale that maimed him. "
    "The sailor Ishmael tells of it.",
)
SOURCE = source_of(*WHALE)
WORDS = st.sampled_from([word for text in WHALE for word in words_of(text)])


@pytest.mark.parametrize(
    "text",
    [
        "Captain Ahab hunts a white whale.",
        "Captain Ahab is hunting the white whale.",
        "White whales, and a sailor who tells of hunts.",
        "The hunt of Nantucket's captain in 1851.",
        "MOBY-DICK",
        "",
    ],
)
def test_what_the_source_says_is_supported_also_inflected(text: str) -> None:
    assert unsupported(text, SOURCE) == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("Captain Ahab kills the whale.", ["kills"]),
        ("Captain Ahab hunts a white whale in 1852.", ["1852"]),
        ("Ahab hunts three whales.", ["three"]),
        ("Melville tells of a whale.", ["Melville"]),
        ("Captain Ishmael hunts a whale.", ["Captain Ishmael"]),
        ("She hunts the whale.", ["She"]),
        ("The captain never hunts the whale.", ["never"]),
        ("The best whale.", ["best"]),
        ("Only the whale maimed him.", ["Only"]),
        ("A whale 🐳 maimed him for $9.", ["9"]),
    ],
)
def test_words_numbers_names_and_denials_from_elsewhere_are_named(
    text: str, missing: list[str]
) -> None:
    assert unsupported(text, SOURCE) == missing


def test_a_run_of_words_does_not_go_from_one_text_to_the_next() -> None:
    assert not source_of("white", "whale").has_run(["white", "whale"])


def test_what_may_be_said_besides_is_not_missing() -> None:
    assert unsupported("Likes the whale.", SOURCE, allowed={"likes"}) == []


@LAW
@given(words=st.lists(WORDS, min_size=1, max_size=12))
def test_single_words_of_the_source_are_supported_in_any_order(words: list[str]) -> None:
    assert unsupported(" ".join(word.lower() for word in words), SOURCE) == []


@LAW
@given(text=st.text(max_size=80))
def test_whatever_passes_has_no_word_that_the_source_has_not(text: str) -> None:
    if not unsupported(text, SOURCE):
        content = [w for w in words_of(text) if w.casefold() not in GRAMMAR]
        assert all(stem(word) in SOURCE.words for word in content)


@LAW
@given(text=st.text(max_size=200))
def test_a_text_supports_itself(text: str) -> None:
    assert unsupported(text, source_of(text)) == []


@LAW
@given(word=st.text(max_size=30))
def test_a_stem_has_a_letter_where_the_word_had_one(word: str) -> None:
    assert bool(stem(word)) or not any(c.isalnum() for c in word)
