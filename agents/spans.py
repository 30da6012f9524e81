"""
Which part of the log: two places, given as times or offsets, become offsets of each partition.

A time is looked for by reading, because not every broker can be asked for one, and stands for the
first record of a partition that was received then or later.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from streams.errors import BadSetting
from streams.kafka import LogReader, Record

BEGINNING = 0
END = 2**63 - 1
"""The largest offset there can be."""
READ_WAIT = 1.0
"""Seconds without a record after which the log's end is asked for."""

_OFFSETS = re.compile(r"\d+:\d+(,\d+:\d+)*")


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the log, as somebody named it."""

    moment: float | None = None
    """Seconds since 1970; None where offsets say it."""
    offsets: Mapping[int, int] = field(default_factory=dict)
    """Partition to offset."""
    elsewhere: int = BEGINNING
    """The offset in partitions that have none of their own."""


@dataclass(frozen=True, slots=True)
class Span:
    """From where to where, partition by partition."""

    starts: Mapping[int, int]
    stops: Mapping[int, int]
    """The first offset that is not part of it."""
    ends: Mapping[int, int]
    """Where the log ended when it was looked at."""

    @property
    def size(self) -> int:
        """Offsets in it."""
        return sum(self.stops[p] - start for p, start in self.starts.items())

    def begun_at(self, first: Mapping[int, int]) -> Span:
        """As it was read, where the log has lost its beginning since: the first offset of each."""
        return replace(self, starts={p: first.get(p, start) for p, start in self.starts.items()})


def read_place(text: str | None, *, option: str, elsewhere: int) -> Place:
    """
    Read a place in the log: a time, an offset of every partition, or offsets by partition.

    Args:
        text: ISO 8601, UTC where it names no zone; or ``120``; or ``0:120,3:95``; or None.
        option: What it was given as.
        elsewhere: The offset in partitions that are not named.

    Raises:
        BadSetting: It is none of these.

    >>> read_place("0:120,3:95", option="--from", elsewhere=0).offsets
    {0: 120, 3: 95}
    >>> read_place("2023-11-14T22:14", option="--from", elsewhere=0).moment
    1700000040.0
    """
    if text is None:
        return Place(elsewhere=elsewhere)
    if text.isdecimal():
        return Place(elsewhere=int(text))
    if _OFFSETS.fullmatch(text):
        pairs = (pair.split(":") for pair in text.split(","))
        offsets = {int(partition): int(offset) for partition, offset in pairs}
        return Place(offsets=offsets, elsewhere=elsewhere)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise BadSetting(
            f"{option}: {text!r}, expected a time such as 2026-11-24T17:00, an offset such as 120, "
            "or PARTITION:OFFSET such as 0:120,3:95"
        ) from exc
    return Place(moment=(moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


async def find_span(reader: LogReader, begin: Place, end: Place) -> Span:
    """
    Find two places in a log.

    Args:
        reader: Of the log, started; it stands at the span's beginning then.
        begin: The first record; what is before the log's beginning means that.
        end: The record after the last; what is after the log's end means that.

    Raises:
        BadSetting: A partition does not exist, or `begin` is after `end`.
    """
    _check(reader, begin, end)
    starts, stops = await _locate(reader, begin), await _locate(reader, end)
    for partition, start in starts.items():
        if start > stops[partition]:
            raise BadSetting(
                f"--from is after --to: in partition {partition} it is offset {start} and "
                f"--to is {stops[partition]}, expected the earlier place first"
            )
    span = Span(_within(reader, starts), _within(reader, stops), dict(reader.ends))
    reader.go_to(span.starts)
    return span


def _check(reader: LogReader, begin: Place, end: Place) -> None:
    for option, place in (("--from", begin), ("--to", end)):
        if unknown := sorted(place.offsets.keys() - reader.ends.keys()):
            raise BadSetting(
                f"{option}: partition {unknown[0]} of {reader.topic!r}, expected 0 to "
                f"{max(reader.ends)}"
            )
    if begin.moment is not None and end.moment is not None and begin.moment > end.moment:
        raise BadSetting("--from is after --to, expected the earlier time first")


def _within(reader: LogReader, offsets: Mapping[int, int]) -> dict[int, int]:
    return {p: min(max(o, reader.begins[p]), reader.ends[p]) for p, o in sorted(offsets.items())}


async def _locate(reader: LogReader, place: Place) -> dict[int, int]:
    """Partition to offset, as named; `END` where no record was received so late."""
    if place.moment is None:
        return {p: place.offsets.get(p, place.elsewhere) for p in reader.ends}
    found: dict[int, int] = {}
    reader.rewind()
    async for records in read_until(reader, reader.ends):
        for record in records:
            if record.received_at >= place.moment:
                found.setdefault(record.partition, record.offset)
        if len(found) == len(reader.ends):
            break
    return {partition: found.get(partition, END) for partition in reader.ends}


async def read_until(reader: LogReader, stops: Mapping[int, int]) -> AsyncIterator[list[Record]]:
    """The records from where a reader is, before these offsets, in batches."""
    while any(reader.positions[partition] < stop for partition, stop in stops.items()):
        records = await reader.read(wait=READ_WAIT)
        if records:
            yield [record for record in records if record.offset < stops[record.partition]]
        elif not await reader.lag():
            return
