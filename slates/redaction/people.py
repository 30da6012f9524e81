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
from enum import IntEnum

from slates.redaction.spans import Kind, Span
from slates.redaction.tokens import Token
from slates.redaction.words import FUNCTION_WORDS, Lexicon, load_foreign, unaccented
from slates.wordlists import words

_TITLES = words(
    "mr mrs ms miss mx dr prof professor sir madam dame herr frau señor señora sr sra dott signor "
    "signora monsieur madame mme mlle mevrouw meneer captain sergeant judge "
    "senator"
)
_RELATIVES = words(
    "wife husband son daughter kid child mother father mom mum dad brother sister uncle aunt "
    "cousin friend boss colleague neighbour neighbor girlfriend boyfriend partner fiancé grandmother "
    "grandfather grandma grandpa nephew niece"
)
_SPEECH = words("said says asked told named called dear hi hello hey meet regards sincerely")
_SAYS_NAME = re.compile(
    r"(?:\bname(?: \w+){0,3}? (?:is|was|to)|\bnames? ?:|\bnamed|\bcalled|\bi am called|\bcall me"
    r"|\bnam(?:e|ed|ing) (?:him|her|them|it)|\bich hei(?:ß|ss)e|\bje m['’]appelle|\bme llamo|\bmi chiamo"
    r"|\bmijn naam is|\bname\?)\s*$",
    re.IGNORECASE,
)
_LOCATIVE = words(
    "in from near at around visiting visit towards outside across through via throughout leaving "
    "reach reached southern northern eastern western downtown"
)
_MOVES = words(
    "move moved moving fly flew flying travel travelled traveled go going went come coming drive "
    "drove driving return returned returning relocated welcome trip way ship shipped"
)
_COMPANIES = words(
    "inc llc ltd limited corp corporation company co group partners gmbh ag sa plc university "
    "college school orchestra foundation institute bank records pictures studios labs solutions "
    "systems technologies insurance analytics media holdings club museum hospital church street "
    "st road avenue festival league united fc"
)
_PARTICLES = words(
    "van von de da del della di du der den dos das la le bin ibn al el af ter ten zu y e"
)
_CHINESE = re.compile(r"(?:我叫|我的名字是|名字叫|姓名[:：]?\s*|他叫|她叫)([\u4e00-\u9fff]{2,4})")
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_CAMEL = re.compile(r"(?!Mc|Mac|De|Di|La|Le|O['’])[A-Z][a-z]+[A-Z]\w*")
"""Names of products and of sites; McDonald is none."""
_INSIDE = re.compile(r"\.? {1,2}|[.\u00b7]")
"""Between the words of one name."""
_BEFORE = 40
"""Characters before a name in which words may say that it is one."""
_MOST_COMMON = 500_000
"""Occurrences from which on a word ends no name that is only guessed from two words."""


class _Sort(IntEnum):
    """What a word may be by itself."""

    NO = 0
    """A word, or nothing that could be in a name."""
    LINK = 1
    """A particle or an initial: only between or beside words of a name."""
    WEAK = 2
    """A word that is a name, too: Young, Hope."""
    STRONG = 3
    """A name, or of no list."""


def find_people(text: str, tokens: Sequence[Token], lexicon: Lexicon) -> list[Span]:
    """Names of people, and of places that no list has, which live near people."""
    spans = [Span(*match.span(1), "PERSON") for match in _CHINESE.finditer(text)]
    reader = _Reader(text, tokens, lexicon)
    found = list(reader.names())
    spans += found
    spans += reader.again(found)
    return spans


