"""What is picked from a text stands in it; whatever the text, something or nothing comes out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.extracting import MOST_TAGS, SUMMARY_CHARS, Extractor
from slates.grounding import source_of, words_of
from streams.enhancements import ENGINE
from streams.items import Item, content_hash
from tests.support.laws import law

LAW = law(40)
WHALE = Item(
    item_id="moby-dick",
    title="Moby-Dick",
    description=(
        "Dr. Melville's one-legged captain hunts a white whale out of Nantucket. "
        "The white whale maimed him. A sailor tells of the whaling ship and of the sperm whale."
    ),
    tags=("whaling",),
    attributes={"place": "Nantucket"},
)


@pytest.fixture(scope="module")
def extract() -> Extractor:
    return Extractor()


def test_keywords_stand_in_the_text_and_repeat_neither_title_nor_tags(extract: Extractor) -> None:
    tags = extract.keywords(WHALE)
    source = source_of(WHALE.description)
    assert 0 < len(tags) <= MOST_TAGS
    assert all(source.has_run(words_of(tag)) for tag in tags)
    assert not {tag.casefold() for tag in tags} & {"whaling", "nantucket", "moby-dick"}
    assert any("whale" in tag for tag in tags)


def test_of_two_keywords_one_of_which_is_in_the_other_the_better_one_is_kept(
    extract: Extractor,
) -> None:
    tags = [tag.casefold().split() for tag in extract.keywords(WHALE)]
    assert not any(one != other and set(one) < set(other) for one in tags for other in tags[:1])


def test_the_summary_is_the_first_sentence_and_a_title_ends_none(extract: Extractor) -> None:
    assert extract(WHALE).summary == (
        "Dr. Melville's one-legged captain hunts a white whale out of Nantucket."
    )


def test_an_exclamation_is_no_summary(extract: Extractor) -> None:
    assert (
        extract.sentence("Wow! A captain hunts a white whale.") == "A captain hunts a white whale."
    )


def test_a_long_sentence_is_cut_after_a_word(extract: Extractor) -> None:
    cut = extract.sentence("whale " * 80)
    assert len(cut) <= SUMMARY_CHARS
    assert cut.endswith("whale…")


def test_it_is_of_this_text_and_by_the_engine(extract: Extractor) -> None:
    found = extract(WHALE)
    assert (found.of, found.by, found.asked) == (content_hash(WHALE.text()), ENGINE, "")


def test_what_is_picked_is_not_encoded_again(extract: Extractor) -> None:
    assert WHALE.text(extract(WHALE)) == WHALE.text()


def test_german_has_other_words_that_are_no_keywords() -> None:
    text = Item(title="Das Boot", description="Ein Boot und die See. Und die See und ein Boot.")
    assert not {"und", "die", "ein"} & set(Extractor("de").keywords(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "…",
        "1" * 2000,
        "a" * 5000,
        "鯨を追う船長の物語。白い鯨。",
        "\u202e\u0000x",
        "!?" * 400,
        "é " * 900,
    ],
    ids=["empty", "space", "dots", "digits", "letters", "cjk", "controls", "signs", "accents"],
)
def test_any_text_gives_something_or_nothing(extract: Extractor, text: str) -> None:
    found = extract(Item(title="x", description=text))
    assert len(found.summary) <= SUMMARY_CHARS
    assert len(found.tags) <= MOST_TAGS


@LAW
@given(text=st.text(max_size=300))
def test_keywords_of_any_text_stand_in_it(extract: Extractor, text: str) -> None:
    source = source_of(text)
    tags = extract.keywords(Item(title="x", description=text))
    assert all(source.has_run(words_of(tag)) for tag in tags)
