"""
The wire format of an encoded item, the records of the compacted `item-vectors` topic.

A fixed head (version, dimension, encoder fingerprint, content hash, origin), the vector in
half precision, then the item's facts as JSON.  Half precision changes 1 in 10,000 of the first
ten neighbours and halves the topic.
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.errors import MalformedVector
from streams.items import ItemFacts
from streams.wire import UNDECODABLE

VERSION: Final = 1
SHORTEST: Final = 1e-4
"""Length below which half precision leaves nothing of a direction."""
_HEAD = struct.Struct("<BxH8s16sIQd")

_facts_decoder = msgspec.json.Decoder(ItemFacts)
_facts_encoder = msgspec.json.Encoder()


class VectorRecord(msgspec.Struct, frozen=True, eq=False):
    """One encoded item."""

    fingerprint: bytes
    """Eight bytes naming the encoder; vectors of different ones never meet in an index."""
    content_hash: bytes
    """Sixteen bytes of `items.content_hash`; equal means there is nothing to encode."""
    vector: NDArray[np.float16]
    """(dim,), any length but zero."""
    facts: ItemFacts
    partition: int
    """Partition of `items` that it was read from."""
    offset: int
    """Offset in that partition; a higher one is newer."""
    announced_at: float
    """When the item was put on `items`, seconds since 1970."""


def encode_vector(record: VectorRecord) -> bytes:
    """The bytes of a record, as they stand on the topic."""
    vector = np.ascontiguousarray(record.vector, dtype="<f2")
    head = _HEAD.pack(
        VERSION,
        vector.size,
        record.fingerprint,
        record.content_hash,
        record.partition,
        record.offset,
        record.announced_at,
    )
    return head + vector.tobytes() + _facts_encoder.encode(record.facts)


def decode_vector(item_id: str, value: bytes, *, dim: int) -> VectorRecord:
    """
    Read one record of the `item-vectors` topic.

    Raises:
        MalformedVector: Another version, a wrong size, numbers that are not finite, or facts that
            cannot be read; the message starts with the item id.
    """
    if len(value) < _HEAD.size or value[0] != VERSION:
        raise MalformedVector(f"{item_id!r}: version {value[:1]!r}, expected {VERSION}")
    _, size, fingerprint, digest, partition, offset, announced = (
        None,
        *_HEAD.unpack_from(value)[1:],
    )
    end = _HEAD.size + 2 * size
    if size != dim or len(value) < end:
        raise MalformedVector(f"{item_id!r}: ({size},), expected ({dim},)")
    vector = np.frombuffer(value, dtype="<f2", count=size, offset=_HEAD.size)
    check_vector(item_id, vector)
    try:
        facts = _facts_decoder.decode(value[end:])
    except UNDECODABLE as exc:
        raise MalformedVector(f"{item_id!r}: facts: {exc}") from exc
    return VectorRecord(fingerprint, digest, vector, facts, partition, offset, announced)


def check_vector(item_id: str, vector: NDArray[np.floating]) -> None:
    """
    Refuse a vector that would ruin an index.

    Raises:
        MalformedVector: It holds NaN or infinity, or is of length about zero.
    """
    if not np.isfinite(vector).all():
        raise MalformedVector(f"{item_id!r}: NaN or infinity, expected finite numbers")
    if float(np.linalg.norm(vector.astype(np.float32))) < SHORTEST:
        raise MalformedVector(f"{item_id!r}: all but zero, expected a direction")
