"""
What batches of model records mean, apart from who reads them and where it is kept.

Of records with the same key only the newest counts; one that cannot be used is refused and leaves
its item as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import msgspec

from streams.errors import EncoderMismatch, MalformedVector
from streams.kafka import Record
from streams.trends import Trend, decode_trend
from streams.vectors import VectorRecord, decode_vector

Refuse = Callable[[Record, Exception], None]
"""Told of each record that cannot be used, and why."""


@dataclass(frozen=True, slots=True)
class VectorChanges:
    """What a batch of `item-vectors` changes."""

    vectors: dict[str, VectorRecord]
    gone: list[str]
    """Items that were removed."""


def read_vectors(
    records: Iterable[Record], *, dim: int, fingerprint: bytes, refuse: Refuse
) -> VectorChanges:
    """Decode records of `item-vectors`; those of another encoder are refused."""
    changes = VectorChanges({}, [])
    for record in _newest(records):
        item_id = _item_id(record)
        if record.value is None:
            changes.gone.append(item_id)
            continue
        try:
            changes.vectors[item_id] = _vector(item_id, record.value, dim, fingerprint)
        except (MalformedVector, EncoderMismatch) as error:
            refuse(record, error)
    return changes


def _vector(item_id: str, value: bytes, dim: int, fingerprint: bytes) -> VectorRecord:
    vector = decode_vector(item_id, value, dim=dim)
    if vector.fingerprint != fingerprint:
        raise EncoderMismatch(
            f"{item_id!r}: made by encoder {vector.fingerprint.hex()}, "
            f"expected {fingerprint.hex()}: send the item again"
        )
    return vector


def read_trends(records: Iterable[Record], *, refuse: Refuse) -> dict[str, Trend | None]:
    """Decode records of `item-trends`; None where an item has no trend any more."""
    trends: dict[str, Trend | None] = {}
    for record in _newest(records):
        try:
            trend = None if record.value is None else decode_trend(record.value)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            refuse(record, error)
        else:
            trends[_item_id(record)] = trend
    return trends


def _newest(records: Iterable[Record]) -> Sequence[Record]:
    return list({record.key: record for record in records if record.key is not None}.values())


def _item_id(record: Record) -> str:
    return (record.key or b"").decode(errors="replace")
