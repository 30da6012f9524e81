"""
The facts of a draft as numbered lines of a prompt, and the model's sentences about them, checked.

A fact is the reason of an item, as its template says it; whatever the model makes of it is proven
against the evidence of those that it cites, or the template stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from slates.draft import Candidate
from slates.prompting import Line, Value
from slates.reasons.grounds import shorten
from slates.slate import Reason
from slates.told.replies import read_sentences
from slates.told.sentences import Sentence, tell
from slates.told.tongues import Tongue

Style: TypeAlias = Literal["plain", "warm", "brief"]
STYLES: Mapping[Style, int] = {"plain": 1, "warm": 2, "brief": 3}
"""As the prompts number them."""
TEXT = 100
"""Characters of an item's text: context for the model, never evidence."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One reason."""

    item: int
    """Number of its item in the prompt, from 1."""
    place: int
    """Among the reasons of the item."""
    reason: Reason


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the items of a prompt, by number."""

    items: Sequence[Candidate]
    reasons: Sequence[Sequence[Reason]]
    """Of each item."""
    told: Sequence[Fact]
    """In the order of their numbers, from 1."""

    @classmethod
    def of(
        cls,
        items: Sequence[Candidate],
        reasons_of: Callable[[Candidate], Sequence[Reason]],
        *,
        most: int = 3,
    ) -> Facts:
        """Number the facts of items, the first `most` of each."""
        reasons = [tuple(reasons_of(item)) for item in items]
        told = [
            Fact(number, place, reason)
            for number, some in enumerate(reasons, 1)
            for place, reason in enumerate(some[:most])
        ]
        return cls(items, reasons, told)

    def lines(self) -> list[Line]:
        """Number of the fact, number of its item, what is so."""
        return [Line((k, fact.item, fact.reason.text)) for k, fact in enumerate(self.told, 1)]

    def item_lines(self) -> list[Line]:
        """Number, title, and the beginning of the text."""
        return [
            Line((number, item.title), item.text[:TEXT])
            for number, item in enumerate(self.items, 1)
        ]


def ways_of(tongue: Tongue, style: Style) -> dict[str, Value]:
    """What a prompt says of the language: the same for every question of a worker."""
    return {
        "language": tongue.name,
        "style": STYLES[style],
        "ways": [Line((example,)) for example in tongue.examples],
    }


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a reply."""

    reasons: Mapping[str, tuple[Reason, ...]]
    """Of items with a proven sentence."""
    counts: Mapping[str, int]
    """proven, unproven, unknown; those above 0."""
    faults: tuple[str, ...]
    """What was wrong with those that are not proven; may hold words of strangers."""

    @property
    def trust(self) -> float:
        """Share of the sentences that are proven; something where there are any at all."""
        proven = self.counts.get("proven", 0)
        written = proven + self.counts.get("unproven", 0)
        return max(proven / written, 0.01) if written else 0.0

    @property
    def degraded(self) -> tuple[str, ...]:
        """What a slate says of it."""
        unproven = self.counts.get("unproven", 0)
        written = unproven + self.counts.get("proven", 0)
        line = f"unproven: {unproven} of {written} sentences, templates shown instead"
        return (line,) if unproven else ()


def check_said(text: str, facts: Facts, tongue: Tongue) -> Said:
    """
    Prove the sentences of a reply.

    Args:
        text: The reply, whatever it says.
        facts: As the prompt numbered them.
        tongue: The language that was asked for.
    """
    counts: Counter[str] = Counter()
    by_item: dict[int, list[Sentence]] = {}
    for sentence in read_sentences(text):
        known = [facts.told[k - 1] for k in sentence.cites if 0 < k <= len(facts.told)]
        counts["unknown"] += len(sentence.cites) - len(known)
        if len({fact.item for fact in known}) != 1:
            counts["unproven"] += 1
            continue
        cites = tuple(fact.place for fact in known)
        by_item.setdefault(known[0].item, []).append(Sentence(sentence.text, cites))
    reasons, faults = {}, list[str]()
    for number, sentences in by_item.items():
        item = facts.items[number - 1]
        told = tell(sentences, facts.reasons[number - 1], title=shorten(item.title), tongue=tongue)
        counts["proven"] += told.proven
        counts["unproven"] += len(told.faults)
        faults += told.faults
        if told.proven:
            reasons[item.item_id] = told.reasons
    return Said(reasons, {name: n for name, n in counts.items() if n}, tuple(faults))
