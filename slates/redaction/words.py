"""
Which words are words, which are names, which are places: lists that others keep.

Names are those of the census of the United States (package `names`); words are those of
dictionaries (`english-words`) and of corpora with their frequencies (`pyspellchecker`); countries
and languages are Unicode's (`babel`).  All are read once, from files of the packages.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from babel import Locale
from english_words import get_english_words_set
from spellchecker import SpellChecker

from slates.wordlists import words

FUNCTION_WORDS = {
    language: words(text)
    for language, text in {
        "en": "the and of to is was for with that this it my you are have not from at what how",
        "de": "der die das und ist ich nicht ein eine mit für auf von zu wir sie den dem auch",
        "es": "el la los las y es que de en un una por con para no mi su más como pero",
        "fr": "le la les et est je que de des un une pour avec dans pas ce mon sur vous qui",
        "it": "il lo gli e è che di un una per con non mi sono del della nel più come ma",
        "pt": "o os as e é que de um uma por com para não meu minha do da no na mais",
        "nl": "de het een en is ik niet van met voor op dat dit te zijn mijn ook maar naar aan",
    }.items()
}
"""By which a language is told; of those beside English all words are known, too: nouns of German
are written as names are."""
COMMON = 20_000
"""Occurrences in the English corpus from which on a word is a word first, even if it is a name,
too: hope, young, rose, mark.  James and Scott stand at 2,000, please and will at 600,000 and more;
the corpus has lost most of the words that are written with a capital."""
USED = 300
"""Occurrences from which on a word of a dictionary is in use."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What is known of words; all in lower case."""

    frequency: Mapping[str, int]
    """Of English words."""
    dictionary: frozenset[str]
    """English words that are written small."""
    first: frozenset[str]
    last: frozenset[str]
    places: frozenset[str]
    """Countries, languages, and single words of their names."""
    dates: frozenset[str]
    """Days and months."""

    def is_plain(self, word: str) -> bool:
        """A word of the language, whatever else it may be."""
        small = word.lower()
        return self._is_plain(small) or self._is_plain(unaccented(small))

    def _is_plain(self, small: str) -> bool:
        often = self.frequency.get(small, 0)
        if often >= COMMON or small in self.dates:
            return True
        if small in self.first:
            return False
        if small in self.dictionary:
            return often >= USED or small not in self.last
        return _singular(small) in self.dictionary and small not in self.last

    def is_unknown(self, word: str) -> bool:
        """In none of the lists: of another language, misspelt, or a name."""
        return not any(
            small in self.frequency
            or small in self.dictionary
            or small in self.places
            or small in self.dates
            or _singular(small) in self.dictionary
            for small in (word.lower(), unaccented(word.lower()))
        )

    def is_first(self, word: str) -> bool:
        """A given name."""
        return word.lower() in self.first

    def is_last(self, word: str) -> bool:
        """A family name."""
        return word.lower() in self.last

    def is_place(self, word: str) -> bool:
        """A country or a language, or a part of such a name."""
        return word.lower() in self.places


def unaccented(word: str) -> str:
    """
    Letters without their marks.

    >>> unaccented("résumé")
    'resume'
    """
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


def _singular(word: str) -> str:
    """
    Good enough to look it up.

    >>> _singular("hobbies"), _singular("suspects"), _singular("grass")
    ('hobby', 'suspect', 'grass')
    """
    if word.endswith("ies"):
        return word.removesuffix("ies") + "y"
    for ending in ("ing", "ed", "es"):
        if word.endswith(ending) and len(word) > len(ending) + 3:
            return word.removesuffix(ending)
    return word if word.endswith("ss") else word.removesuffix("s")


@cache
def load_lexicon() -> Lexicon:
    """Read the lists: a second or two, once."""
    entries = get_english_words_set(["web2", "gcide"])
    given = (*_census("dist.female.first"), *_census("dist.male.first"))
    return Lexicon(
        frequency=dict(SpellChecker(language="en", distance=1).word_frequency.dictionary),
        dictionary=frozenset(word for word in entries if word.islower()),
        first=frozenset(given),
        last=frozenset(_census("dist.all.last")),
        places=frozenset(_places()),
        dates=frozenset(_dates()),
    )


@cache
def load_foreign(language: str) -> frozenset[str]:
    """Words of another language; a second, once."""
    frequency = SpellChecker(language=language, distance=1).word_frequency.dictionary
    return frozenset(frequency)


def _census(file: str) -> Iterable[str]:
    lines = files("names").joinpath(file).read_text("utf-8").splitlines()
    return (line.split()[0].lower() for line in lines if line.strip())


def _places() -> Iterable[str]:
    for code in FUNCTION_WORDS:
        locale = Locale(code)
        for names in (locale.territories, locale.languages):
            for name in names.values():
                yield name.lower()
                yield from (part for part in name.lower().split() if len(part) > 3)


def _dates() -> Iterable[str]:
    for code in FUNCTION_WORDS:
        locale = Locale(code)
        for calendar in (locale.days, locale.months):
            yield from (name.lower() for name in calendar["format"]["wide"].values())
