"""What a word may be by itself and by what stands before it: a name, a part of one, or none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum

from slates.redaction.tokens import Token
from slates.redaction.words import FUNCTION_WORDS, Lexicon, load_foreign, unaccented
from slates.wordlists import words

TITLES = words(
    "mr mrs ms miss mx dr prof professor sir madam dame herr frau señor señora sr sra dott signor "
    "signora monsieur madame mme mlle mevrouw meneer captain sergeant judge "
    "senator"
)
_RELATIVES = words(
    "wife husband son daughter kid child mother father mom mum dad brother sister uncle aunt "
    "cousin friend boss colleague neighbour neighbor girlfriend boyfriend partner fiancé "
    "grandmother grandfather grandma grandpa nephew niece"
)
_SPEECH = words("said says asked told named called dear hi hello hey meet regards sincerely")
_SAYS_NAME = re.compile(
    r"(?:\bname(?: \w+){0,3}? (?:is|was|to)|\bnames? ?:|\bnamed|\bcalled|\bi am called|\bcall me"
    r"|\bnam(?:e|ed|ing) (?:him|her|them|it)|\bich hei(?:ß|ss)e|\bje m['’]appelle|\bme llamo"
    r"|\bmi chiamo|\bmijn naam is|\bname\?)\s*$",
    re.IGNORECASE,
)
COMPANIES = words(
    "inc llc ltd limited corp corporation company co group partners gmbh ag sa plc university "
    "college school orchestra foundation institute bank records pictures studios labs solutions "
    "systems technologies insurance analytics media holdings club museum hospital church street "
    "st road avenue festival league united fc"
)
_PARTICLES = words(
    "van von de da del della di du der den dos das la le bin ibn al el af ter ten zu y e"
)
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_CAMEL = re.compile(r"(?!Mc|Mac|De|Di|La|Le|O['’])[A-Z][a-z]+[A-Z]\w*")
"""Names of products and of sites; McDonald is none."""
INSIDE = re.compile(r"\.? {1,2}|[.\u00b7]")
"""Between the words of one name."""
_BEFORE = 40
"""Characters before a name in which words may say that it is one."""


class Sort(IntEnum):
    """What a word may be by itself."""

    NO = 0
    """A word, or nothing that could be in a name."""
    LINK = 1
    """A particle or an initial: only between or beside words of a name."""
    WEAK = 2
    """A word that is a name, too: Young, Hope."""
    STRONG = 3
    """A name, or of no list."""


class Sorts:
    """The words of one text."""

    def __init__(self, text: str, tokens: Sequence[Token], lexicon: Lexicon) -> None:
        self.text = text
        self.tokens = tokens
        self.lexicon = lexicon
        self._foreign = _foreign_words(tokens)
        self._urls = [match.span() for match in _URL.finditer(text)]
        letters = [t for t in tokens if not t.is_number and len(t.text) > 2]
        small = sum(1 for t in letters if not t.capital)
        self._shouting = sum(1 for t in letters if t.shouted) * 2 > len(letters)
        self.headline = small * 4 < len(letters) and len(letters) > 4
        self.sorts = [self._sort(i) for i in range(len(tokens))]

    def _sort(self, at: int) -> Sort:
        token = self.tokens[at]
        small = token.text.lower()
        if token.is_number or small in TITLES or self._is_brand(token):
            return Sort.NO
        if self.is_initial(token):
            return Sort.LINK
        if not token.capital or (token.shouted and self._shouting):
            return Sort.LINK if small in _PARTICLES else self._sort_small(at)
        foreign = small in self._foreign and not self.lexicon.is_first(small)
        if foreign or self.lexicon.is_place(small):
            named = self.lexicon.is_last(unaccented(small)) or self.lexicon.is_first(small)
            return Sort.WEAK if named else Sort.NO
        return self._sort_capital(token)

    def _is_brand(self, token: Token) -> bool:
        """A company's or a site's, or the beginning of a contraction."""
        small = token.text.lower()
        return (
            small in COMPANIES
            or _CAMEL.fullmatch(token.text) is not None
            or small.startswith(("c'", "c’", "y'", "y’", "i'", "i’"))
            or any(start <= token.start < end for start, end in self._urls)
        )

    def _sort_capital(self, token: Token) -> Sort:
        parts = re.split(r"[-\u2011]", token.text)
        return max(self._sort_word(part, shouted=token.shouted) for part in parts if part)

    def _sort_word(self, word: str, *, shouted: bool) -> Sort:
        lexicon = self.lexicon
        if lexicon.is_plain(word):
            named = lexicon.is_first(word) or lexicon.is_last(word)
            return Sort.WEAK if named and not shouted else Sort.NO
        if lexicon.is_first(word) or lexicon.is_last(word):
            return Sort.STRONG if len(word) > 2 else Sort.WEAK
        if shouted and len(word) < 5:
            return Sort.NO
        return Sort.STRONG if lexicon.is_unknown(word) else Sort.WEAK

    def _sort_small(self, at: int) -> Sort:
        """A word without a capital, or in a text of capitals only."""
        word = self.tokens[at].text
        small = word.lower()
        lexicon = self.lexicon
        if len(small) == 1:
            return Sort.LINK if self._is_small_name(at - 1) else Sort.NO
        if len(small) < 3 or self._is_word(small):
            return Sort.NO
        if lexicon.is_first(small) and not self._foreign:
            return Sort.STRONG
        introduced = self.is_introduced(at)
        if lexicon.is_unknown(small) and introduced:
            return Sort.STRONG
        if lexicon.is_unknown(small) and not self._foreign:
            return Sort.STRONG if unaccented(small) != small else self._after_name(at)
        return Sort.NO

    def _is_word(self, small: str) -> bool:
        lexicon = self.lexicon
        known = small in self._foreign or small in lexicon.dictionary
        return known or lexicon.is_plain(small) or lexicon.is_place(small)

    def _after_name(self, at: int) -> Sort:
        """A strange small word belongs to a small given name before it."""
        first = at - 2 if at > 1 and len(self.tokens[at - 1].text) == 1 else at - 1
        close = INSIDE.fullmatch(self.tokens[at].gap) is not None
        return Sort.STRONG if close and self._is_small_name(first) else Sort.NO

    def _is_small_name(self, at: int) -> bool:
        """A given name without its capital?"""
        if at < 0:
            return False
        word = self.tokens[at].text
        return (
            word.islower() and self.lexicon.is_first(word) and (word not in self.lexicon.dictionary)
        )

    @staticmethod
    def is_initial(token: Token) -> bool:
        """Is it the first letter of a name?"""
        return len(token.text) == 1 and token.capital and token.text not in "IA"

    def is_introduced(self, at: int) -> bool:
        """Do the words before say that a person's name comes?"""
        if at and self.tokens[at - 1].gap is not None:
            before = self.tokens[at - 1]
            gap = self.tokens[at].gap
            near = before.text.lower()
            if near in TITLES and gap in (" ", ". ", "."):
                return True
            if near in _RELATIVES | _SPEECH and gap in (" ", ", "):
                return True
        return self.is_announced(at)

    def is_announced(self, at: int) -> bool:
        """Do the words before say that nothing but a name comes, such as `my name is`?"""
        start = self.tokens[at].start
        return _SAYS_NAME.search(self.text, max(0, start - _BEFORE), start) is not None


def _foreign_words(tokens: Sequence[Token]) -> frozenset[str]:
    """Words of the language that the text is in; none where that is English, or nobody knows."""
    small = {token.text for token in tokens if not token.capital}
    known = {language: len(small & words) for language, words in FUNCTION_WORDS.items()}
    best = max(known, key=lambda language: known[language])
    return frozenset() if best == "en" or known[best] < 2 else load_foreign(best)
