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

from slates.config import Language
from slates.proving import untrue
from slates.readings import READINGS, Fields, Reading
from slates.reasons.grounds import Grounds
from slates.slate import Reason, SlateItem
from slates.told.sentences import fault_of
from slates.told.tongues import load_tongue
from streams.errors import BadSetting

_NAMES: Fields = {
    "co-visit": ("titles",),
    "attributes": ("words", "titles"),
    "similar": ("titles", "phrase"),
}
"""Kind to the fields that its sentence quotes, in that order."""
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
        for what in (
            *misread(reason, grounds.config.language),
            *untrue(item.item_id, reason, grounds),
        )
    ]


def misread(reason: Reason, language: Language = "en") -> Iterator[str]:
    """
    What a sentence says that its evidence does not.

    Args:
        reason: Whose evidence is believed.
        language: In which the sentence is.

    >>> list(misread(Reason("popular", "7 people have come to it so far", {"people": 7})))
    []
    >>> list(misread(Reason("popular", "8 people have come to Emma so far", {"people": 7})))
    ['numbers [8], evidence has [7]', "the word 'Emma'"]
    """
    if reason.kind == "told":
        yield from _misread_told(reason)
        return
    reading = READINGS[language]
    text, missing = _without_names(reason, reading)
    yield from (f"the name {name!r} is not said" for name in missing)
    if attribute := reason.evidence.get("attribute"):
        named, bare = reading.attribute
        text = text.replace(named.format(attribute), bare, 1)
    for spelt, number in reading.spelt.items():
        text = re.sub(spelt, number, text)
    tokens = _TOKEN.findall(text)
    said = [int(token) for token in tokens if token.isdecimal()]
    wanted = _flat(reason, reading.numbers)
    if said != wanted:
        yield f"numbers {said}, evidence has {wanted}"
    for token in tokens:
        if not (token.isdecimal() or token in reading.points or token.lower() in reading.words):
            yield f"the word {token!r}"
    yield from _claims(tokens, reason.evidence, reading)


def _misread_told(reason: Reason) -> Iterator[str]:
    """A sentence of a model is read again, from what the slate has of it."""
    try:
        tongue = load_tongue(str(reason.evidence.get("language")))
    except BadSetting as error:
        yield str(error)
        return
    if fault := fault_of(reason.text, reason.evidence, tongue):
        yield f"told: {fault}"


def _without_names(reason: Reason, reading: Reading) -> tuple[str, list[str]]:
    """The text around the names of the evidence, and the first name it does not have."""
    plain, rest = "", reason.text
    for name in map(str, _flat(reason, _NAMES)):
        before, quoted, after = rest.partition(f"{reading.opened}{name}{reading.closed}")
        if not quoted:
            return plain + rest, [name]
        plain, rest = f"{plain}{before} ", after
    return plain + rest, []


def _flat(reason: Reason, fields: Fields) -> list[Any]:
    """The values of the fields that the evidence has, one after the other."""
    values = [reason.evidence.get(name, ()) for name in fields.get(reason.kind, ())]
    return [v for value in values for v in (value if isinstance(value, list | tuple) else (value,))]


def _claims(tokens: Sequence[str], evidence: Evidence, reading: Reading) -> Iterator[str]:
    """The words that say more than names and numbers do."""
    for word in {token.lower() for token in tokens} & reading.claims.keys():
        if not _CLAIMS[reading.claims[word]](evidence):
            yield f"the claim {word!r}"


def _did(word: str) -> Callable[[Evidence], bool]:
    return lambda evidence: set(evidence.get("actions", [""])) <= _ACTIONS[word]


_CLAIMS: Mapping[str, Callable[[Evidence], bool]] = {
    "liked": _did("liked"),
    "bought": _did("bought"),
    "made by": lambda evidence: str(evidence.get("attribute")).lower() in _MAKERS,
    "opened": lambda evidence: all(evidence.get("actions", [""])),
    "rising": lambda evidence: evidence.get("pace", 0) >= _PACE,
    "few": lambda evidence: "fewer_than" in evidence,
}
"""What words claim, and what must be so."""
