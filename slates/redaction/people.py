"""
Names of people, told from words and places by lists, by how they are written and by what is near.

Two sorts of evidence count: the word itself (a given name, a family name that is no word, a word
that no list has) and its surroundings (a title, `my name is`, a given name before it).  A name that
was recognised once is taken wherever it stands.  Names without capitals are only taken where
they can be nothing else, and names in Chinese only behind words such as 我叫.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from slates.redaction.sorts import COMPANIES, INSIDE, TITLES, Sort, Sorts
from slates.redaction.spans import Kind, Span
from slates.redaction.tokens import Token
from slates.redaction.words import Lexicon
from slates.wordlists import words

_LOCATIVE = words(
    "in from near at around visiting visit towards outside across through via throughout leaving "
    "reach reached southern northern eastern western downtown"
)
_MOVES = words(
    "move moved moving fly flew flying travel travelled traveled go going went come coming drive "
    "drove driving return returned returning relocated welcome trip way ship shipped"
)
_CHINESE = re.compile(r"(?:我叫|我的名字是|名字叫|姓名[:：]?\s*|他叫|她叫)([\u4e00-\u9fff]{2,4})")
MOST_TOLD = 4
"""Words of a name behind `my name is`."""
_MOST_COMMON = 500_000
"""Occurrences from which on a word ends no name that is only guessed from two words."""


def find_people(text: str, tokens: Sequence[Token], lexicon: Lexicon) -> list[Span]:
    """Names of people, and of places that no list has, which live near people."""
    spans = [Span(*match.span(1), "PERSON") for match in _CHINESE.finditer(text)]
    reader = _People(text, tokens, lexicon)
    found = list(reader.names())
    spans += found
    spans += reader.again(found)
    return spans


class _People(Sorts):
    """Reads one text."""

    def names(self) -> Iterator[Span]:
        """Runs of words that are a name together."""
        at = 0
        while at < len(self.tokens):
            end = self._run_end(at)
            if end > at:
                kind = self._kind(at, end)
                if kind is not None:
                    end = self._told_end(at, end)
                    at = self._begin(at, end)
                    yield Span(self.tokens[at].start, self.tokens[end - 1].end, kind)
                at = end
            else:
                at += 1

    def again(self, found: Sequence[Span]) -> Iterator[Span]:
        """Single words of names that were found, wherever they stand."""
        parts = {
            token.text
            for token, sort in zip(self.tokens, self.sorts, strict=True)
            if sort >= Sort.WEAK and len(token.text) > 2
            if any(s.kind == "PERSON" and s.start <= token.start < s.end for s in found)
        }
        for token in self.tokens:
            if token.text in parts and token.capital:
                yield Span(token.start, token.end, "PERSON")

    def _run_end(self, at: int) -> int:
        """Behind the name that could begin here; `at` where none can."""
        if self.sorts[at] < Sort.WEAK and not self.is_initial(self.tokens[at]):
            return at
        end = at + 1
        while end < len(self.tokens) and INSIDE.fullmatch(self.tokens[end].gap):
            ended = "." in self.tokens[end].gap and not self._short(end - 1)
            if self.sorts[end] == Sort.NO or ended:
                break
            end += 1
        while (
            end > at
            and self.sorts[end - 1] == Sort.LINK
            and (not self.is_initial(self.tokens[end - 1]))
        ):
            end -= 1
        return end

    def _told_end(self, at: int, end: int) -> int:
        """Behind a name that is announced: all capitals that follow, though some may be words."""
        if not self.is_announced(at):
            return end
        while (
            end < min(len(self.tokens), at + MOST_TOLD)
            and self.tokens[end].capital
            and self.tokens[end].gap == " "
        ):
            end += 1
        return end

    def _begin(self, at: int, end: int) -> int:
        """Without words before the name that only begin a sentence: Later Becker left."""
        while at + 1 < end and self.sorts[at] == Sort.WEAK and self._is_opening(at):
            at += 1
        return at

    def _is_opening(self, at: int) -> bool:
        word = self.tokens[at].text
        return self.lexicon.is_plain(word) and not self.lexicon.is_first(word)

    def _short(self, at: int) -> bool:
        """Is a point behind the word a sign of an abbreviation?"""
        token = self.tokens[at]
        return len(token.text) == 1 or token.text.lower() in TITLES

    def _kind(self, at: int, end: int) -> Kind | None:
        run = range(at, end)
        strong = any(self.sorts[i] == Sort.STRONG for i in run)
        first = any(self.lexicon.is_first(self.tokens[i].text) for i in run)
        if self._is_company(end):
            return None
        if self.is_introduced(at):
            return "PERSON"
        if strong and not first and self._is_locative(at):
            return "PLACE"
        full = self._is_full_name(at, end)
        return "PERSON" if strong or full else None

    def _is_full_name(self, at: int, end: int) -> bool:
        """A given name and then a family name, though each is a word: Grace Young."""
        words = [t.text for t in self.tokens[at:end] if len(t.text) > 1]
        return (
            1 < len(words) < 4
            and self.lexicon.frequency.get(words[-1].lower(), 0) < _MOST_COMMON
            and not self.headline
            and self.lexicon.is_first(words[0])
            and self.lexicon.is_last(words[-1])
        )

    def _is_company(self, end: int) -> bool:
        return (
            end < len(self.tokens)
            and self.tokens[end].text.lower() in COMPANIES
            and self.tokens[end].capital
            and INSIDE.fullmatch(self.tokens[end].gap) is not None
        )

    def _is_locative(self, at: int) -> bool:
        if at == 0:
            return False
        before = self.tokens[at - 1].text.lower()
        if before == "to" and at > 1:
            return self.tokens[at - 2].text.lower() in _MOVES
        return before in _LOCATIVE and self.tokens[at].gap == " "
