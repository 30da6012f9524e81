"""All personal data of a text: every kind of finder, and what the catalogue may keep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from slates.redaction.addresses import find_addresses
from slates.redaction.numbers import find_numbers
from slates.redaction.people import find_people
from slates.redaction.spans import STRUCTURED, Span, merge
from slates.redaction.tokens import tokenize
from slates.redaction.words import load_lexicon

_ANCHOR = 40
"""Characters by which a longer text is recognised: prompts have only its beginning."""
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
    lexicon = load_lexicon()
    tokens = tokenize(text)
    found = [
        *find_numbers(text),
        *find_addresses(text, tokens, lexicon),
        *find_people(text, tokens, lexicon),
    ]
    return merge(_kept(text, found, public, private))


def _kept(
    text: str, found: Sequence[Span], public: Iterable[str], private: Iterable[str]
) -> Iterator[Span]:
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
        end = start + len(anchor)
        while end < len(text) and end - start < len(part) and text[end] == part[end - start]:
            end += 1
        before, after = text[start - 1 : start], text[end : end + 1]
        cut = (before.isalnum() and part[0].isalnum()) or (
            after.isalnum() and text[end - 1].isalnum()
        )
        if not cut or len(anchor) == _ANCHOR:
            yield start, end
        start = text.find(anchor, start + 1)


def within(span: Span, places: Sequence[tuple[int, int]]) -> bool:
    """Does it stand in one of the places?"""
    return any(start <= span.start and span.end <= end for start, end in places)
