"""The model server's own answers are what the prompt wants, whatever it wants."""

import json

from hypothesis import given
from hypothesis import strategies as st

from slates.model import Message
from slates.testing.sensible import TURNED, sensible

ORDER = {"type": "object", "properties": {"order": {"type": "array", "items": {"type": "integer"}}}}


def numbered(n: int) -> Message:
    return Message("user", "\n".join(f'{k} "title {k}" 7' for k in range(1, n + 1)))


@given(st.integers(1, 120))
def test_an_order_is_a_permutation_of_the_candidates(n: int) -> None:
    order = json.loads(sensible([numbered(n)], ORDER))["order"]
    assert sorted(order) == list(range(1, n + 1))
    assert order[:TURNED] == list(range(min(n, TURNED), 0, -1))


def test_a_history_without_numbers_is_none_of_the_candidates() -> None:
    prompt = Message("user", 'History:\n"Alien (1979)" 1\nCandidates:\n1 "Emma"\n2 "Dune"')
    assert json.loads(sensible([prompt], ORDER)) == {"order": [2, 1]}


def test_without_a_schema_the_answer_looks_like_the_example() -> None:
    shown = [Message("user", "…"), Message("assistant", '{"ids": [7]}')]
    assert json.loads(sensible([*shown, numbered(2)], None)) == {"ids": [2, 1]}


def test_evidence_is_cited_out_of_the_prompt() -> None:
    reason = {
        "type": "object",
        "properties": {
            "item": {"type": "integer"},
            "text": {"type": "string"},
            "evidence": {"type": "array", "items": {"type": "string"}},
        },
    }
    wanted = {
        "type": "object",
        "properties": {"reasons": {"type": "array", "items": reason}},
    }
    prompt = Message("user", '1 "Emma"\n2 "Dune"\ne1 "by Austen"\ne2 "liked Persuasion"')
    reasons = json.loads(sensible([prompt], wanted))["reasons"]
    assert [one["item"] for one in reasons] == [2, 1]
    assert all(set(one["evidence"]) <= {"e1", "e2"} and one["text"] for one in reasons)


def test_titles_are_some_of_the_prompt() -> None:
    title = {
        "type": "object",
        "properties": {"title": {"type": "string"}, "year": {"type": ["integer", "null"]}},
    }
    wanted = {"type": "object", "properties": {"titles": {"type": "array", "items": title}}}
    prompt = Message("user", 'History:\n"Alien (1979)" 1\n"Emma" 0')
    titles = json.loads(sensible([prompt], wanted))["titles"]
    assert {one["title"] for one in titles} == {"Alien (1979)", "Emma"}


def test_a_prompt_without_candidates_has_an_answer_all_the_same() -> None:
    assert json.loads(sensible([Message("user", "Say yes.")], ORDER)) == {"order": []}
    assert sensible([], None) == "[]"
