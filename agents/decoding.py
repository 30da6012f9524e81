"""
What batches of model records mean, apart from who reads them and where it is kept.

Of records with the same key the newest that can be used counts: one that cannot is refused and
leaves its item as it was, also when both come in one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from streams.errors import EncoderMismatch, MalformedVector
from streams.kafka import Record
from streams.rankers import Ranker, decode_ranker
from streams.trends import Trend, decode_trend
from streams.vectors import VectorRecord, decode_vector
from streams.wire import UNDECODABLE

Refuse = Callable[[Record, Exception], None]
"""Told of each record that cannot be used, and why."""
Recognise = Callable[[str, bytes], Trend | None]
"""From an item and the bytes of its trend to what they say, where that is known already."""


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
    found: dict[str, VectorRecord | None] = {}
    for item_id, record in _keyed(records):
        try:
            value = record.value
            found[item_id] = None if value is None else _vector(item_id, value, dim, fingerprint)
        except (MalformedVector, EncoderMismatch) as error:
            refuse(record, error)
    return VectorChanges(
        vectors={item_id: vector for item_id, vector in found.items() if vector is not None},
        gone=[item_id for item_id, vector in found.items() if vector is None],
    )


def _vector(item_id: str, value: bytes, dim: int, fingerprint: bytes) -> VectorRecord:
    vector = decode_vector(item_id, value, dim=dim)
    if vector.fingerprint != fingerprint:
        raise EncoderMismatch(
            f"{item_id!r}: made by encoder {vector.fingerprint.hex()}, "
            f"expected {fingerprint.hex()}: send the item again"
        )
    return vector


def read_trends(
    records: Iterable[Record], *, refuse: Refuse, recognise: Recognise = lambda _item, _value: None
) -> dict[str, Trend | None]:
    """Decode records of `item-trends`; None where an item has no trend any more."""
    trends: dict[str, Trend | None] = {}
    for item_id, record in _keyed(records):
        if record.value is None:
            trends[item_id] = None
            continue
        known = recognise(item_id, record.value)
        try:
            trends[item_id] = decode_trend(record.value) if known is None else known
        except UNDECODABLE as error:
            refuse(record, error)
    return trends


def read_rankers(records: Iterable[Record], *, refuse: Refuse) -> dict[str, Ranker | None]:
    """Decode records of `rankers`, by strategy; None where one was unlearned."""
    rankers: dict[str, Ranker | None] = {}
    for strategy, record in _keyed(records):
        try:
            rankers[strategy] = None if record.value is None else decode_ranker(record.value)
        except UNDECODABLE as error:
            refuse(record, error)
    return rankers


def _keyed(records: Iterable[Record]) -> Iterator[tuple[str, Record]]:
    """Key and record of those that have a key, in order."""
    for record in records:
        if record.key is not None:
            yield record.key.decode(errors="replace"), record
