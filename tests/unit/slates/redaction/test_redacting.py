"""What a model is asked holds no personal data, and what the catalogue says stays."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.askers import NOBODY, Asker, told
from slates.model import Answer, Message, Question, Usage
from slates.prompting import load_prompt
from slates.redaction.finding import _found_in, find_by_line, find_personal, places_of
from slates.redaction.redacting import WITHHELD, Redacted, redact, redact_question
from slates.redaction.spans import Span
from tests.support.laws import law


class Listener:
    """A model that remembers what reached it."""

    def __init__(self) -> None:
        self.asked: list[Question] = []

    async def ask(self, question: Question, *, within: float) -> Answer:
        self.asked.append(question)
        return Answer("fine", Usage(1, 0, 1), "m", 0.0)


def question(*contents: str) -> Question:
    return Question("s", "p/1", tuple(Message("user", c) for c in contents), 10)


def test_a_value_has_one_placeholder_throughout_a_prompt() -> None:
    asked, _ = redact_question(
        question("Anna Svensson here", "says Anna Svensson to Jamie Pratt"), NOBODY, user_text=True
    )
    assert [m.content for m in asked.messages] == [
        "[PERSON_1] here",
        "says [PERSON_1] to [PERSON_2]",
    ]


def test_names_of_the_catalogue_stay_and_its_mail_addresses_do_not() -> None:
    text = "A film by Sofia Coppola, write to fan@club.example"
    asker = Asker(public=frozenset({text}))
    assert redact(text, asker) == "A film by Sofia Coppola, write to [EMAIL_1]"


def test_a_title_stays_where_the_prompt_has_only_its_beginning() -> None:
    text = "Sofia Coppola tells the story of two Americans in Tokyo who meet by chance at night."
    assert redact(text[:60], Asker(public=frozenset({text}))) == text[:60]


def test_nothing_of_what_a_user_wrote_is_saved_by_the_catalogue() -> None:
    asker = Asker(public=frozenset({"Jamie Pratt"}), said=("my friend Jamie Pratt",))
    text = "1 Jamie Pratt\nwords: my friend Jamie Pratt"
    assert redact(text, asker) == "1 Jamie Pratt\nwords: my friend [PERSON_1]"


def test_lines_of_the_catalogue_are_looked_through_once_whatever_their_numbers() -> None:
    line = '"Lost" "Sofia Coppola, fan@club.example"'
    asker = Asker(public=frozenset({"Sofia Coppola, fan@club.example"}))
    first, _ = redact_question(question(f"candidates:\n7 {line}"), asker, user_text=True)
    met = _found_in.cache_info()
    again, _ = redact_question(question(f"12 {line}\n3 {line}"), asker, user_text=True)
    gone = '"Lost" "Sofia Coppola, [EMAIL_1]"'
    assert first.messages[0].content == f"candidates:\n7 {gone}"
    assert again.messages[0].content == f"12 {gone}\n3 {gone}"
    assert (_found_in.cache_info().hits, _found_in.cache_info().misses) == (
        met.hits + 2,
        met.misses,
    )


def test_a_prompt_with_words_of_a_user_is_looked_through_as_a_whole() -> None:
    """Who introduces herself in one line has her name in the next one, too."""
    words = "My name is Orsolya Kovacs."
    asked, _ = redact_question(
        question(f"words: {words}\nOrsolya Kovacs likes rain"), Asker(said=(words,)), user_text=True
    )
    assert "Orsolya" not in asked.messages[0].content


@law(60)
@given(
    st.lists(st.sampled_from(["Anna Svensson", "4 Main Street", "a@b.example", "the sea", "12"])),
    st.booleans(),
)
def test_by_line_finds_what_each_line_has(parts: list[str], numbered: bool) -> None:
    lines = [f'{n} "{part}"' if numbered else f'"{part}"' for n, part in enumerate(parts)]
    text, found, start = "\n".join(lines), [], 0
    for line in lines:
        found += [Span(start + s.start, start + s.end, s.kind) for s in find_personal(line)]
        start += len(line) + 1
    assert find_by_line(text) == found


@pytest.mark.parametrize("shown", [39, 41, 57, 80])
def test_of_a_long_text_as_much_is_known_as_stands_there(shown: int) -> None:
    part = "Sofia Coppola tells of two Americans in Tokyo who meet at night by chance, and talk."
    text = f"1 {part[:shown]}| and Jamie Pratt"
    expected = [(2, 2 + shown)] if shown >= 40 else []
    assert places_of(text, [part]) == expected


def test_the_id_of_a_user_goes() -> None:
    assert redact("user ann-17 liked it", Asker(user_id="ann-17")) == "user [USER] liked it"


def test_a_short_number_that_is_an_id_is_any_number() -> None:
    assert redact("rank 42 items", Asker(user_id="42")) == "rank 42 items"


@pytest.mark.parametrize("shown", [str, told])
def test_what_a_user_wrote_is_withheld_unless_the_setting_allows_it(shown: Any) -> None:
    words = 'something "slow" about [rain]'
    asker = Asker(said=(words,))
    asked, _ = redact_question(question(f"words: {shown(words)}."), asker, user_text=False)
    assert asked.messages[0].content == f"words: {WITHHELD}."
    asked, _ = redact_question(question(f"words: {shown(words)}."), asker, user_text=True)
    assert asked.messages[0].content == f"words: {shown(words)}."


def test_what_prompts_say_to_everybody_stays() -> None:
    text = load_prompt(
        "rerank-1", blanks=("history", "likes", "words", "constraints", "candidates", "n")
    )
    said = [example.user for example in text.examples] + [text.system]
    asked, replaced = redact_question(question(*said), NOBODY, user_text=False)
    assert [m.content for m in asked.messages] == said
    assert not replaced


async def test_the_model_sees_what_is_left_and_kinds_are_counted() -> None:
    model, counts = Listener(), []
    redacted = Redacted(model, NOBODY, user_text=True, on_redacted=lambda c: counts.append(dict(c)))
    await redacted.ask(question("a@b.example and c@d.example"), within=1.0)
    assert model.asked[0].messages[0].content == "[EMAIL_1] and [EMAIL_2]"
    assert counts == [{"EMAIL": 2}]


@law(60)
@given(st.text(max_size=200))
def test_what_was_redacted_once_has_nothing_structured_left(text: str) -> None:
    from slates.redaction.numbers import find_numbers

    assert [
        s for s in find_numbers(redact(text)) if s.kind in ("EMAIL", "CARD", "IBAN", "IP")
    ] == []


@pytest.mark.parametrize(
    "piece",
    ["a", "1", "1 ", "a.", "A ", "A1 ", " ", "\n>", "@", ":", "Ab 12, ", "-", "name is ", "+", "é"],
)
def test_a_text_of_strangers_cannot_keep_it_busy(piece: str) -> None:
    """Twice the text takes about twice the time: no pattern runs over it again and again."""
    find_personal("a")

    def seconds(times: int) -> float:
        text = (piece * times)[:times] + ";"
        began = time.process_time()
        find_personal(text)
        return time.process_time() - began

    assert seconds(40_000) < 12 * seconds(10_000) + 0.5
