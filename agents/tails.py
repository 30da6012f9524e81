"""
What partitions of a changelog say behind what is known already: the newest record of each key.
"""

from __future__ import annotations

from collections.abc import Mapping

from agents.kept import Mark
from agents.stretches import Last, Stretch, checksum
from streams.kafka import Broker, LogReader, Record
from streams.origins import Origin

READ_WAIT = 0.5
"""Seconds to wait for records that the log has."""


class Tail:
    """One partition, from the last record that is known to the end it had when reading began."""

    def __init__(self, after: Mark | None) -> None:
        """Begin with nothing; `after` is what is known, None is nothing."""
        self.after = after
        self.end = 0
        """The offset before which everything was read."""
        self._first: Record | None = None
        self._last: Record | None = None
        self._newest: dict[bytes, Record] = {}

    def add(self, record: Record) -> None:
        """The next record."""
        self._first = self._first or record
        self._last = record
        self._newest[record.key or b""] = record

    @property
    def follows(self) -> bool:
        """Is it of the log that is known?  Then it begins with the last record known."""
        if self.after is None:
            return True
        return self._first is not None and _last(self._first) == self.after.last

    def changes(self) -> dict[bytes, bytes | None]:
        """Key to newest value; None is a removal."""
        return {key: record.value for key, record in self._newest.items()}

    def where(self, key: bytes) -> Origin:
        """Where the newest record of a key stands."""
        record = self._newest[key]
        return Origin(record.topic, record.partition, record.offset)

    def stretch(self) -> Stretch | None:
        """What is to be added to what is known; None where that is nothing."""
        known = 0 if self.after is None else self.after.end
        if self._last is None or self.end == known:
            return None
        return Stretch(
            self.changes(),
            first=known,
            end=self.end,
            last=_last(self._last),
            whole=self.after is None,
        )


def _last(record: Record) -> Last:
    return Last(record.offset, checksum(record.key or b"", record.value))


async def read_tails(
    broker: Broker, topic: str, known: Mapping[int, Mark | None]
) -> dict[int, Tail]:
    """
    Read partitions to their ends, outside any consumer group.

    Args:
        broker: Where.
        topic: The changelog.
        known: Partition to what is known of it; None is nothing.

    Returns:
        Partition to its tail; all there is, `after` nothing, where what is known is not of this
        log: it lacks the offset, or has another record there.
    """
    tails = await _read(broker, topic, known)
    foreign = {partition: None for partition, tail in tails.items() if not tail.follows}
    return {**tails, **await _read(broker, topic, foreign)} if foreign else tails


async def _read(broker: Broker, topic: str, known: Mapping[int, Mark | None]) -> dict[int, Tail]:
    tails = {partition: Tail(mark) for partition, mark in known.items()}
    reader = LogReader(broker, topic, partitions=list(known))
    try:
        await reader.start({p: mark.last.offset for p, mark in known.items() if mark is not None})
        while reader.behind:
            for record in await reader.read(wait=READ_WAIT):
                tails[record.partition].add(record)
        for partition, tail in tails.items():
            tail.end = reader.positions[partition]
    finally:
        await reader.stop()
    return tails
