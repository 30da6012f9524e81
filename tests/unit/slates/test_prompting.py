"""Prompts: what strangers write fills them and never changes them; what is too long is cut."""

import json
import re
import unicodedata
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.prompting import LONGEST, PER_MESSAGE, TEXTS, Line, Prompt, ask, load_prompt, quote
from streams.errors import ModelUnavailable, SetupError

PROMPT = Prompt(
    name="order",
    version=3,
    system="Order.",
    user="{{history}}\n--\n{{candidates}}\n--\n{{words}}\n{{n}}",
    max_tokens=10,
    cut=("history", TEXTS, "candidates"),
)
HISTORY = [Line((f"had {k}",)) for k in range(3)]
CANDIDATES = [Line((k, f"item {k}"), text="a text of five words") for k in range(1, 4)]
FILLED = {"history": HISTORY, "candidates": CANDIDATES, "words": "", "n": 3}


def words_of(text: str) -> int:
    return len(text.split())


def signs_of(text: str) -> int:
    """Without the names of blanks, which no prompt has any more."""
    return len(re.sub(r"{{\w+}}", "", text))


def asked(most: int = 1000, *, count=words_of, **filled: object):
    return ask(PROMPT, {**FILLED, **filled}, most=most, count=count, strategy="order")


@given(st.text(max_size=600))
def test_words_of_a_stranger_are_one_bounded_json_string_without_marks(words: str) -> None:
    quoted = quote(words)
    said = json.loads(quoted)
    assert len(said) <= LONGEST
    assert not [c for c in said if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert not set("<>[]") & set(said)
    assert quoted.startswith('"')


def test_what_looks_like_a_blank_is_not_filled() -> None:
    question = asked(words="{{history}} {{n}} {0} %s $n").question
    assert '"{{history}} {{n}} {0} %s $n"' in question.messages[-1].content


def test_static_parts_stand_first_and_do_not_change() -> None:
    one, other = asked().question, asked(words="something else").question
    assert one.messages[:-1] == other.messages[:-1]
    assert one.messages[0].role == "system"


def test_a_question_names_its_prompt_and_version() -> None:
    assert asked().question.prompt == "order/3"


def test_nothing_is_cut_where_all_fits() -> None:
    assert asked().counts == {}
    assert asked().left("candidates") == 3


def test_the_oldest_history_is_cut_first_then_texts_then_the_last_candidates() -> None:
    every = [asked(most=most, count=signs_of) for most in range(300, 100, -1)]
    steps = [tuple(one.counts) for one in every]
    assert steps == sorted(steps, key=len)
    assert {0, 1, 2} <= set(map(len, steps))
    some = next(one for one in every if one.counts)
    assert some.counts == {"cut_history": 1}
    assert '"had 0"' in some.question.messages[-1].content
    assert '"had 2"' not in some.question.messages[-1].content


def test_candidates_are_cut_from_the_back() -> None:
    for most in range(60, 0, -1):
        one = asked(most=most)
        if "cut_candidates" in one.counts:
            break
    assert one.counts == {"cut_history": 3, "cut_texts": 3, "cut_candidates": 1}
    assert one.left("candidates") == 2
    content = one.question.messages[-1].content
    assert ('2 "item 2"' in content, '3 "item 3"' in content) == (True, False)


def test_what_fits_as_a_whole_is_not_cut_for_what_its_lines_would_take_alone() -> None:
    content = asked().question.messages
    whole = sum(words_of(message.content) + PER_MESSAGE for message in content) + PER_MESSAGE
    assert asked(most=whole).counts == {}
    assert asked(most=whole - 1).counts["cut_history"] >= 1


@pytest.mark.parametrize("most", range(25, 60))
def test_what_fits_is_no_longer_than_allowed(most: int) -> None:
    question = asked(most=most).question
    assert sum(words_of(message.content) for message in question.messages) <= most


def test_what_is_too_long_whatever_is_cut_is_not_asked() -> None:
    with pytest.raises(ModelUnavailable, match="order/3") as caught:
        asked(most=5)
    assert caught.value.reason == "prompt-too-long"


def test_blanks_that_are_not_filled_are_refused_by_name() -> None:
    with pytest.raises(SetupError, match=r"rerank-1.*'candidates'.*expected \['history'\]"):
        load_prompt("rerank-1", blanks={"history"})


def test_a_prompt_that_is_not_there_is_said() -> None:
    with pytest.raises(SetupError, match="rerank-99"):
        load_prompt("rerank-99", blanks=())


@pytest.mark.parametrize("file", [f.name for f in files("slates").joinpath("prompts").iterdir()])
def test_every_prompt_of_the_package_can_be_read(file: str) -> None:
    name = file.removesuffix(".toml")
    with pytest.raises(SetupError, match="blanks") as caught:
        load_prompt(name, blanks={"of another"})
    assert name in str(caught.value)
