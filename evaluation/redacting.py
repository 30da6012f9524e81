"""
What redaction finds in sentences whose personal data is labelled.

Sentences come from templates; by their templates they are split in two, the ones that rules were
written on and the ones that they were not.  A piece counts as removed when no letter and no digit
of it is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from slates.redaction.finding import find_personal
from slates.redaction.spans import Span
from streams.errors import SetupError

LABELS = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "US_SSN": "ssn",
    "IP_ADDRESS": "ip",
    "US_DRIVER_LICENSE": "id",
    "PERSON": "person",
    "STREET_ADDRESS": "address",
    "ZIP_CODE": "postcode",
}
"""What is to be removed, and what it is called here; other labels are no personal data."""
STRUCTURED = ("email", "phone", "card", "iban", "ssn", "ip")
_FOUND_AS = {"POSTCODE": {"postcode", "address"}, "ADDRESS": {"address", "postcode"}}
"""A postal code is a part of an address."""

Figures: TypeAlias = Mapping[str, Any]


class Piece(msgspec.Struct, frozen=True):
    """A labelled piece of a sentence."""

    entity_type: str
    entity_value: str
    start_position: int
    end_position: int


class Sentence(msgspec.Struct, frozen=True):
    """A sentence of the file."""

    full_text: str
    spans: tuple[Piece, ...]
    template_id: int | None = None


@dataclass(slots=True)
class _Counts:
    labelled: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)


def load_sentences(path: Path) -> tuple[Sentence, ...]:
    """
    Read the file.

    Raises:
        SetupError: It cannot be read, or is another one.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[Sentence, ...])
    except (OSError, msgspec.MsgspecError) as exc:
        raise SetupError(
            f"{path}: {exc}; expected a list of full_text, spans and template_id"
        ) from exc


def measure(sentences: Sequence[Sentence]) -> Figures:
    """
    Recall and precision by kind: of all sentences, and of each part.

    On another file than the one that rules were written on, all of it is unseen.
    """
    ranks = {t: rank for rank, t in enumerate(sorted({s.template_id or 0 for s in sentences}))}
    first = [s for s in sentences if ranks[s.template_id or 0] % 2 == 0]
    second = [s for s in sentences if ranks[s.template_id or 0] % 2 == 1]
    return {
        **_figures(sentences),
        "unseen_templates": _figures(second),
        "templates_of_rules": _figures(first),
    }


def _figures(sentences: Sequence[Sentence]) -> Figures:
    counts = _Counts()
    for sentence in sentences:
        _count(sentence, find_personal(sentence.full_text), counts)
    kinds = {kind: _kind(kind, counts) for kind in LABELS.values()}
    return {
        "sentences": len(sentences),
        "structured_recall": _share(
            sum(counts.removed[k] for k in STRUCTURED), sum(counts.labelled[k] for k in STRUCTURED)
        ),
        "structured_precision": _share(
            sum(counts.right[k] for k in STRUCTURED), sum(counts.found[k] for k in STRUCTURED)
        ),
        "kinds": kinds,
        "places_found": counts.found["place"],
        "places_that_hold_a_person_or_address": counts.right["place"],
    }


def _kind(kind: str, counts: _Counts) -> Figures:
    return {
        "labelled": counts.labelled[kind],
        "recall": _share(counts.removed[kind], counts.labelled[kind]),
        "found": counts.found[kind],
        "precision": _share(counts.right[kind], counts.found[kind]),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _count(sentence: Sentence, found: Sequence[Span], counts: _Counts) -> None:
    gone = {at for span in found for at in range(span.start, span.end)}
    pieces = [(LABELS[p.entity_type], p) for p in sentence.spans if p.entity_type in LABELS]
    for kind, piece in pieces:
        counts.labelled[kind] += 1
        places = range(piece.start_position, piece.end_position)
        left = (at for at in places if sentence.full_text[at].isalnum() and at not in gone)
        counts.removed[kind] += next(left, None) is None
    for span in found:
        name = span.kind.lower()
        counts.found[name] += 1
        wanted = _FOUND_AS.get(span.kind, {name})
        if span.kind == "PLACE":
            wanted = {"person", "address"}
        counts.right[name] += any(kind in wanted for kind in _touched(span, pieces))


def _touched(span: Span, pieces: Sequence[tuple[str, Piece]]) -> Iterator[str]:
    for kind, piece in pieces:
        if piece.start_position < span.end and span.start < piece.end_position:
            yield kind
