"""
Postal addresses: a core that leaves little doubt, and the lines that go on from it.

A core is a number and the name of a street in either order, a part of a house, or a box.  From
there the city, the region's code, the country and the postal code are taken along, on the same
line or on those that follow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from slates.redaction.spans import Span
from slates.redaction.streets import LINKS, SURE, TYPES, UNITS, is_foreign_street, is_street
from slates.redaction.tokens import Token
from slates.redaction.words import Lexicon
from slates.wordlists import words

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
_SAYS_ADDRESS = re.compile(
    r"(?:\baddress(?:e)?(?: (?:is|was|to|at|with|as|of))?:?"
    r"|\b(?:live|lives|lived|living|reside|resides|residing|located|situated|stay|staying|stays|moved|ship|shipped|deliver|delivered|sent|meet"
    r"|meet (?:me|us)) (?:at|on|in|to)|\bwohn(?:e|t|haft) (?:in|an)|\badresse(?: ist| est)?:?"
    r"|\bdirecci\u00f3n(?: es)?:?|\bindirizzo(?: \u00e8)?:?)\s*$",
    re.IGNORECASE,
)
_BREAK = re.compile(r"[.!?;:()\"“”\[\]{}|]")
"""Ends an address on its line."""
_ON = words("on at of near from to along off down")
"""Before a street that has no number."""
_BEFORE = 30
"""Characters before an address in which words may say that it is one."""
_WORDS = 6
"""Most words of a street's name: Avenida General Juan Domingo Perón has five."""
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
    reader = _Reader(text, tokens, lexicon)
    spans += [Span(a, b, "ADDRESS") for a, b in reader.addresses()]
    return spans


