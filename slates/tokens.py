"""
How many tokens a text has, without the tokenizer of the model: rather too many than too few.

A text is cut as byte-pair tokenizers cut it (words with the space before them, numbers by threes,
runs of signs), and each piece is taken at what pieces of its kind cost at most on average.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

import msgspec

from slates.model import Message, Question

_PIECE = re.compile(
    r"(?P<digits>[ ]?\d+)|(?P<ascii>[A-Za-z]+)|(?P<latin>[A-Za-z\u00c0-\u024f]+)"
    r"|(?P<han>[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+)"
    r"|(?P<letters>[^\W\d_]+)|(?P<space>\s+)"
    r"|(?P<signs>[!-/:-@\[-`{-~]+)|(?P<other>.)",
    re.DOTALL,
)
_CUT = re.compile(re.sub(r"\?P<\w+>", "?:", _PIECE.pattern), re.DOTALL)
"""The same without names, which cuts a text in one go."""
PER_MESSAGE = 4
"""Tokens of a message beside its words: role and marks of the chat format."""
PER_QUESTION = 3
"""Tokens that begin the answer."""
REMEMBERED = 20_000
"""Longest text, in characters, whose tokens are remembered; a prompt has 5,000 or so."""


def estimate(text: str) -> int:
    """
    Tokens of a text; a prompt is asked about several times on its way, and counted once.

    >>> estimate("The old man and the sea"), estimate("12345678"), estimate("")
    (6, 3, 0)
    """
    return _remembered(text) if len(text) <= REMEMBERED else _counted(text)


def _counted(text: str) -> int:
    return math.ceil(sum(map(_cost, _CUT.findall(text))))


_remembered = lru_cache(maxsize=256)(_counted)


def estimate_question(question: Question) -> int:
    """Tokens of the whole prompt, with the schema: servers write it into the prompt."""
    schema = "" if question.schema is None else msgspec.json.encode(question.schema).decode()
    return sum(map(_of_message, question.messages)) + estimate(schema) + PER_QUESTION


def _of_message(message: Message) -> int:
    return estimate(message.content) + PER_MESSAGE


def _ascii(word: str) -> float:
    """Words in use are one token; the longer, and with a capital, the rarer."""
    return 1.0 + max(0, len(word) - 4) * (0.32 if word[0].isupper() else 0.22)


def _space(run: str) -> float:
    """One space goes with the word behind it."""
    return 0.0 if run == " " else 1.0


_COSTS: Mapping[str, Callable[[str], float]] = {
    "digits": lambda run: math.ceil(len(run.strip()) / 3) + (run[0] == " "),
    "ascii": _ascii,
    "latin": lambda word: 1.0 + len(word.encode()) * 0.4,
    "han": lambda run: len(run) * 1.3,
    "letters": lambda word: 0.5 + len(word.encode()) * 0.45,
    "space": _space,
    "signs": lambda run: 0.4 + 0.6 * len(run),
    "other": lambda sign: len(sign.encode()) * 0.8,
}
"""By kind of piece; measured against the tokenizers of tests/unit/slates/test_tokens.py."""


@lru_cache(maxsize=50_000)
def _cost(piece: str) -> float:
    """Most words have been met before."""
    found = _PIECE.match(piece)
    return _COSTS[(found and found.lastgroup) or "other"](piece)
