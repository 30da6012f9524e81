"""What a worker keeps of an item besides its vector, and reads back from a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from agents.stretches import Last
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


class Kept(NamedTuple):
    """What a snapshot says beside the vectors."""

    known: dict[str, Known]
    lasts: dict[int, Last]
    """Partition to the last record of `item-vectors` contained."""


class _Written(msgspec.Struct, array_like=True):
    lasts: dict[int, Last]
    known: dict[str, msgspec.Raw]


def dump_known(known: Mapping[str, Known], lasts: Mapping[int, Last]) -> bytes:
    """All of it, for a snapshot."""
    return msgspec.msgpack.encode((lasts, known))


def read_known(payload: bytes) -> Kept:
    """
    What `dump_known` wrote.

    One by one, so that a thread that reads lets others have the interpreter meanwhile: 50,000 in
    one piece kept them waiting for 53 ms, so for 20.

    Raises:
        msgspec.DecodeError: It was not written by this version.
    """
    written = msgspec.msgpack.decode(payload, type=_Written)
    known = {item_id: _decoder.decode(raw) for item_id, raw in written.known.items()}
    return Kept(known, written.lasts)
