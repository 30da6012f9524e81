"""A text as words and numbers with their places: what finders of people and addresses read."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"(?P<word>[^\W\d_]+(?:['’\u2011-][^\W\d_]+)*)|(?P<number>\d+(?:[-/]\d+)*[A-Za-z]?(?![\w]))"
)
_OWNED = re.compile(r"['’]s$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a number; what stands between it and the one before is `gap`."""

    text: str
    start: int
    end: int
    gap: str
    is_number: bool

    @property
    def capital(self) -> bool:
        """Written as names are."""
        return self.text[0].isupper()

    @property
    def shouted(self) -> bool:
        """In capitals throughout."""
        return len(self.text) > 1 and self.text.isupper()


def tokenize(text: str) -> list[Token]:
    """
    Words, without a genitive's ending, and numbers.

    >>> [token.text for token in tokenize("Faina's No. 12b, O'Brien-Smith")]
    ['Faina', 'No', '12b', "O'Brien-Smith"]
    """
    tokens: list[Token] = []
    before = 0
    for match in _TOKEN.finditer(text):
        word = _OWNED.sub("", match[0]) or match[0]
        end = match.start() + len(word)
        gap = text[before : match.start()]
        tokens.append(Token(word, match.start(), end, gap, match["number"] is not None))
        before = end
    return tokens
