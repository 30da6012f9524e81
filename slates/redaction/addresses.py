"""
Postal addresses: a core that leaves little doubt, and the lines that go on from it.

A core is a number and the name of a street in either order, a part of a house, or a box.  From
there the city, the region's code, the country and the postal code are taken along, on the same
line or on those that follow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from slates.redaction.cores import LONGEST, Cores
from slates.redaction.spans import Span
from slates.redaction.streets import LINKS
from slates.redaction.tokens import Token
from slates.redaction.words import Lexicon

_BOX = re.compile(
    r"(?:\b\d{1,6} )?\bP\.? ?O\.? ?Box \d+"
    r"|\b(?:Postfach|Casilla|Apartado|Box|Postbus|Boks) \d{2,6}\b"
    r"|\b(?:PSC|CMR|Unit) \d+,? Box \d+|\b(?:USNV|USNS|USS|USCGC|USAV|USAT) [A-Z]\w+"
    r"|\b(?:APO|FPO|DPO),? (?:AA|AE|AP),? \d{5}(?:-\d{4})?",
    re.IGNORECASE,
)
_POSTCODE = re.compile(
    r"\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b|\b[ABCEGHJ-NPRSTVXY]\d[A-Z] ?\d[A-Z]\d\b"
)
"""Of the United Kingdom and of Canada: no other codes are told from numbers by their form."""
_SAYS_POSTCODE = re.compile(
    r"\b(?:zip(?: ?code)?|post(?:al)? ?code|plz|postleitzahl|code postal|c\.?p\.?|psč|cap)\b"
    r"[^.\n\d]{0,20}?[\s:#=-]"
    r"(?P<code>[A-Z]{0,2}-?\d[\d -]{1,8}\d(?: ?[A-Z]{2}\b)?|[A-Z]\d[A-Z] ?\d[A-Z]\d)",
    re.IGNORECASE,
)
_CORNER = re.compile(r"(?:\bthe )?\bcorner of ", re.IGNORECASE)
_BREAK = re.compile(r"[.!?;:()\"“”\[\]{}|]")
"""Ends an address on its line."""
_LINES = 7
"""Most pieces behind a core: part of the house, city, region, country, code, each on its line."""
_CITY = 5
"""Most words of a city with its country."""


def find_addresses(text: str, tokens: Sequence[Token], lexicon: Lexicon) -> list[Span]:
    """Each address as one span, overlapping ones left as they are found."""
    spans = [
        Span(m.start("code"), m.end("code"), "POSTCODE") for m in _SAYS_POSTCODE.finditer(text)
    ]
    spans += [Span(*match.span(), "POSTCODE") for match in _POSTCODE.finditer(text)]
    reader = _Addresses(text, tokens, lexicon)
    spans += [Span(a, b, "ADDRESS") for a, b in reader.addresses()]
    return spans


class _Addresses(Cores):
    """Reads one text."""

    def addresses(self) -> Iterator[tuple[int, int]]:
        """Where they begin and end in the text."""
        boxes = [match.span() for match in _BOX.finditer(self.text)]
        corners = [match.start() for match in _CORNER.finditer(self.text)]
        at = before = 0
        while at < len(self.tokens):
            end = self._box(at, boxes) or self._corner(at, corners) or self.core(at)
            if end is None:
                at += 1
                continue
            last = self._tail(end)
            first = self._head(at, before) if self.is_unit(at) else at
            yield self.tokens[first].start, self.tokens[last - 1].end
            at = before = last

    def _head(self, at: int, before: int) -> int:
        """Where the street begins that stands before a part of a house."""
        first = at
        while first > before and at - first <= LONGEST:
            token = self.tokens[first - 1]
            if not self.joins(self.tokens[first].gap) or not self.fits(token):
                break
            if "\n" in self.tokens[first].gap and first < at:
                break
            first -= 1
        return first

    def _box(self, at: int, boxes: Sequence[tuple[int, int]]) -> int | None:
        """Behind a box that begins here."""
        for start, end in boxes:
            if start == self.tokens[at].start:
                return at + sum(1 for token in self.tokens[at:] if token.start < end)
        return None

    def _corner(self, at: int, corners: Sequence[int]) -> int | None:
        """Behind `X and Y` of `the corner of X and Y`."""
        if self.tokens[at].start not in corners:
            return None
        end, seen_and = at, False
        while self.tokens[end].text.lower() in ("the", "corner", "of"):
            end += 1
            if end == len(self.tokens):
                return None
        at = end
        while end < len(self.tokens) and end - at <= 2 * LONGEST:
            token = self.tokens[end]
            if end > at and not self.goes_on(end):
                break
            if token.text.lower() in ("and", "und", "et", "y"):
                seen_and = True
            elif not self.fits(token):
                break
            end += 1
        return end if seen_and and end > at + 2 else None

    def _tail(self, end: int) -> int:
        """Behind what goes on from a core: part of the house, city, region, country, code."""
        for _ in range(_LINES):
            following = self._piece(end)
            if following is None:
                return end
            end = following
        return end

    def _piece(self, at: int) -> int | None:
        if at >= len(self.tokens) or not self.joins(self.tokens[at].gap):
            return None
        token = self.tokens[at]
        after_code = re.fullmatch(r"\d{4,6}", self.tokens[at - 1].text) is not None
        new_line = "\n" in token.gap or "," in token.gap or after_code
        if token.is_number:
            return self._code(at) if self._looks_like_code(token) else None
        if self.is_unit(at):
            return at + 2
        return self._core_on_next_line(at) or self._city(at, new_line=new_line)

    def _core_on_next_line(self, at: int) -> int | None:
        return self.core(at) if "\n" in self.tokens[at].gap else None

    def _city(self, at: int, *, new_line: bool) -> int | None:
        """Words written as names are; after a comma or on a line of their own even plain ones."""
        end = at
        while end < len(self.tokens) and end - at < _CITY:
            token = self.tokens[end]
            if token.is_number or (end > at and not self.same(end)):
                break
            small = token.text.lower()
            link = end > at and small in LINKS and self.followed_by_capital(end)
            named = token.capital or (self.small and self.is_strange(token))
            named = named or (new_line and end == at and small == "nan")
            if not (named or link):
                break
            plain = self.lexicon.is_plain(token.text) and not self.lexicon.is_place(small)
            if plain and not (new_line or token.shouted or link or end > at):
                break
            end += 1
        if end == at:
            return None
        alone = end == len(self.tokens) or self._ends_line(end) or self.tokens[end].is_number
        return end if alone or not new_line or end - at <= 2 else None

    def _ends_line(self, at: int) -> bool:
        gap = self.tokens[at].gap
        return "\n" in gap or "," in gap or _BREAK.search(gap) is not None

    def _code(self, at: int) -> int:
        """Behind a postal code, which may have two parts: `7412 SL`, `394 13`."""
        if at + 1 < len(self.tokens) and self.tokens[at + 1].gap == " ":
            after = self.tokens[at + 1]
            if after.text.isupper() and len(after.text) == 2 and len(self.tokens[at].text) == 4:
                return at + 2
            if after.text.isdigit() and len(after.text) == 2 and len(self.tokens[at].text) == 3:
                return at + 2
        return at + 1

    def _looks_like_code(self, token: Token) -> bool:
        return re.fullmatch(r"\d{3,6}(?:-\d{3,4})?|\d{2}-\d{3}", token.text) is not None
