"""Replies: read by a strict grammar, whatever they are, and never with an error."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.replies import MOST_NAMED, Entry, read_reply


def numbers(text: str) -> list[int | None]:
    return [entry.number for entry in read_reply(text).entries if entry.number is not None]


def titles(text: str) -> list[str]:
    return [entry.title for entry in read_reply(text).entries if entry.title and entry.listed]


@pytest.mark.parametrize(
    "text",
    [
        '{"order": [3, 1, 2]}',
        '{"ids": ["3", "[1]", "#2"]}',
        '{"thoughts": "of 7 and 9", "ranking": [3, 1, 2]}',
        '{"result": {"order": [3, 1, 2]}}',
        '{"order": [{"id": 3}, {"id": "1"}, {"number": 2}]}',
        "[3, 1, 2]",
        'Sure, here it is:\n```json\n{"order": [3, 1, 2]}\n```\nAll 10 are great.',
        'I think {"order": [3, 1, 2]} is best of all 20.',
        "```\n[3, 1, 2]\n```",
        "Order: [3, 1, 2]",
        "[3]、[1]、[2]",
        "３，１，２",
        "[3] > [1] > [2]",
        "3 > 1 > 2",
        "Ranking: 3, 1, 2.",
        "The best 5 of 20 are these.\n[3]\n[1]\n[2]",
        "3\n1\n2",
        "1. [3]\n2. [1]\n3. [2]",
        "- 3\n- 1\n- 2",
    ],
)
def test_an_order_is_read_whatever_is_around_it(text: str) -> None:
    assert numbers(text) == [3, 1, 2]


@pytest.mark.parametrize(
    "text",
    [
        "There are 3 films of 1999 and 2 of them are good.",
        "I would watch number 3 first, then 1.",
        "As said in [3, 1], the order does not matter.",
        "I rate it 5/5 and 3 of 4 friends agree",
        "",
        "   \n\n",
        "I cannot help with that.",
        '{"order": []}',
        '{"order": "3, 1, 2"}',
        "null",
        "true",
        "7.5",
        '{"order": [true, false, 2.5, null]}',
        "[" * 5000,
        '{"a":' * 5000,
    ],
)
def test_no_digit_of_prose_becomes_a_rank(text: str) -> None:
    assert numbers(text) == []


def test_numbered_lines_name_titles_and_not_numbers() -> None:
    text = "Top 3:\n\n1. Emma (1815) 5/5\n2) **Dune (1965)**\n[3] “It (1986)”\n\nEnjoy all 3!"
    assert titles(text) == ["Emma (1815) 5/5", "Dune (1965)", "It (1986)"]
    assert numbers(text) == []


def test_the_number_of_a_title_that_was_cut_off_is_no_rank() -> None:
    assert numbers("1. Emma (1815)\n2. Dune (1965)\n3") == []


def test_a_year_before_a_title_is_part_of_it() -> None:
    assert titles("1. 2001: A Space Odyssey (1968)") == ["2001: A Space Odyssey (1968)"]
    assert (
        Entry(title="2001: A Space Odyssey", listed=False)
        in read_reply("2001: A Space Odyssey").entries
    )


def test_titles_in_json_carry_their_years() -> None:
    text = '{"titles": [{"title": "Emma", "year": 1815}, {"title": "It (1986)", "year": "1986"}]}'
    assert titles(text) == ["Emma (1815)", "It (1986)"]


def test_prose_lines_may_be_titles_but_are_not_listed() -> None:
    assert {entry.listed for entry in read_reply("Here you are\nEmma (1815)").entries} == {False}


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ('{"order": [1]}', "schema"),
        ("[1]", "json"),
        ('ok {"order": [1]}', "json"),
        ("[1] > [2]", "text"),
        ("", "nothing"),
    ],
)
def test_the_form_says_how_much_had_to_be_dug(text: str, form: str) -> None:
    assert read_reply(text).form == form


@given(st.one_of(st.text(), st.text(alphabet='[]{}",:123> .\n`-abc'), st.binary().map(repr)))
def test_any_reply_is_read(text: str) -> None:
    assert len(read_reply(text).entries) <= MOST_NAMED


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_is_read(value: object) -> None:
    read_reply(json.dumps(value))


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "piece", ["[", "{", "a", " ", "[1", '{"a":[', "```", "1. ", "(1999) ", "3 > ", "\n", "1,"]
)
def test_a_reply_of_a_megabyte_is_read_in_time(piece: str) -> None:
    read_reply(piece * (1_000_000 // len(piece)))


@pytest.mark.parametrize("size", [5, 400])
def test_numbers_too_large_to_be_one_are_unknown_and_no_error(size: int) -> None:
    assert numbers(f'{{"order": [{"9" * size}]}}') in ([], [99999])
