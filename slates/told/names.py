"""
Names in a sentence: whatever a stranger wrote must stand in quotes, whole and unchanged.

While the sentence is read a mark stands for each, so that nothing inside a name is ever read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

FIRST = 0xE000
MOST = 0xF8FF - FIRST
"""Names of a sentence; Unicode has so many private characters."""

_OPEN = "[“„”\"«»‹›「『《〈‘‚']"
_CLOSE = "[,.]?[”“\"»«›‹」』》〉’‘']"
_QUOTES = re.compile('[“„”"«»‹›「」『』《》〈〉‘‚]')


class Marked(NamedTuple):
    """A sentence with marks in the place of names."""

    text: str
    names: Mapping[str, str]
    """Mark to name."""
    fault: str = ""
    """What is wrong with its quotes or characters; empty where nothing is."""


def mark_names(text: str, names: Iterable[str]) -> Marked:
    """
    Put a mark in the place of each known name that stands in quotes.

    Args:
        text: A sentence, without control characters.
        names: All that may be quoted.

    >>> found = mark_names("“Dune” is like „Emma“.", ["Dune"])
    >>> found.text == chr(0xE000) + " is like „Emma“.", found.fault
    (True, "'„Emma“.' are no words of a name")
    """
    if any(FIRST <= ord(c) <= FIRST + MOST for c in text):
        return Marked(text, {}, "private characters")
    known = sorted(set(names), key=lambda name: (-len(name), name))[:MOST]
    marks = {chr(FIRST + k): name for k, name in enumerate(known)}
    for mark, name in marks.items():
        text = re.sub(f"{_OPEN}{re.escape(name)}{_CLOSE}", mark, text)
    text = text.replace("’", "'")
    left = _QUOTES.search(text)
    fault = f"{text[left.start() :][:40]!r} are no words of a name" if left else ""
    return Marked(text, marks, fault)
