"""
Is every reason of a slate true?  Shares no code with what makes the sentences.

A sentence is taken apart.  Quoted names and numbers must be those of the evidence, each where that
kind of sentence has it; whatever else it says must be one of a few words, and those that claim
something must be borne out.  `slates.proving` then compares the evidence with what is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from slates.proving import untrue
from slates.reasons.grounds import Grounds
from slates.slate import Reason, SlateItem

_NAMES: Mapping[str, Sequence[str]] = {
    "co-visit": ("titles",),
    "attributes": ("words", "titles"),
    "similar": ("titles", "phrase"),
}
"""Kind to the fields that its sentence quotes, in that order."""
_NUMBERS: Mapping[str, Sequence[str]] = {
    "co-visit": ("people", "of"),
    "trending": ("people", "days", "lately", "lately_days"),
    "popular": ("people",),
    "new": ("days",),
    "explore": ("people",),
    "repeat": ("interval_days", "last_days"),
}
"""Kind to the fields whose numbers its sentence says, in that order."""
_SPELT = {
    "less than a day": "0 days",
    "a day ago": "1 days ago",
    "every day": "every 1 days",
    "Nobody": "0 people",
}
"""Numbers that are said in words."""
_VOCABULARY = """
    about after ago and as back both bought by came come days every few go has have in is it know
    last liked more new of on opened people published rising say similar so far the them this to
    went which who whom yet you
"""
_WORDS = frozenset(_VOCABULARY.split())
"""All that a sentence may say apart from names and numbers."""
_ACTIONS = {"liked": {"like", "rating"}, "bought": {"purchase"}}
_MAKERS = {"author", "authors", "by", "writer", "artist", "director", "composer"}
_PACE = 2.0
_TOKEN = re.compile(r"\d+|[^\W\d_]+|\S")

Evidence = Mapping[str, Any]


class Unproven(NamedTuple):
    """Something a slate says that is not so."""

    item_id: str
    kind: str
    """Of the reason."""
    what: str
    """What is not proven; may hold words of strangers."""


def unproven(items: Sequence[SlateItem], grounds: Grounds) -> list[Unproven]:
    """
    Check all reasons of a slate, at the moment it was made.

    Args:
        items: Of the slate.
        grounds: What it was made from, not changed since.

    Returns:
        What is not proven; empty for a slate that tells the truth.
    """
    silent = [Unproven(item.item_id, "", "no reason at all") for item in items if not item.reasons]
    return silent + [
        Unproven(item.item_id, reason.kind, what)
        for item in items
        for reason in item.reasons
        for what in (*misread(reason), *untrue(item.item_id, reason, grounds))
    ]


def misread(reason: Reason) -> Iterator[str]:
    """
    What a sentence says that its evidence does not.

    >>> list(misread(Reason("popular", "7 people have come to it so far", {"people": 7})))
    []
    >>> list(misread(Reason("popular", "8 people have come to Emma so far", {"people": 7})))
    ['numbers [8], evidence has [7]', "the word 'Emma'"]
    """
    text, missing = _without_names(reason)
    yield from (f"the name {name!r} is not said" for name in missing)
    if attribute := reason.evidence.get("attribute"):
        text = text.replace(f"More of the {attribute} ", "More of the ", 1)
    for spelt, number in _SPELT.items():
        text = re.sub(rf"\b{spelt}\b", number, text)
    tokens = _TOKEN.findall(text)
    said = [int(token) for token in tokens if token.isdecimal()]
    wanted = _flat(reason, _NUMBERS)
    if said != wanted:
        yield f"numbers {said}, evidence has {wanted}"
    for token in tokens:
        if not (token.isdecimal() or token in ",:" or token.lower() in _WORDS):
            yield f"the word {token!r}"
    yield from _claims(tokens, reason.evidence)


def _without_names(reason: Reason) -> tuple[str, list[str]]:
    """The text around the names of the evidence, and the first name it does not have."""
    plain, rest = "", reason.text
    for name in map(str, _flat(reason, _NAMES)):
        before, quoted, after = rest.partition(f"“{name}”")
        if not quoted:
            return plain + rest, [name]
        plain, rest = f"{plain}{before} ", after
    return plain + rest, []


def _flat(reason: Reason, fields: Mapping[str, Sequence[str]]) -> list[Any]:
    """The values of the fields that the evidence has, one after the other."""
    values = [reason.evidence.get(name, ()) for name in fields.get(reason.kind, ())]
    return [v for value in values for v in (value if isinstance(value, list | tuple) else (value,))]


def _claims(tokens: Sequence[str], evidence: Evidence) -> Iterator[str]:
    """The words that say more than names and numbers do."""
    for word in {token.lower() for token in tokens} & _CLAIMS.keys():
        if not _CLAIMS[word](evidence):
            yield f"the claim {word!r}"


def _did(word: str) -> Callable[[Evidence], bool]:
    return lambda evidence: set(evidence.get("actions", [""])) <= _ACTIONS[word]


_CLAIMS: Mapping[str, Callable[[Evidence], bool]] = {
    "liked": _did("liked"),
    "bought": _did("bought"),
    "by": lambda evidence: str(evidence.get("attribute")).lower() in _MAKERS,
    "opened": lambda evidence: all(evidence.get("actions", [""])),
    "rising": lambda evidence: evidence.get("pace", 0) >= _PACE,
    "few": lambda evidence: "fewer_than" in evidence,
}
"""Words that claim something, and what must be so."""