class _Reader:
    """Reads one text; positions are those of tokens."""

    def __init__(self, text: str, tokens: Sequence[Token], lexicon: Lexicon) -> None:
        self._text = text
        self._tokens = tokens
        self._lexicon = lexicon
        self._small = not any(token.capital for token in tokens)

    def addresses(self) -> Iterator[tuple[int, int]]:
        """Where they begin and end in the text."""
        boxes = [match.span() for match in _BOX.finditer(self._text)]
        corners = [match.start() for match in _CORNER.finditer(self._text)]
        at = before = 0
        while at < len(self._tokens):
            end = self._box(at, boxes) or self._corner(at, corners) or self._core(at)
            if end is None:
                at += 1
                continue
            last = self._tail(end)
            first = self._head(at, before) if self._is_unit(at) else at
            yield self._tokens[first].start, self._tokens[last - 1].end
            at = before = last

    def _head(self, at: int, before: int) -> int:
        """Where the street begins that stands before a part of a house."""
        first = at
        while first > before and at - first <= _WORDS:
            token = self._tokens[first - 1]
            if not self._joins(self._tokens[first].gap) or not self._fits(token):
                break
            if "\n" in self._tokens[first].gap and first < at:
                break
            first -= 1
        return first

    def _is_unit(self, at: int) -> bool:
        small = self._tokens[at].text.lower()
        return small in UNITS and self._is_number(at + 1) and self._same(at + 1)

    def _introduced(self, at: int) -> int | None:
        """Behind the words and numbers that follow `my address is`."""
        start = self._tokens[at].start
        if not _SAYS_ADDRESS.search(self._text, max(0, start - _BEFORE), start):
            return None
        end, house = at, False
        while end < min(len(self._tokens), at + _WORDS + 2) and (end == at or self._goes_on(end)):
            token = self._tokens[end]
            if not self._fits(token):
                break
            house = house or (token.is_number and not self._is_year(token))
            end += 1
        return end if house and end > at + 1 else None

    def _box(self, at: int, boxes: Sequence[tuple[int, int]]) -> int | None:
        """Behind a box that begins here."""
        for start, end in boxes:
            if start == self._tokens[at].start:
                return at + sum(1 for token in self._tokens[at:] if token.start < end)
        return None

    def _corner(self, at: int, corners: Sequence[int]) -> int | None:
        """Behind `X and Y` of `the corner of X and Y`."""
        if self._tokens[at].start not in corners:
            return None
        end, seen_and = at, False
        while self._tokens[end].text.lower() in ("the", "corner", "of"):
            end += 1
            if end == len(self._tokens):
                return None
        at = end
        while end < len(self._tokens) and end - at <= 2 * _WORDS:
            token = self._tokens[end]
            if end > at and not self._goes_on(end):
                break
            if token.text.lower() in ("and", "und", "et", "y"):
                seen_and = True
            elif not self._fits(token):
                break
            end += 1
        return end if seen_and and end > at + 2 else None

    def _core(self, at: int) -> int | None:
        token = self._tokens[at]
        if token.is_number:
            return self._introduced(at) or self._numbered(at)
        if self._is_unit(at):
            return at + 2
        return self._introduced(at) or self._named(at) or self._unnumbered(at)

    def _numbered(self, at: int) -> int | None:
        """`90 Whitchurch Road`, `416 Kiannonkatu 98`, `1987 74 Diakou Street`."""
        first = at + 1
        if self._is_number(first) and self._same(first):
            first += 1
        best = None
        strange = False
        end = first
        while end < min(len(self._tokens), first + _WORDS) and self._same(end):
            token = self._tokens[end]
            if token.is_number:
                if strange and self._is_house(token) and not self._is_year(token):
                    best = end + 1
                    if self._is_number(best) and self._same(best):
                        best += 1
                break
            if not self._fits(token):
                break
            strange = strange or self._is_strange(token) or self._says_street(end, first)
            strange = strange or (token.capital and not self._lexicon.is_plain(token.text))
            if self._closes(end, first):
                best = end + 1
            end += 1
        if best is None and strange and first > at + 1 and end > first:
            return end
        return best

    def _named(self, at: int) -> int | None:
        """`Nieuwe Baan 473`, `Rua das Flores 12`, `Slovenčeva 51`."""
        if not self._may_begin(at):
            return None
        said = False
        for end in range(at, min(len(self._tokens), at + _WORDS)):
            token = self._tokens[end]
            if end > at and not self._same(end):
                break
            if token.is_number:
                return end + 1 if self._is_house(token) and (said or self._after(end, at)) else None
            if not self._fits(token):
                break
            said = said or is_foreign_street(token.text.lower())
        return None

    def _after(self, at: int, first: int) -> bool:
        """Does a number stand behind a strange word, as a house does behind its street?"""
        token = self._tokens[at]
        name = at - 2 if len(self._tokens[at - 1].text) == 1 and at - 2 >= first else at - 1
        long = len(re.sub(r"\D.*", "", token.text)) > 1
        return long and not self._is_year(token) and self._is_strange(self._tokens[name])

    def _unnumbered(self, at: int) -> int | None:
        """`on Marina Fort Street`: only where a word before and the type leave no doubt."""
        token = self._tokens[at]
        if not token.capital or at == 0 or self._tokens[at - 1].text.lower() not in _ON:
            return None
        for end in range(at + 1, min(len(self._tokens), at + 4)):
            word = self._tokens[end]
            if not (word.capital and self._same(end)):
                return None
            if word.text.lower() in SURE:
                return end + 1
        return None

    def _tail(self, end: int) -> int:
        """Behind what goes on from a core: part of the house, city, region, country, code."""
        for _ in range(_LINES):
            following = self._piece(end)
            if following is None:
                return end
            end = following
        return end

    def _piece(self, at: int) -> int | None:
        if at >= len(self._tokens) or not self._joins(self._tokens[at].gap):
            return None
        token = self._tokens[at]
        new_line = "\n" in token.gap or "," in token.gap
        if token.is_number:
            return self._code(at) if self._looks_like_code(token) else None
        if self._is_unit(at):
            return at + 2
        return self._core_on_next_line(at) or self._city(at, new_line=new_line)

    def _core_on_next_line(self, at: int) -> int | None:
        return self._core(at) if "\n" in self._tokens[at].gap else None

    def _city(self, at: int, *, new_line: bool) -> int | None:
        """Words written as names are; after a comma or on a line of their own even plain ones."""
        end = at
        while end < len(self._tokens) and end - at < _CITY:
            token = self._tokens[end]
            if token.is_number or (end > at and not self._same(end)):
                break
            small = token.text.lower()
            link = end > at and small in LINKS and self._followed_by_capital(end)
            named = token.capital or (self._small and self._is_strange(token))
            named = named or (new_line and end == at and small == "nan")
            if not (named or link):
                break
            plain = self._lexicon.is_plain(token.text) and not self._lexicon.is_place(small)
            if plain and not (new_line or token.shouted or link or end > at):
                break
            end += 1
        if end == at:
            return None
        alone = end == len(self._tokens) or self._ends_line(end) or self._tokens[end].is_number
        return end if alone or not new_line or end - at <= 2 else None

    def _ends_line(self, at: int) -> bool:
        gap = self._tokens[at].gap
        return "\n" in gap or "," in gap or _BREAK.search(gap) is not None

    def _code(self, at: int) -> int:
        """Behind a postal code, which may have two parts: `7412 SL`, `394 13`."""
        if at + 1 < len(self._tokens) and self._tokens[at + 1].gap == " ":
            after = self._tokens[at + 1]
            if after.text.isupper() and len(after.text) == 2 and len(self._tokens[at].text) == 4:
                return at + 2
            if after.text.isdigit() and len(after.text) == 2 and len(self._tokens[at].text) == 3:
                return at + 2
        return at + 1

    def _looks_like_code(self, token: Token) -> bool:
        return re.fullmatch(r"\d{3,6}(?:-\d{3,4})?|\d{2}-\d{3}", token.text) is not None

    def _closes(self, at: int, first: int) -> bool:
        """Is the name of a street complete with this word?"""
        small = self._tokens[at].text.lower()
        if small in TYPES and at > first:
            return True
        return is_foreign_street(small) and len(small) > 3

    def _says_street(self, at: int, first: int) -> bool:
        small = self._tokens[at].text.lower()
        return is_foreign_street(small) or (at > first and small in TYPES)

    def _fits(self, token: Token) -> bool:
        """May the word be inside of a street's name?"""
        if token.is_number:
            return True
        small = token.text.lower()
        return (
            token.capital
            or small in LINKS
            or is_street(small)
            or self._lexicon.is_unknown(token.text)
        )

    def _may_begin(self, at: int) -> bool:
        token = self._tokens[at]
        small = token.text.lower()
        if is_foreign_street(small):
            return token.capital or self._lexicon.is_unknown(small)
        return self._is_strange(token) or (token.capital and not self._lexicon.is_plain(small))

    def _is_strange(self, token: Token) -> bool:
        return not token.is_number and self._lexicon.is_unknown(token.text)

    def _is_number(self, at: int) -> bool:
        return at < len(self._tokens) and self._tokens[at].is_number

    def _is_house(self, token: Token) -> bool:
        return re.fullmatch(r"\d{1,5}(?:[-/]\d{1,4})?[A-Za-z]?", token.text) is not None

    def _is_year(self, token: Token) -> bool:
        return re.fullmatch(r"(?:19|20)\d\d", token.text) is not None

    def _same(self, at: int) -> bool:
        """Does the token go on where the one before ended?"""
        return (
            at < len(self._tokens)
            and re.fullmatch(r"\.? {1,2}|\.", self._tokens[at].gap) is not None
        )

    def _goes_on(self, at: int) -> bool:
        return re.fullmatch(r"[.,]? {1,2}", self._tokens[at].gap) is not None

    def _joins(self, gap: str) -> bool:
        """Between the pieces of an address: a space, a comma, a new line, marks of a quotation."""
        return re.fullmatch(r"\.?[ \t]*,?[\s>|]*,?\s*", gap) is not None and gap.count("\n") <= 3

    def _followed_by_capital(self, at: int) -> bool:
        return at + 1 < len(self._tokens) and self._tokens[at + 1].capital
