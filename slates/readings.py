"""
How the sentences of reasons are read back: which words each language has for which facts.

Written from docs/reasons.md, and shares no code with what makes the sentences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slates.config import Language

Fields = Mapping[str, Sequence[str]]
"""Kind to fields of its evidence, in the order in which the sentence has them."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One language."""

    opened: str
    closed: str
    """What names stand between."""
    numbers: Fields
    spelt: Mapping[str, str]
    """Regular expressions of numbers that are said in words, and how digits say them."""
    attribute: tuple[str, str]
    """How an attribute is named, and what is left of it when the name is taken out."""
    words: frozenset[str]
    """All that a sentence may say apart from names and numbers, in small letters."""
    claims: Mapping[str, str]
    """Words that claim something, and which of the claims of `slates.checking`."""
    points: str


_NUMBERS: Fields = {
    "co-visit": ("people", "of"),
    "trending": ("people", "days", "lately", "lately_days"),
    "popular": ("people",),
    "new": ("days",),
    "explore": ("people",),
    "repeat": ("interval_days", "last_days"),
}

_ENGLISH_WORDS = """
    about after ago and as back both bought by came come days every few go has have in is it
    know last liked more new of on opened people published rising say similar so far the them
    this to went which who whom yet you
"""
_ENGLISH = Reading(
    opened="“",
    closed="”",
    numbers=_NUMBERS,
    spelt={
        r"\bless than a day\b": "0 days",
        r"\ba day ago\b": "1 days ago",
        r"\bevery day\b": "every 1 days",
        r"\bNobody\b": "0 people",
    },
    attribute=("More of the {} ", "More of the "),
    words=frozenset(_ENGLISH_WORDS.split()),
    claims={
        "liked": "liked",
        "bought": "bought",
        "opened": "opened",
        "by": "made by",
        "rising": "rising",
        "few": "few",
    },
    points=",:",
)
_GERMAN_WORDS = """
    alle beide bisher danach das davon den der dir die du erschienen erst etwa gefallen gekauft
    geöffnet hast hat hier hierher in kamen kennen kommst letzten leute mehr mit nach neu noch
    sagen steigend tage tagen tendenz und von vor war wenige wie wieder zu zuletzt ähnlich
"""
_GERMAN = Reading(
    opened="„",
    closed="“",
    numbers=_NUMBERS,
    spelt={
        r"\bweniger als einem Tag\b": "0 Tagen",
        r"\bvor einem Tag\b": "vor 1 Tagen",
        r"\bjeden Tag\b": "alle 1 Tage",
        r"\bniemand\b": "0 Leute",
    },
    attribute=(" ({}),", ","),
    words=frozenset(_GERMAN_WORDS.split()),
    claims={
        "gefallen": "liked",
        "gekauft": "bought",
        "geöffnet": "opened",
        "von": "made by",
        "steigend": "rising",
        "wenige": "few",
    },
    points=",:",
)
_CHINESE_WORDS = """
    上次是 两者都提到 与 与您喜欢的 与您看过的 与您买过的 一样 之后来到这里 人中 人在
    人接着来到这里 人是最近 人来过 其中 同样出自 同样有 和 天前 天前发布 天回来一次 天有 天来的
    您大约每 新品 最近 有 来过 热度正在上升 的 相似 知道它的人还很少 至今有
"""
_CHINESE = Reading(
    opened="“",
    closed="”",
    numbers={
        **_NUMBERS,
        "co-visit": ("of", "people"),
        "trending": ("days", "people", "lately", "lately_days"),
    },
    spelt={"不到一天前": "0 天前", "一天前": "1 天前", "每天": "每 1 天", "还没有人": "0 人"},
    attribute=("（{}），", "，"),
    words=frozenset(_CHINESE_WORDS.split()),
    claims={
        "与您喜欢的": "liked",
        "与您买过的": "bought",
        "与您看过的": "opened",
        "同样出自": "made by",
        "热度正在上升": "rising",
        "知道它的人还很少": "few",
    },
    points="，：、",
)
READINGS: Mapping[Language, Reading] = {"en": _ENGLISH, "de": _GERMAN, "zh": _CHINESE}