class _Reader:
    def __init__(self, text: str, tokens: Sequence[Token], lexicon: Lexicon) -> None:
        self._text = text
        self._tokens = tokens
        self._lexicon = lexicon
        self._foreign = _foreign_words(tokens)
        self._urls = [match.span() for match in _URL.finditer(text)]
        letters = [t for t in tokens if not t.is_number and len(t.text) > 2]
        small = sum(1 for t in letters if not t.capital)
        self._shouting = sum(1 for t in letters if t.shouted) * 2 > len(letters)
        self._headline = small * 4 < len(letters) and len(letters) > 4
        self._sorts = [self._sort(i) for i in range(len(tokens))]

    def names(self) -> Iterator[Span]:
        """Runs of words that are a name together."""
        at = 0
        while at < len(self._tokens):
            end = self._run_end(at)
            if end > at:
                kind = self._kind(at, end)
                if kind is not None:
                    yield Span(self._tokens[at].start, self._tokens[end - 1].end, kind)
                at = end
            else:
                at += 1

    def again(self, found: Sequence[Span]) -> Iterator[Span]:
        """Single words of names that were found, wherever they stand."""
        parts = {
            token.text
            for token, sort in zip(self._tokens, self._sorts, strict=True)
            if sort >= _Sort.WEAK and len(token.text) > 2
            if any(s.kind == "PERSON" and s.start <= token.start < s.end for s in found)
        }
        for token in self._tokens:
            if token.text in parts and token.capital:
                yield Span(token.start, token.end, "PERSON")

    def _run_end(self, at: int) -> int:
        """Behind the name that could begin here; `at` where none can."""
        if self._sorts[at] < _Sort.WEAK and not self._is_initial(self._tokens[at]):
            return at
        end = at + 1
        while end < len(self._tokens) and _INSIDE.fullmatch(self._tokens[end].gap):
            ended = "." in self._tokens[end].gap and not self._short(end - 1)
            if self._sorts[end] == _Sort.NO or ended:
                break
            end += 1
        while (
            end > at
            and self._sorts[end - 1] == _Sort.LINK
            and (not self._is_initial(self._tokens[end - 1]))
        ):
            end -= 1
        return end

    def _short(self, at: int) -> bool:
        """Is a point behind the word a sign of an abbreviation?"""
        token = self._tokens[at]
        return len(token.text) == 1 or token.text.lower() in _TITLES

    def _kind(self, at: int, end: int) -> Kind | None:
        run = range(at, end)
        strong = any(self._sorts[i] == _Sort.STRONG for i in run)
        first = any(self._lexicon.is_first(self._tokens[i].text) for i in run)
        if self._is_company(end):
            return None
        if self._is_introduced(at):
            return "PERSON"
        if strong and not first and self._is_locative(at):
            return "PLACE"
        full = self._is_full_name(at, end)
        return "PERSON" if strong or full else None

    def _is_full_name(self, at: int, end: int) -> bool:
        """A given name and then a family name, though each is a word: Grace Young."""
        words = [t.text for t in self._tokens[at:end] if len(t.text) > 1]
        return (
            1 < len(words) < 4
            and self._lexicon.frequency.get(words[-1].lower(), 0) < _MOST_COMMON
            and not self._headline
            and self._lexicon.is_first(words[0])
            and self._lexicon.is_last(words[-1])
        )

    def _is_company(self, end: int) -> bool:
        return (
            end < len(self._tokens)
            and self._tokens[end].text.lower() in _COMPANIES
            and self._tokens[end].capital
            and _INSIDE.fullmatch(self._tokens[end].gap) is not None
        )

    def _is_introduced(self, at: int) -> bool:
        """Do the words before say that a person's name comes?"""
        start = self._tokens[at].start
        if at and self._tokens[at - 1].gap is not None:
            before = self._tokens[at - 1]
            gap = self._tokens[at].gap
            near = before.text.lower()
            if near in _TITLES and gap in (" ", ". ", "."):
                return True
            if near in _RELATIVES | _SPEECH and gap in (" ", ", "):
                return True
        return _SAYS_NAME.search(self._text, max(0, start - _BEFORE), start) is not None

    def _is_locative(self, at: int) -> bool:
        if at == 0:
            return False
        before = self._tokens[at - 1].text.lower()
        if before == "to" and at > 1:
            return self._tokens[at - 2].text.lower() in _MOVES
        return before in _LOCATIVE and self._tokens[at].gap == " "

    def _sort(self, at: int) -> _Sort:
        token = self._tokens[at]
        small = token.text.lower()
        if token.is_number or small in _TITLES or self._is_brand(token):
            return _Sort.NO
        if self._is_initial(token):
            return _Sort.LINK
        if not token.capital or (token.shouted and self._shouting):
            return _Sort.LINK if small in _PARTICLES else self._sort_small(at)
        if self._lexicon.is_place(small) or small in self._foreign:
            named = self._lexicon.is_first(small) or self._lexicon.is_last(small)
            return _Sort.WEAK if named else _Sort.NO
        return self._sort_capital(token)

    def _is_brand(self, token: Token) -> bool:
        """A company's or a site's, or the beginning of a contraction."""
        small = token.text.lower()
        return (
            small in _COMPANIES
            or _CAMEL.fullmatch(token.text) is not None
            or small.startswith(("c'", "c’", "y'", "y’", "i'", "i’"))
            or any(start <= token.start < end for start, end in self._urls)
        )

    def _sort_capital(self, token: Token) -> _Sort:
        parts = re.split(r"[-\u2011]", token.text)
        return max(self._sort_word(part, shouted=token.shouted) for part in parts if part)

    def _sort_word(self, word: str, *, shouted: bool) -> _Sort:
        lexicon = self._lexicon
        if lexicon.is_plain(word):
            named = lexicon.is_first(word) or lexicon.is_last(word)
            return _Sort.WEAK if named and not shouted else _Sort.NO
        if lexicon.is_first(word) or lexicon.is_last(word):
            return _Sort.STRONG if len(word) > 2 else _Sort.WEAK
        if shouted and len(word) < 5:
            return _Sort.NO
        return _Sort.STRONG if lexicon.is_unknown(word) else _Sort.WEAK

    def _sort_small(self, at: int) -> _Sort:
        """A word without a capital, or in a text of capitals only."""
        word = self._tokens[at].text
        small = word.lower()
        lexicon = self._lexicon
        if len(small) == 1:
            return _Sort.LINK if self._is_small_name(at - 1) else _Sort.NO
        if len(small) < 3 or self._is_word(small):
            return _Sort.NO
        if lexicon.is_first(small) and not self._foreign:
            return _Sort.STRONG
        introduced = self._is_introduced(at)
        if lexicon.is_unknown(small) and introduced:
            return _Sort.STRONG
        if lexicon.is_unknown(small) and not self._foreign:
            return _Sort.STRONG if unaccented(small) != small else self._after_name(at)
        return _Sort.NO

    def _is_word(self, small: str) -> bool:
        lexicon = self._lexicon
        known = small in self._foreign or small in lexicon.dictionary
        return known or lexicon.is_plain(small) or lexicon.is_place(small)

    def _after_name(self, at: int) -> _Sort:
        """A strange small word belongs to a small given name before it."""
        first = at - 2 if at > 1 and len(self._tokens[at - 1].text) == 1 else at - 1
        close = _INSIDE.fullmatch(self._tokens[at].gap) is not None
        return _Sort.STRONG if close and self._is_small_name(first) else _Sort.NO

    def _is_small_name(self, at: int) -> bool:
        """A given name without its capital?"""
        if at < 0:
            return False
        word = self._tokens[at].text
        return (
            word.islower()
            and self._lexicon.is_first(word)
            and (word not in self._lexicon.dictionary)
        )

    @staticmethod
    def _is_initial(token: Token) -> bool:
        return len(token.text) == 1 and token.capital and token.text not in "IA"


def _foreign_words(tokens: Sequence[Token]) -> frozenset[str]:
    """Words of the language that the text is in; none where that is English, or nobody knows."""
    small = {token.text for token in tokens if not token.capital}
    known = {language: len(small & words) for language, words in FUNCTION_WORDS.items()}
    best = max(known, key=lambda language: known[language])
    return frozenset() if best == "en" or known[best] < 2 else load_foreign(best)
