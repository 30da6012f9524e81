"""
From evidence to one plain sentence, in the language of the settings.

Titles, words and phrases come from strangers and stand in quotes as they are; all other words are
ours, and every number is one of the evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from slates.config import Language
from slates.reasons import chinese, english, german
from slates.reasons.deeds import Deed, Evidence
from slates.slate import Kind

_LANGUAGES = {"en": english, "de": german, "zh": chinese}


def say(kind: Kind, evidence: Evidence, language: Language = "en") -> str:
    """
    Put evidence into words.

    Raises:
        ValueError: There are no words for that kind yet.

    >>> dune = {"titles": ["Dune"], "people": 31, "of": 40}
    >>> say("co-visit", dune)
    '31 of the 40 people who came to “Dune” went on to this'
    >>> say("co-visit", dune, "de")
    '31 der 40 Leute, die zu „Dune“ kamen, kamen danach hierher'
    >>> say("co-visit", dune, "zh")
    '来过“Dune”的 40 人中，有 31 人接着来到这里'
    """
    wording: Mapping[Kind, Callable[[Evidence], str]] = _LANGUAGES[language].WORDING
    if kind not in wording:
        raise ValueError(f"no words for a reason of kind {kind!r}")
    return wording[kind](evidence)


def title_similar(title: str, language: Language = "en") -> str:
    """What stands above items that are like one."""
    similar: str = _LANGUAGES[language].SIMILAR_TO
    return similar.format(title)


def title_because(deed: Deed, title: str, language: Language = "en") -> str:
    """
    What stands above items that are there for one that the user liked, bought or opened.

    >>> title_because("bought", "Dune", "de")
    'Weil du Dune gekauft hast'
    """
    because: Mapping[Deed, str] = _LANGUAGES[language].BECAUSE
    return because[deed].format(title)
