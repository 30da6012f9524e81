"""
The sentences in a model's reply, whatever else is in it.

What a sentence cites says which item it is about.  A reply that was cut off in the middle still has
the sentences before; nothing in a reply raises an error or takes more than bounded time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from slates.told.sentences import Sentence

MOST_READ = 64_000
"""Characters, as in `slates.replies`."""
MOST_TRIED = 400
"""Places at which JSON may begin that are tried."""
MOST_SENTENCES = 200
DEEPEST = 6
"""Levels of objects and lists around a sentence."""

_BEGIN = re.compile(r"[{\[]")
_CITES = ("cites", "evidence", "reasons", "facts")


def read_sentences(text: str) -> tuple[Sentence, ...]:
    """
    All sentences that cite something, in their order; numbers as the reply has them.

    >>> read_sentences('Sure: {"sentences": [{"cites": [2], "text": "So."}, {"cites": [3], "te')
    (Sentence(text='So.', cites=(2,)),)
    """
    found = (one for value in _values(text[:MOST_READ]) for one in _sentences(value, 0))
    return tuple(one for one, _ in zip(found, range(MOST_SENTENCES), strict=False))


def _values(text: str) -> Iterator[Any]:
    """What can be decoded, the outermost first."""
    decoder, after = json.JSONDecoder(), 0
    for _, begin in zip(range(MOST_TRIED), _BEGIN.finditer(text), strict=False):
        if begin.start() < after:
            continue
        try:
            value, after = decoder.raw_decode(text, begin.start())
        except (ValueError, RecursionError):
            continue
        yield value


def _sentences(value: Any, depth: int) -> Iterator[Sentence]:
    if depth > DEEPEST:
        return
    if isinstance(value, list):
        for one in value:
            yield from _sentences(one, depth + 1)
    elif isinstance(value, dict):
        text = value.get("text")
        cites = next((value[name] for name in _CITES if name in value), None)
        if isinstance(text, str) and isinstance(cites, list):
            yield Sentence(text, tuple(one for one in cites if type(one) is int))
        else:
            for one in value.values():
                yield from _sentences(one, depth + 1)
