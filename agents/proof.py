"""
Is a log the one that a local copy was made of?  It must have the copy's last records.

A topic that was deleted and made anew has other records at those offsets, or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from agents.stretches import Last, checksum
from streams.errors import LocalStateUnusable
from streams.kafka import Record


def last_of(record: Record) -> Last:
    """A record, as a copy that ends with it remembers it."""
    return Last(record.offset, checksum(record.key or b"", record.value))


def lasts_of(records: Iterable[Record]) -> dict[int, Last]:
    """Partition to the last of its records, as a copy that ends with it remembers it."""
    newest = {record.partition: record for record in records}
    return {partition: last_of(record) for partition, record in newest.items()}


def places_of(lasts: Mapping[int, Last]) -> dict[int, int]:
    """Partition to the offset of its last record: from there a proof has to read."""
    return {partition: last.offset for partition, last in lasts.items()}


def other_log(folder: Path) -> LocalStateUnusable:
    """Why a copy whose proof has failed is not used."""
    what = f"{folder}: the topic does not have the records that it ends with"
    return LocalStateUnusable(what, reason="other_log")


class Proof:
    """
    Reads along; to be read from the offsets of the last records on.

    >>> copy = last_of(Record("trends", 0, 7, b"dune", b"{}", 0.0))
    >>> proof = Proof({0: copy})
    >>> proof.see([Record("trends", 0, 7, b"dune", b"{}", 0.0)])
    >>> proof.holds
    True
    """

    def __init__(self, lasts: Mapping[int, Last]) -> None:
        """Begin unproven; `lasts` is partition to the last record of the copy."""
        self._awaited = dict(lasts)
        self._same = True

    def see(self, records: Sequence[Record]) -> None:
        """The next records that were read."""
        if not self._awaited:
            return
        for record in records:
            if (last := self._awaited.pop(record.partition, None)) is not None:
                self._same = self._same and last_of(record) == last

    @property
    def holds(self) -> bool:
        """Was the last record of every partition found where it should be?"""
        return self._same and not self._awaited
