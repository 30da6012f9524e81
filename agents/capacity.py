"""
Does a catalogue fit on the embedded broker?  It drops the oldest records without a word.

All of a catalogue must stay on `items`, and on `item-vectors` once it is encoded; an Apache Kafka
has no such limit.  `agents.backlog` is the same for events, which only pass through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from agents.feeding import Parcel
from agents.settings import Settings
from indexes.embedding import DIM
from streams import topics
from streams.embedded import PARTITION_BYTES
from streams.errors import CapacityExceeded, RejectedEvent
from streams.items import Item, decode_item
from streams.kafka import Broker, Record, partition_of, read_to_end
from streams.topics import Topics

MIB = 1024 * 1024
SAFE_BYTES = PARTITION_BYTES - MIB // 2
"""What may stand on a partition for ever; the rest is room for the batch that comes next."""
BATCH_BYTES = 72
"""What a batch costs besides its records; each record is counted as if it were alone in one."""
VECTOR_BYTES = 40 + 2 * DIM
"""Head and vector of a record on `item-vectors`; key and facts come on top."""

ADDITION_BYTES = 900
"""What is added to an item, at most: a sentence, and five tags, which stand there twice."""

Sizes = dict[tuple[str, int], int]
"""Topic and partition to bytes."""


def record_bytes(key: bytes | None, value: bytes | None) -> int:
    """
    The most that a record takes on a partition.

    >>> record_bytes(b"ann", b"{}")
    77
    """
    return BATCH_BYTES + len(key or b"") + len(value or b"")


class CatalogueSize:
    """Adds up what items take on `items`, and on `item-vectors` once they are encoded."""

    def __init__(self, names: Topics, *, additions: int = 0) -> None:
        """
        Begin with nothing.

        Args:
            names: Of the topics.
            additions: How often a vector's record is sent again because something was added.
        """
        self._additions = additions
        self._items = names.name(topics.ITEMS)
        self._vectors = names.name(topics.ITEM_VECTORS)
        self._partitions = names.partitions
        self.sizes: Counter[tuple[str, int]] = Counter()

    def add(self, parcel: Parcel | Record) -> None:
        """Count one record of `items`."""
        key, value = parcel.key or b"", parcel.value
        place = partition_of(key, self._partitions)
        self.sizes[self._items, place] += record_bytes(key, value)
        try:
            _, item = decode_item(key, value)
        except RejectedEvent:
            return
        self.sizes[self._vectors, place] += vector_bytes(key, item)
        if item is not None and item.facts().worth:
            again = vector_bytes(key, item) + ADDITION_BYTES
            self.sizes[self._vectors, place] += self._additions * again


def vector_bytes(key: bytes, item: Item | None) -> int:
    """What an item takes on `item-vectors`; without an item it is a tombstone."""
    if item is None:
        return record_bytes(key, None)
    return record_bytes(key, msgspec.json.encode(item.facts())) + VECTOR_BYTES


def additions_of(settings: Settings) -> int:
    """How often a vector is sent again, at most: with keywords, and with a model's words."""
    if settings.enhance.items == "off":
        return 0
    has_model = bool(settings.model.base_url or settings.model.cassette)
    return 2 if has_model and settings.enhance.items == "model" else 1


async def catalogue_there(broker: Broker, names: Topics, *, additions: int = 0) -> Sizes:
    """What the catalogue takes already: as found, and as it will be when all is encoded."""
    expected = CatalogueSize(names, additions=additions)
    found: Counter[tuple[str, int]] = Counter()
    async for records in read_to_end(broker, names.name(topics.ITEMS)):
        for record in records:
            expected.add(record)
    async for records in read_to_end(broker, names.name(topics.ITEM_VECTORS)):
        for record in records:
            found[record.topic, record.partition] += record_bytes(record.key, record.value)
    return dict(expected.sizes | found)


def check_fits(there: Mapping[tuple[str, int], int], new: Mapping[tuple[str, int], int]) -> None:
    """
    Make sure that a catalogue fits before any of it is sent.

    Raises:
        CapacityExceeded: Not on one of the partitions; the message says which, and the way out.
    """
    totals = {place: there.get(place, 0) + new.get(place, 0) for place in {*there, *new}}
    full = [place for place, size in totals.items() if size > SAFE_BYTES and new.get(place, 0)]
    if not full:
        return
    topic, partition = place = max(full, key=lambda place: totals[place])
    count = 1 + max(p for _, p in totals)
    needed = sum(size for (name, _), size in totals.items() if name == topic)
    raise CapacityExceeded(
        f"nothing was sent: topic {topic!r}, partition {partition} holds "
        f"{_mib(there.get(place, 0))} and would get {_mib(new[place])} more, but the embedded "
        f"broker keeps {_mib(SAFE_BYTES)} safely and would drop the oldest items.  "
        f"Use Apache Kafka (HEADWATER_BROKER=host:port), or start broker and worker anew with "
        f"HEADWATER_PARTITIONS={enough_partitions(needed, now=count)}"
    )


def enough_partitions(size: int, *, now: int) -> int:
    """
    How many partitions hold so many bytes, as keys are never spread quite evenly.

    >>> enough_partitions(20 * MIB, now=4)
    8
    """
    partitions = 2 * now
    while size * 1.2 / partitions > SAFE_BYTES:
        partitions *= 2
    return partitions


def _mib(size: int) -> str:
    return f"{size / MIB:.1f} MiB"
