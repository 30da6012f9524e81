"""Estimates against real tokenizers: never much too few, and not absurdly many."""

import json
import warnings
from functools import cache
from typing import Any

import pytest

from examples import books_file
from slates.model import Message, Question
from slates.prompting import Line, load_prompt
from slates.tokens import estimate, estimate_question

TOKENIZERS = ["cl100k_base", "o200k_base"]


@cache
def encoding(name: str) -> Any:
    """A tokenizer as published, out of its package: nothing is downloaded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # how the package reads its own file
        from bpe_openai import get_encoding

        return get_encoding(name)


def books() -> list[dict[str, Any]]:
    return [json.loads(line) for line in books_file().read_text("utf-8").splitlines()]


def candidates(texts: bool) -> str:
    lines = (
        Line((at, book["title"]), book.get("description", "")[:100] if texts else "")
        for at, book in enumerate(books()[:100], 1)
    )
    return "\n".join(map(str, lines))


TEXTS = {
    "titles": candidates(texts=False),
    "titles and texts": candidates(texts=True),
    "instructions": load_prompt(
        "rerank-1", blanks=("history", "likes", "words", "constraints", "candidates", "n")
    ).system
    * 2,
    "json": json.dumps([{"part": k, "answer": {"order": [3, 1, 2, k]}} for k in range(30)]),
    "german": "Der alte Mann und das Meer erzählt von einem kubanischen Fischer, der nach "
    "vierundachtzig erfolglosen Tagen hinausfährt. Die Straßenbahnhaltestelle lag gegenüber der "
    "Kirche. Ein Roman über Schuld und Vergangenheitsbewältigung in der Nachkriegszeit.",
    "chinese": "老人与海讲述了一位古巴老渔夫的故事,他在连续八十四天没有捕到鱼之后,独自出海。"
    "这部小说探讨了勇气、孤独和尊严。请根据用户的历史推荐十部电影,并说明理由。",
    "japanese": "老人と海は、老漁師が巨大なカジキと戦う物語です。映画を十本選んでください。",
    "korean": "노인과 바다는 늙은 어부에 관한 이야기이다. 영화를 추천하세요.",
    "russian": "Старик и море рассказывает о кубинском рыбаке. Посоветуйте десять фильмов.",
    "arabic": "يحكي العجوز والبحر قصة صياد كوبي عجوز يكافح سمكة عملاقة في البحر.",
    "hindi": "बूढ़ा आदमी और समुद्र एक क्यूबाई मछुआरे की कहानी है।",
    "emoji": "I loved it 😂😂🎬🍿 10/10 👨‍👩‍👧‍👦 ❤️🔥 would watch again 🚀🚀🚀",
    "digits": "978316148410012345678901234567890 41111111111111111 2026-11-30T10:22:07 3.141592653",
    "names": "Krisztián Szöllösy, Faina Yefremova, Ludwig Wittgenstein, Ngozi Adichie, Gabriel "
    "García Márquez, Kazuo Ishiguro, Szabina Gelencsér",
}
ODD = {"russian", "arabic", "hindi", "emoji", "korean", "japanese", "chinese"}
"""Scripts of which the two tokenizers themselves differ by a half and more."""


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
@pytest.mark.parametrize("what", TEXTS)
def test_an_estimate_is_never_five_percent_too_low(what: str, tokenizer: str) -> None:
    real = len(encoding(tokenizer).encode(TEXTS[what]))
    assert estimate(TEXTS[what]) >= 0.95 * real


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
@pytest.mark.parametrize("what", sorted(set(TEXTS) - ODD))
def test_an_estimate_is_not_much_too_high(what: str, tokenizer: str) -> None:
    real = len(encoding(tokenizer).encode(TEXTS[what]))
    assert estimate(TEXTS[what]) <= 1.4 * real


@pytest.mark.parametrize("what", sorted(ODD))
def test_of_other_scripts_the_dearer_tokenizer_is_met(what: str) -> None:
    real = len(encoding("cl100k_base").encode(TEXTS[what]))
    assert estimate(TEXTS[what]) <= 1.8 * real


def test_a_question_costs_its_messages_its_schema_and_the_marks_between() -> None:
    bare = Question("s", "p/1", (Message("user", "one two"),), 5)
    assert estimate_question(bare) == estimate("one two") + 7
    schema = {"type": "object"}
    asked = Question("s", "p/1", (Message("user", "one two"),), 5, schema=schema)
    assert estimate_question(asked) == estimate_question(bare) + estimate('{"type":"object"}')
