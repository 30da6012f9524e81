"""Read items again where they stand in the log: a vector's record has no description."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from streams.errors import RejectedEvent
from streams.items import Item, decode_item
from streams.kafka import LogReader, Record

READ_WAIT = 1.0
"""Seconds without a record after which the rest is taken for gone."""
MOST = 500
"""Records that are read at a time."""


class Found(NamedTuple):
    """An item where it stands."""

    record: Record
    item_id: str
    item: Item


class Rereading:
    """A reader of `items` that is kept open, at the partitions that were asked for last."""

    def __init__(self, new_reader: Callable[[Sequence[int]], LogReader]) -> None:
        """
        Open nothing yet.

        Args:
            new_reader: Makes one for some partitions.
        """
        self._new_reader = new_reader
        self._reader: LogReader | None = None
        self._partitions: frozenset[int] = frozenset()

    async def open(self, partitions: frozenset[int]) -> None:
        """Be ready to read these."""
        if partitions == self._partitions:
            return
        await self.close()
        self._reader = self._new_reader(sorted(partitions))
        await self._reader.start(at_end=True)
        self._partitions = partitions

    async def find(self, partition: int, offsets: Collection[int]) -> list[Found]:
        """Items at some offsets of a partition; what is not there, or is no item, is left out."""
        reader = self._reader
        if reader is None or not offsets:
            return []
        found: list[Found] = []
        if reader.positions.get(partition) != min(offsets):
            reader.go_to({partition: min(offsets)})
        while reader.positions[partition] <= max(offsets):
            records = await reader.read(wait=READ_WAIT, most=MOST)
            if not records:
                break
            for record in records:
                if record.partition == partition and record.offset in offsets:
                    found += _read(record)
        return found

    async def close(self) -> None:
        """Leave the log."""
        reader, self._reader, self._partitions = self._reader, None, frozenset()
        if reader is not None:
            await reader.stop()


def _read(record: Record) -> list[Found]:
    try:
        item_id, item = decode_item(record.key, record.value)
    except RejectedEvent:
        return []
    return [] if item is None else [Found(record, item_id, item)]
