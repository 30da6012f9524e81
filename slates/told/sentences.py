"""
From what a model wrote about an item to its reasons: proven sentences, templates for the others.

Nothing is lost: what no proven sentence says is said by its template, as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from slates.slate import Reason
from slates.told.claims import Record
from slates.told.proving import prove
from slates.told.tongues import Tongue

MOST = 3
"""Reasons of an item, as in `slates.explanations`."""


class Sentence(NamedTuple):
    """What a model wrote."""

    text: str
    cites: tuple[int, ...]
    """Places of the reasons that it speaks of."""


class Told(NamedTuple):
    """The reasons of an item, in words of a model where they are proven."""

    reasons: tuple[Reason, ...]
    proven: int
    """Sentences that are shown."""
    faults: tuple[str, ...]
    """What was wrong with each of the others; may hold words of strangers."""


def tell(
    sentences: Sequence[Sentence], reasons: Sequence[Reason], *, title: str, tongue: Tongue
) -> Told:
    """
    Put proven sentences in the place of the reasons that they tell.

    Args:
        sentences: What the model wrote about the item, best first.
        reasons: The item's, proven when they were made.
        title: Of the item.
        tongue: The language that was asked for.

    Returns:
        At most `MOST` reasons: sentences first, then those reasons that none of them tells.
    """
    told: list[Reason] = []
    faults: list[str] = []
    untold = dict(enumerate(reasons))
    for sentence in sentences:
        cited = [k for k in dict.fromkeys(sentence.cites) if 0 <= k < len(reasons)]
        records = [Record(reasons[k].kind, reasons[k].evidence) for k in cited]
        proof = prove(sentence.text, records, title=title, tongue=tongue)
        used = [cited[k] for k in proof.used]
        if proof.fault or not used:
            faults.append(proof.fault or "it cites nothing")
        elif len(told) == MOST or not untold.keys() & set(used):
            faults.append("it says again what was said")
        else:
            told.append(_reason(sentence.text, [reasons[k] for k in used], title, tongue))
            for k in used:
                untold.pop(k, None)
    return Told((*told, *untold.values())[:MOST], len(told), tuple(faults))


def _reason(text: str, told: Sequence[Reason], title: str, tongue: Tongue) -> Reason:
    evidence: dict[str, Any] = {
        "reasons": [{"kind": one.kind, "evidence": one.evidence} for one in told],
        "language": tongue.language,
        "title": title,
    }
    return Reason("told", " ".join(text.split()), evidence)


def fault_of(text: str, evidence: Mapping[str, Any], tongue: Tongue) -> str:
    """What a sentence says that the evidence of its reason does not; empty for nothing."""
    said = evidence.get("reasons", ())
    records = [Record(one.get("kind", ""), one.get("evidence", {})) for one in said]
    return prove(text, records, title=str(evidence.get("title")), tongue=tongue).fault
