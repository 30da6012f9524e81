"""Where personal data stands in a text, and how findings that overlap are made one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "EMAIL",
    "PHONE",
    "CARD",
    "IBAN",
    "SSN",
    "IP",
    "ID",
    "POSTCODE",
    "ADDRESS",
    "PLACE",
    "PERSON",
    "USER",
]
"""What was found; also the name of its placeholder."""
STRUCTURED: tuple[Kind, ...] = ("EMAIL", "CARD", "IBAN", "SSN", "IP", "ID", "PHONE")
"""Kinds with a form of their own, removed from every text; the others also depend on words."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text; `end` is behind it."""

    start: int
    end: int
    kind: Kind


def merge(spans: Iterable[Span]) -> list[Span]:
    """
    Those that overlap as one, of the kind of the longest; in the order of the text.

    >>> merge([Span(4, 9, "PERSON"), Span(0, 6, "ADDRESS"), Span(12, 15, "IP")])
    [Span(start=0, end=9, kind='ADDRESS'), Span(start=12, end=15, kind='IP')]
    """
    merged: list[Span] = []
    length = 0
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            kind = last.kind if length >= span.end - span.start else span.kind
            length = max(length, span.end - span.start)
            merged[-1] = Span(last.start, max(last.end, span.end), kind)
        else:
            merged.append(span)
            length = span.end - span.start
    return merged


def free_of(spans: Iterable[Span], taken: Sequence[Span]) -> list[Span]:
    """
    Those that overlap none of the taken.

    >>> free_of([Span(0, 3, "PERSON"), Span(5, 8, "PHONE")], [Span(2, 4, "ADDRESS")])
    [Span(start=5, end=8, kind='PHONE')]
    """
    return [s for s in spans if not any(s.start < t.end and t.start < s.end for t in taken)]
