"""
Whether two requests in words ask for the same, as far as words can tell.

Vectors find what is near; near are also `under 20 pages` and `under 30 pages`, `with` and
`without`, Paris and London.  So numbers, negations, names and the words that carry the content must
be the same on both sides; only order, inflection, and the wording of the question may differ.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from slates.wordlists import words

THRESHOLD = 0.95
"""Cosine from which on two requests may mean the same; measured in docs/token-economy.md."""
_WORD = re.compile(
    r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+(?:[.,:/]\d+)*|[+#%$€£*^=<>≤≥-]{1,3}(?=\w)|(?<=\w)[+#%]{1,3}"
)
_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_NUMBERS = {
    word: str(number)
    for number, words in enumerate(
        (
            *("zero null", "one first eins eine", "two second twice both zwei", "three third drei"),
            *("four fourth vier", "five fifth fünf", "six sixth sechs", "seven seventh sieben"),
            *("eight eighth acht", "nine ninth neun", "ten tenth zehn", "eleven elf"),
            *("twelve zwölf", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
            *("eighteen", "nineteen", "twenty zwanzig"),
        )
    )
    for word in words.split()
} | {"thirty": "30", "forty": "40", "fifty": "50", "hundred": "100", "thousand": "1000"}
_NOT = words(
    "no not never none nor neither without except cannot nobody nothing nowhere lack avoid stop "
    "hardly instead unlike than kein keine keinen nicht nie ohne außer weder niemals pas sans "
    "jamais ni aucun sin nunca senza mai não sem niet geen zonder"
)
_ORDERED = words("to from into than over before after against versus vs between by")
"""Words around which the order of the others matters."""
_QUESTIONS = {
    **dict.fromkeys(("who", "whom", "whose", "wer"), "who"),
    **dict.fromkeys(("where", "wo"), "where"),
    **dict.fromkeys(("when", "wann"), "when"),
    **dict.fromkeys(("why", "warum"), "why"),
    **dict.fromkeys(("how", "how's", "wie"), "how"),
    **dict.fromkeys(("what", "what's", "which", "welche", "welcher", "welches"), "what"),
}
_WAYS = words("way ways steps tips method methods")
"""What is the way to is how to."""
_MEASURES = frozenset(("how", of) for of in ("much", "many", "long", "old", "far", "often"))
_WHETHER = words(
    "is are was were do does did can could will would shall should may might must has have had am "
    "isn't aren't don't doesn't didn't can't won't"
)
"""Begin a question that is answered with yes or no."""
_WORDING = words("""
    a an the this that these those there here it its is are was were be been being am do does did
    done doing have has had having can could will would shall should may might must of in on at for
    with about as and or but if so then too also very really just only even ever any some all i me
    my mine you your yours we us our he she they them their his her one ones get getting got make
    way ways best good great what which who whom whose where when why how much many please
    tell give show know need want like looking look find help think say let lets someone somebody
    anyone people person thing things something anything kind sort type suggest
    steps tips method methods
    recommend recommendation suggestion suggestions recommendations actually exactly exact ok okay
    hi hello thanks thank there's what's it's i'm i'd i've
    der die das ein eine einen ich du er sie es wir ihr mir mich bitte ist sind und oder auf für
    welche welcher welches was wie wo gibt suche möchte will
    """)
"""Words of questions as such: they ask, and do not say for what."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What must be the same."""

    numbers: tuple[str, ...]
    """Sorted; words for numbers are numbers."""
    negations: int
    names: frozenset[str]
    """Stems with a capital that no sentence's beginning explains; others may write them small."""
    content: tuple[str, ...]
    """Stems of the words that carry it, in their order."""
    ordered: bool
    """Does their order matter?"""
    asks: frozenset[str]
    """Who, where, when, why, how many: what sort of answer is wanted."""


def difference(one: Meaning, other: Meaning) -> str | None:
    """
    What tells them apart; None where words say that they mean the same.

    >>> difference(meaning("films under 90 minutes"), meaning("films under 120 minutes"))
    'numbers'
    >>> difference(meaning("films with ghosts"), meaning("films without ghosts"))
    'negations'
    >>> difference(meaning("How do I learn to swim?"), meaning("How to learn swimming?"))
    """
    if one.numbers != other.numbers:
        return "numbers"
    if one.negations != other.negations:
        return "negations"
    if not (one.names <= set(other.content) and other.names <= set(one.content)):
        return "names"
    if Counter(one.content) != Counter(other.content):
        return "content"
    if (one.ordered or other.ordered) and one.content != other.content:
        return "order"
    return "asks" if one.asks != other.asks else None


@lru_cache(maxsize=4_096)
def meaning(text: str) -> Meaning:
    """What a request says."""
    said = [match[0] for match in _WORD.finditer(_spaced(text))]
    small = [word.lower().replace("’", "'") for word in said]
    numbers = [_number(word) for word in small]
    content = [
        _stem(word)
        for word, number in zip(small, numbers, strict=True)
        if number is None and word not in _WORDING and not _is_not(word) and word not in _ORDERED
    ]
    return Meaning(
        numbers=tuple(sorted(number for number in numbers if number is not None)),
        negations=sum(map(_is_not, small)),
        names=frozenset(_names(text, said)) & set(content),
        content=tuple(content),
        ordered=any(word in _ORDERED for word in small),
        asks=_asks(text, small),
    )


def _spaced(text: str) -> str:
    """Signs that are words by themselves, apart: 你好 is two."""
    return _HAN.sub(lambda sign: f" {sign[0]} ", text)


def _number(word: str) -> str | None:
    return word.replace(",", "") if word[0].isdigit() else _NUMBERS.get(word)


def _is_not(word: str) -> bool:
    return word in _NOT or word.endswith("n't") or word in "不没無无非别勿"


def _names(text: str, said: list[str]) -> list[str]:
    starts = {match[1].lower() for match in re.finditer(r"(?:^|[.!?:\"“]\s*)([^\W\d_]+)", text)}
    return [
        _stem(word.lower())
        for at, word in enumerate(said)
        if word[0].isupper() and word.lower() not in _WORDING
        if at or word[1:] != word[1:].lower() or word.lower() not in starts
    ]


def _asks(text: str, small: list[str]) -> frozenset[str]:
    """
    What sort of answer is wanted.

    >>> [sorted(meaning(text).asks) for text in ("Can birds swim?", "How can birds swim?")]
    [['whether'], ['how']]
    >>> meaning("What is the best way to swim?").asks == meaning("How do I swim?").asks
    True
    """
    asked = {_QUESTIONS[word] for word in small if word in _QUESTIONS}
    pairs = set(pairwise(small))
    if pairs & _MEASURES:
        asked = asked - {"how"} | {"how many"}
    elif asked & {"what", "which"} and _WAYS & set(small):
        asked = asked - {"what"} | {"how"}
    if not asked and small and small[0] in _WHETHER:
        asked.add("whether")
    if len(small) > 1 and small[-1] in ("do", "does", "like"):
        asked.add(small[-1])
    if "should" in small:
        asked.add("should")
    if text.count("?") > 1:
        asked.add("several")
    return frozenset(asked)


def _stem(word: str) -> str:
    """
    A word without its inflection, good enough to compare.

    >>> [_stem(word) for word in ("swimming", "movies", "films", "loses", "losing")]
    ['swim', 'movi', 'film', 'los', 'los']
    """
    word = word.removesuffix("'s")
    for ending in ("ing", "ies", "ed", "es", "s", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word.removesuffix(ending) + ("i" if ending == "ies" else "")
            if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiousl":
                word = word[:-1]
            break
    return word.removesuffix("e") if len(word) > 3 else word
