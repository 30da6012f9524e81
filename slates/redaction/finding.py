"""All personal data of a text: every kind of finder, and what the catalogue may keep."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from slates.redaction.addresses import find_addresses
from slates.redaction.numbers import find_numbers
from slates.redaction.people import find_people
from slates.redaction.spans import STRUCTURED, Span, merge
from slates.redaction.tokens import tokenize
from slates.redaction.words import load_lexicon

_ANCHOR = 40
"""Characters by which a longer text is recognised: prompts have only its beginning."""
LINES = 20_000
"""Lines of prompts of which is remembered what was found in them: some 10 MB."""
_PLACE = re.compile(r'\d+ (?=")')
"""What numbers an item's line: the same item has other numbers in other prompts."""
_SHORTEST = 3
"""Characters of a text of the catalogue below which it says nothing: such as the film `M`."""


def find_personal(
    text: str, *, public: Iterable[str] = (), private: Iterable[str] = ()
) -> list[Span]:
    """
    Personal data, each piece once, in the order of the text.

    Args:
        text: What will leave.
        public: Texts of the catalogue: the people and places in them stay, their e-mail addresses
            and numbers do not.
        private: Texts that a user wrote: nothing in them stays, whatever the catalogue says.
    """
    return merge(_kept(text, _found(text), public, private))


def find_by_line(text: str, *, public: Iterable[str] = ()) -> list[Span]:
    """
    As `find_personal`, but each line by itself, and each only when it is met for the first time.

    For prompts without a word of a user: their lines are the catalogue's, the same over and over,
    and to look through twenty of them takes 20 ms of a worker that makes slates meanwhile.
    """
    found: list[Span] = []
    start = 0
    for line in text.split("\n"):
        place = _PLACE.match(line)
        at = place.end() if place else 0
        found += [
            Span(start + at + span.start, start + at + span.end, span.kind)
            for span in _found_in(line[at:])
        ]
        start += len(line) + 1
    return merge(_kept(text, found, public, ()))


@lru_cache(maxsize=LINES)
def _found_in(line: str) -> tuple[Span, ...]:
    return tuple(_found(line))


def _found(text: str) -> list[Span]:
    """What every finder sees, whatever the catalogue says."""
    lexicon = load_lexicon()
    tokens = tokenize(text)
    return [
        *find_numbers(text),
        *find_addresses(text, tokens, lexicon),
        *find_people(text, tokens, lexicon),
    ]


def _kept(
    text: str, found: Sequence[Span], public: Iterable[str], private: Iterable[str]
) -> Iterator[Span]:
    if all(span.kind in STRUCTURED for span in found):
        yield from found
        return
    known = places_of(text, public)
    own = places_of(text, private)
    for span in found:
        if span.kind in STRUCTURED or not within(span, known) or within(span, own):
            yield span


def places_of(text: str, parts: Iterable[str]) -> list[tuple[int, int]]:
    """Where any of the parts stands as whole words, or its beginning where that is long."""
    return [place for part in parts if len(part) >= _SHORTEST for place in _places(text, part)]


def _places(text: str, part: str) -> Iterator[tuple[int, int]]:
    anchor = part[:_ANCHOR]
    start = text.find(anchor)
    while start >= 0:
        end = start + _shared(text, start, part, at_least=len(anchor))
        before, after = text[start - 1 : start], text[end : end + 1]
        cut = (before.isalnum() and part[0].isalnum()) or (
            after.isalnum() and text[end - 1].isalnum()
        )
        if not cut or len(anchor) == _ANCHOR:
            yield start, end
        start = text.find(anchor, start + 1)


def _shared(text: str, start: int, part: str, *, at_least: int) -> int:
    """How many characters of the part stand there."""
    low, high = at_least, len(part)
    while low < high:
        middle = (low + high + 1) // 2
        if text.startswith(part[:middle], start):
            low = middle
        else:
            high = middle - 1
    return low


def within(span: Span, places: Sequence[tuple[int, int]]) -> bool:
    """Does it stand in one of the places?"""
    return any(start <= span.start and span.end <= end for start, end in places)
