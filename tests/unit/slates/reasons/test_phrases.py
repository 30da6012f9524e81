"""A phrase is one that both items really have, and one worth naming."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.reasons.phrases import MAX_FIELD_CHARS, MAX_RUN, common_phrase, spoken, words_of
from streams.items import ItemFacts
from tests.support.laws import law

LAW = law(200)
WORDS = st.sampled_from(["the", "sea", "Sea,", "wolf", "of", "(Wolf)", "1984", "<b>sea</b>", "–"])
TEXTS = st.lists(WORDS, min_size=1, max_size=8).map(" ".join)
FACTS = st.builds(
    ItemFacts,
    title=TEXTS,
    tags=st.lists(TEXTS, max_size=2).map(tuple),
    attributes=st.dictionaries(st.sampled_from(["a", "b"]), TEXTS, max_size=2),
)


def phrase(mine: ItemFacts, theirs: ItemFacts) -> str:
    return common_phrase(spoken(mine), spoken(theirs))


@LAW
@given(mine=FACTS, theirs=FACTS)
def test_both_have_the_phrase_word_by_word(mine: ItemFacts, theirs: ItemFacts) -> None:
    found = phrase(mine, theirs)
    assert found == phrase(theirs, mine)
    if found:
        assert 1 <= len(found.split()) <= MAX_RUN
        for facts in (mine, theirs):
            texts = (facts.title, *facts.tags, *map(str, facts.attributes.values()))
            assert any(f" {found} " in f" {' '.join(words_of(text))} " for text in texts)


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("The Sea Wolf", "A sea wolf!", "sea wolf"),
        ("Sea and Sand", "Sand and Sea", "sand"),
        ("War of the Worlds", "The war of the worlds (1938)", "war of the worlds"),
        ("The Story of the", "The Story of the", ""),
        ("1984", "1984", ""),
        ("Heat (1995)", "Casino (1995)", ""),
        ("<b>Dune</b>", "<b>Dune</b>", ""),
        ("a b <i>c</i>", "", ""),
    ],
)
def test_the_longest_phrase_that_says_something_is_found(one: str, other: str, found: str) -> None:
    assert phrase(ItemFacts(one), ItemFacts(other)) == found


def test_a_word_of_the_same_attribute_is_another_reason() -> None:
    sea = ItemFacts("x", attributes={"subject": "sea stories"})
    assert phrase(sea, ItemFacts("y", attributes={"subject": "sea stories"})) == ""
    assert phrase(sea, ItemFacts("y", attributes={"subject": "the sea stories"})) == "sea stories"
    assert phrase(sea, ItemFacts("y", tags=("sea stories",))) == "sea stories"


def test_a_title_as_long_as_a_text_is_not_looked_at() -> None:
    long = ItemFacts("sea " * MAX_FIELD_CHARS)
    assert phrase(long, long) == ""
