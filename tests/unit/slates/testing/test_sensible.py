"""The model server's own answers are what the prompt wants, whatever it wants."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.model import Message
from slates.testing.sensible import PLAIN, TURNED, sensible


def listed(name: str, **properties: Any) -> dict[str, Any]:
    """The schema of an object with one list: of numbers, or of objects with these properties."""
    inner = {"type": "object", "properties": properties} if properties else {"type": "integer"}
    return {"type": "object", "properties": {name: {"type": "array", "items": inner}}}


NUMBER, STRING = {"type": "integer"}, {"type": "string"}
NUMBERS, STRINGS = {"type": "array", "items": NUMBER}, {"type": "array", "items": STRING}
ORDER = listed("order")
ITEMS = '1 "Emma" "A comedy of matchmaking."\n2 "Dune" "A planet of sand."'


def answer(text: str, schema: dict[str, Any]) -> Any:
    return json.loads(sensible([Message("user", text)], schema))


@given(st.integers(1, 120))
def test_an_order_is_a_permutation_of_the_candidates(n: int) -> None:
    order = answer("\n".join(f'{k} "title {k}" 7' for k in range(1, n + 1)), ORDER)["order"]
    assert sorted(order) == list(range(1, n + 1))
    assert order[:TURNED] == list(range(min(n, TURNED), 0, -1))


def test_neither_history_nor_facts_are_candidates() -> None:
    text = f'History:\n"Alien (1979)" 1\nCandidates:\n{ITEMS}\nFacts:\n7 1 "new this week"'
    assert answer(text, ORDER) == {"order": [2, 1]}


def test_without_a_schema_the_answer_looks_like_the_example() -> None:
    shown = [Message("user", "…"), Message("assistant", '{"ids": [7]}')]
    assert json.loads(sensible([*shown, Message("user", ITEMS)], None)) == {"ids": [2, 1]}


def test_sentences_say_what_facts_say_and_cite_them() -> None:
    text = f'{ITEMS}\nFacts:\n1 1 "50 people came"\n2 1 "by \\"Jane\\""\n3 2 "new this week"'
    told = answer(text, listed("sentences", cites=NUMBERS, text=STRING))["sentences"]
    assert told == [
        {"cites": [3], "text": "new this week"},
        {"cites": [1, 2], "text": '50 people came – by "Jane"'},
    ]


def test_an_item_is_described_in_its_own_words() -> None:
    mood = {"type": "string", "enum": ["", "calm"]}
    wanted = listed("items", id=NUMBER, tags=STRINGS, summary=STRING, mood=mood)
    described = {one["id"]: one for one in answer(ITEMS, wanted)["items"]}
    assert described[1] == {
        "id": 1,
        "tags": ["comedy", "matchmaking"],
        "summary": "A comedy of matchmaking.",
        "mood": "",
    }
    assert described.keys() == {1, 2}


def test_titles_are_some_of_the_prompt() -> None:
    wanted = listed("titles", title=STRING, year={"type": ["integer", "null"]})
    titles = answer('History:\n"Alien (1979)" 1\n"Emma" 0', wanted)["titles"]
    assert {one["title"] for one in titles} == {"Alien (1979)", "Emma"}
    assert {one["year"] for one in titles} == {None}


@pytest.mark.parametrize("text", ["Say yes.", "", '"', '1 "\\ud83d"', "1 " * 9])
def test_every_prompt_has_an_answer(text: str) -> None:
    assert isinstance(answer(text, ORDER)["order"], list)
    assert sensible([], None) == "[]"


def test_where_nothing_is_said_nothing_is_said() -> None:
    assert answer("Hello", {"type": "object", "properties": {"text": STRING}}) == {"text": PLAIN}
