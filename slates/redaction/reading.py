"""What a word may be inside of an address, told from the word and from what stands beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from slates.redaction.streets import LINKS, UNITS, is_street
from slates.redaction.tokens import Token
from slates.redaction.words import Lexicon

_GAP = 40
"""Most characters between two pieces: an indented line."""


class Reading:
    """One text, read for addresses; positions are those of tokens."""

    def __init__(self, text: str, tokens: Sequence[Token], lexicon: Lexicon) -> None:
        self.text = text
        self.tokens = tokens
        self.lexicon = lexicon
        self.small = not any(token.capital for token in tokens)

    def is_number(self, at: int) -> bool:
        """Is there a number?"""
        return at < len(self.tokens) and self.tokens[at].is_number

    def is_house(self, token: Token) -> bool:
        """May it be the number of a house?"""
        return re.fullmatch(r"\d{1,5}(?:[-/]\d{1,4})?[A-Za-z]?", token.text) is not None

    def is_year(self, token: Token) -> bool:
        """May it be a year of late?"""
        return re.fullmatch(r"(?:19|20)\d\d", token.text) is not None

    def is_strange(self, token: Token) -> bool:
        """Is it a word that no list has?"""
        return not token.is_number and self.lexicon.is_unknown(token.text)

    def fits(self, token: Token) -> bool:
        """May the word be inside of a street's name?"""
        if token.is_number:
            return True
        small = token.text.lower()
        return (
            token.capital
            or small in LINKS
            or is_street(small)
            or self.lexicon.is_unknown(token.text)
        )

    def is_unit(self, at: int) -> bool:
        """Is it a part of a house, such as Apt. 12?"""
        small = self.tokens[at].text.lower()
        return small in UNITS and self.is_number(at + 1) and self.same(at + 1)

    def same(self, at: int) -> bool:
        """Does the token go on where the one before ended?  A point behind a number ends it."""
        if at >= len(self.tokens):
            return False
        gap = self.tokens[at].gap
        ended = "." in gap and self.tokens[at - 1].is_number and not self.tokens[at].is_number
        return not ended and re.fullmatch(r"\.? {1,2}|\.", gap) is not None

    def goes_on(self, at: int) -> bool:
        """Does the token go on where the one before ended, perhaps behind a comma?"""
        return re.fullmatch(r"[.,]? {1,2}", self.tokens[at].gap) is not None

    def joins(self, gap: str) -> bool:
        """Between the pieces of an address: a space, a comma, a new line, marks of a quotation."""
        near = len(gap) <= _GAP and gap.count("\n") <= 3
        return near and re.fullmatch(r"\.?[ \t]*,?[\s>|]*,?\s*", gap) is not None

    def followed_by_capital(self, at: int) -> bool:
        """Is the next word written as names are?"""
        return at + 1 < len(self.tokens) and self.tokens[at + 1].capital
