"""The part of an address that leaves little doubt: a house and a street, in either order."""

from __future__ import annotations

import re

from slates.redaction.reading import Reading
from slates.redaction.streets import FOREIGN, LINKS, SURE, TYPES, is_foreign_street
from slates.wordlists import words

_SAYS_ADDRESS = re.compile(
    r"(?:\baddress(?:e)?(?: (?:is|was|to|at|with|as|of))?:?"
    r"|\b(?:live|lives|lived|living|reside|resides|residing|located|situated|stay|staying|stays)"
    r" (?:at|on|in)|\b(?:moved|ship|shipped|deliver|delivered|sent) to|\bmeet(?: me| us)? at"
    r"|\bwohn(?:e|t|haft) (?:in|an)|\badresse(?: ist| est)?:?"
    r"|\bdirecci\u00f3n(?: es)?:?|\bindirizzo(?: \u00e8)?:?)\s*$",
    re.IGNORECASE,
)
_ON = words("on at of near from to along off down")
"""Before a street that has no number."""
_BEFORE = 30
"""Characters before an address in which words may say that it is one."""
LONGEST = 6
"""Most words of a street's name: Avenida General Juan Domingo Perón has five."""


class Cores(Reading):
    """Finds where a core ends that begins at a token."""

    def core(self, at: int) -> int | None:
        """Behind a house and its street, or a part of a house; None where there is neither."""
        token = self.tokens[at]
        if token.is_number:
            return self._introduced(at) or self._numbered(at)
        if self.is_unit(at):
            return at + 2
        return self._introduced(at) or self._named(at) or self._unnumbered(at)

    def _introduced(self, at: int) -> int | None:
        """Behind the words and numbers that follow `my address is`."""
        start = self.tokens[at].start
        if not _SAYS_ADDRESS.search(self.text, max(0, start - _BEFORE), start):
            return None
        end, house = at, False
        while end < min(len(self.tokens), at + LONGEST + 2) and (end == at or self.goes_on(end)):
            token = self.tokens[end]
            if not self.fits(token):
                break
            house = house or (token.is_number and not self.is_year(token))
            end += 1
        return end if house and end > at + 1 else None

    def _numbered(self, at: int) -> int | None:
        """`90 Whitchurch Road`, `416 Kiannonkatu 98`, `1987 74 Diakou Street`."""
        first = at + 1
        if self.is_number(first) and self.same(first):
            first += 1
        best = None
        strange = before_name = False
        end = first
        while end < min(len(self.tokens), first + LONGEST) and self.same(end):
            token = self.tokens[end]
            if token.is_number:
                if strange and self.is_house(token) and not self.is_year(token):
                    best = end + 1
                    if self.is_number(best) and self.same(best):
                        best += 1
                break
            if not self.fits(token):
                break
            strange = strange or self.is_strange(token) or self._says_street(end, first)
            strange = strange or (token.capital and not self.lexicon.is_plain(token.text))
            if self._closes(end, first):
                before_name = self._opens_name(end)
                best = end + 1
            end += 1
        double = best is None and strange and first > at + 1 and end > first
        return end if double or before_name else best

    def _opens_name(self, at: int) -> bool:
        """Does the type stand before the name, as in Rue de la Paix?"""
        small = self.tokens[at].text.lower()
        following = self.tokens[at + 1].text.lower() if self.same(at + 1) else ""
        return small in FOREIGN and following in LINKS

    def _named(self, at: int) -> int | None:
        """`Nieuwe Baan 473`, `Rua das Flores 12`, `Slovenčeva 51`."""
        if not self._may_begin(at):
            return None
        said = False
        for end in range(at, min(len(self.tokens), at + LONGEST)):
            token = self.tokens[end]
            if end > at and not self.same(end):
                break
            if token.is_number:
                return end + 1 if self.is_house(token) and (said or self._after(end, at)) else None
            if not self.fits(token):
                break
            said = said or is_foreign_street(token.text.lower())
        return None

    def _after(self, at: int, first: int) -> bool:
        """Does a number stand behind a strange word, as a house does behind its street?"""
        token = self.tokens[at]
        name = at - 2 if len(self.tokens[at - 1].text) == 1 and at - 2 >= first else at - 1
        long = len(re.sub(r"\D.*", "", token.text)) > 1
        return long and not self.is_year(token) and self.is_strange(self.tokens[name])

    def _unnumbered(self, at: int) -> int | None:
        """`on Marina Fort Street`: only where a word before and the type leave no doubt."""
        token = self.tokens[at]
        if not token.capital or at == 0 or self.tokens[at - 1].text.lower() not in _ON:
            return None
        for end in range(at + 1, min(len(self.tokens), at + 4)):
            word = self.tokens[end]
            if not (word.capital and self.same(end)):
                return None
            if word.text.lower() in SURE:
                return end + 1
        return None

    def _closes(self, at: int, first: int) -> bool:
        """Is the name of a street complete with this word?"""
        small = self.tokens[at].text.lower()
        if (small in TYPES and at > first) or self._opens_name(at):
            return True
        return is_foreign_street(small) and len(small) > 3

    def _says_street(self, at: int, first: int) -> bool:
        small = self.tokens[at].text.lower()
        return is_foreign_street(small) or (at > first and small in TYPES)

    def _may_begin(self, at: int) -> bool:
        token = self.tokens[at]
        small = token.text.lower()
        if is_foreign_street(small):
            return token.capital or self.lexicon.is_unknown(small)
        return self.is_strange(token) or (token.capital and not self.lexicon.is_plain(small))
