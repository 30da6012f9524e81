"""
Pieces of a text that is trusted: what a sentence may take out of it without saying something else.

A piece is a run of words as the text has them.  It takes along what changes its meaning: the words
around a number, whatever denies or hedges what it is part of.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from slates.told.tongues import Tongue

_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’&/-][^\W\d_]+)*|\S")
_ENDS = frozenset(".!?;:")
_BREAKS = _ENDS | frozenset(",()—–…")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a number or a mark of punctuation."""

    begin: int
    end: int
    word: str
    """In small letters, singular."""

    @property
    def is_number(self) -> bool:
        """Has it a digit of whatever script in it?"""
        return any(c.isnumeric() for c in self.word)


@dataclass(frozen=True, slots=True)
class Text:
    """A text that may be taken apart."""

    tokens: tuple[Token, ...]
    places: Mapping[str, Sequence[int]]
    """Word to where it stands."""
    must: tuple[tuple[int, int], ...]
    """For each token the range that a piece with it in must include."""

    def ends(self, tokens: Sequence[Token], begin: int) -> Iterator[int]:
        """Where a piece of a sentence that begins at one of its tokens can end, furthest first."""
        found = {
            begin + length
            for place in self.places.get(tokens[begin].word, ())
            for length in self._lengths(tokens, begin, place)
        }
        yield from sorted(found, reverse=True)

    def _lengths(self, tokens: Sequence[Token], begin: int, place: int) -> Iterator[int]:
        low, high, length = place, place, 0
        while begin + length < len(tokens) and place + length < len(self.tokens):
            if tokens[begin + length].word != self.tokens[place + length].word:
                return
            first, last = self.must[place + length]
            low, high, length = min(low, first), max(high, last), length + 1
            says = self.tokens[place + length - 1].word[0].isalnum()
            if says and low >= place and high < place + length:
                yield length


def tokens_of(text: str) -> tuple[Token, ...]:
    """Take a text apart."""
    return tuple(
        Token(found.start(), found.end(), _plain(found.group())) for found in _TOKEN.finditer(text)
    )


def _plain(word: str) -> str:
    """
    A word as it is compared; only the plural is taken off, which changes no claim.

    >>> _plain("Fries"), _plain("Joe's"), _plain("glass"), _plain("BEST")
    ('fry', 'joe', 'glass', 'best')
    """
    word = word.casefold().replace("’", "'").removesuffix("'s")
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


@lru_cache(maxsize=256)
def read_text(text: str, tongue: Tongue) -> Text:
    """Take a text apart, and find out what its words cannot do without."""
    tokens = tokens_of(text)
    places: dict[str, list[int]] = defaultdict(list)
    for place, token in enumerate(tokens):
        places[token.word].append(place)
    must = [_needed(tokens, place, tongue) for place in range(len(tokens))]
    for words, ends in ((tongue.denies, _ENDS), (tongue.hedges, _BREAKS)):
        for first, last in _parts(tokens, ends):
            spoilt = [k for k in range(first, last) if _is_one_of(tokens[k], words)]
            if spoilt:
                for k in range(first, last):
                    must[k] = min(must[k][0], spoilt[0]), max(must[k][1], spoilt[-1])
    return Text(tokens, places, tuple(must))


def _is_one_of(token: Token, words: frozenset[str]) -> bool:
    return token.word in words or any(_plain(word) == token.word for word in words)


def _needed(tokens: Sequence[Token], place: int, tongue: Tongue) -> tuple[int, int]:
    """A number stands with the words on both sides, and what binds with the next one."""
    token, low, high = tokens[place], place, place
    if token.is_number and place and tokens[place - 1].word not in _BREAKS:
        low = place - 1
    binds = token.is_number or token.word in tongue.binds
    if binds and place + 1 < len(tokens) and tokens[place + 1].word not in _BREAKS:
        high = place + 1
    return low, high


def _parts(tokens: Sequence[Token], ends: frozenset[str]) -> Iterator[tuple[int, int]]:
    begin = 0
    for place, token in enumerate(tokens):
        if token.word in ends:
            yield begin, place
            begin = place + 1
    yield begin, len(tokens)
