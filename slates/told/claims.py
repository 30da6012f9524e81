"""Does the evidence of a reason bear out what a sentence says of it?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from slates.reasons.deeds import deed_of, is_maker
from slates.told.tongues import Claim, Tongue

RISING = 2.0
"""Pace from which on an item is rising."""


class Record(NamedTuple):
    """Evidence that a sentence may speak of."""

    kind: str
    """Of the reason; `profile` for a text that is trusted as it is."""
    evidence: Mapping[str, Any]


def claimable(record: Record, tongue: Tongue) -> Iterator[Claim]:
    """What could be said of a record, as far as what it needs besides is so."""
    kinds = (record.kind, "acted") if "actions" in record.evidence else (record.kind,)
    for kind in kinds:
        for claim in tongue.claims.get(kind, ()):
            if not claim.when or _WHEN[claim.when](record.evidence):
                yield claim


def bears_out(
    record: Record, found: re.Match[str], *, names: Mapping[str, str], title: str
) -> bool:
    """
    Is each thing that a sentence filled in what the evidence has?

    Args:
        record: The evidence.
        found: Where a claim was found in the sentence.
        names: Mark to the name that it stands for.
        title: Of the item itself.
    """
    said = ((group.split("__")[0], value) for group, value in found.groupdict().items())
    return all(
        _is_so(slot, [names[c] for c in value if c in names], record.evidence, title)
        if slot in _NAMED
        else _counts(slot, value, record.evidence)
        for slot, value in said
        if value is not None
    )


_NAMED = frozenset({"item", "phrase", "titles", "words"})


def _is_so(slot: str, said: list[str], evidence: Mapping[str, Any], title: str) -> bool:
    """Names: all that are said must be there, not all that are there be said."""
    if slot == "item":
        return said == [title]
    if slot == "phrase":
        return said == [evidence.get("phrase")]
    known = evidence.get(slot, ())
    return all(name in known for name in said)


def _counts(slot: str, value: str, evidence: Mapping[str, Any]) -> bool:
    """Numbers, deeds and the name of an attribute."""
    if slot in ("liked", "bought", "opened"):
        deed = deed_of(evidence) if "actions" in evidence else None
        return deed is not None if slot == "opened" else deed == slot
    if slot == "attribute":
        return value.casefold() == str(evidence.get("attribute")).casefold()
    if slot == "percent":
        people, of = evidence.get("people", 0), evidence.get("of", 0)
        return bool(of and abs(100 * people / of - int(value)) <= 0.5)
    if slot.startswith(("ago", "every")):
        return _days(slot, value, evidence)
    return bool(evidence.get(slot) == int(value))


def _days(slot: str, value: str, evidence: Mapping[str, Any]) -> bool:
    name = "ago" if slot.startswith("ago") else "every"
    days = int(slot[len(name) :] or value)
    if name == "every":
        return bool(evidence.get("interval_days") == days)
    return bool(evidence.get("last_days", evidence.get("days")) == days)


_WHEN: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "made": lambda evidence: is_maker(str(evidence.get("attribute"))),
    "shared": lambda evidence: not is_maker(str(evidence.get("attribute"))),
    "liked": lambda evidence: deed_of(evidence) == "liked",
    "most": lambda evidence: 2 * evidence.get("people", 0) > evidence.get("of", float("inf")),
    "rising": lambda evidence: evidence.get("pace", 0.0) >= RISING,
    "few": lambda evidence: "fewer_than" in evidence,
    "nobody": lambda evidence: evidence.get("people") == 0,
}
"""What a claim may need besides what it fills in."""
