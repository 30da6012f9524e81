"""What a worker keeps of an item besides its vector, and reads back from a snapshot."""

from __future__ import annotations

import msgspec

from streams.items import ItemFacts
from streams.vectors import VectorRecord


class Known(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What is kept of a vector record besides the vector."""

    facts: ItemFacts
    content_hash: bytes
    partition: int
    offset: int

    @property
    def text_hash(self) -> bytes:
        """
        Hash of the item's own text; empty while its vector is about to change.

        What was encoded may be more: what a model added to it.
        """
        if not self.content_hash or self.facts.enhanced is None:
            return self.content_hash
        return self.facts.enhanced.of


_decoder = msgspec.msgpack.Decoder(Known)


def known_of(record: VectorRecord) -> Known:
    """A vector record without its vector."""
    return Known(record.facts, record.content_hash, record.partition, record.offset)


def dump_known(known: dict[str, Known]) -> bytes:
    """All of it, for a snapshot."""
    return msgspec.msgpack.encode(known)


def read_known(payload: bytes) -> dict[str, Known]:
    """
    What `dump_known` wrote.

    One by one, so that a thread that reads lets others have the interpreter meanwhile: 50,000 in
    one piece kept them waiting for 53 ms, so for 20.

    Raises:
        msgspec.DecodeError: It was not written by this version.
    """
    kept = msgspec.msgpack.decode(payload, type=dict[str, msgspec.Raw])
    return {item_id: _decoder.decode(known) for item_id, known in kept.items()}
