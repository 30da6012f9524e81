"""
Feed the rows of a file into a topic; every row is acknowledged by the broker or put aside.

Rows go in batches, each acknowledged before the next begins: at any moment all rows up to a known
one are dealt with, so an interrupted run can be taken up there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from streams.events import Event, encode_event
from streams.items import Item, encode_item
from streams.origins import Origin
from streams.rows import BadRow

BATCH_ROWS = 2_000
BATCH_BYTES = 256 * 1024
"""A batch ends at either; it bounds what an embedded broker gets beyond what it was asked for."""


class Parcel(NamedTuple):
    """One good row, as it is sent."""

    number: int
    """Its place among the rows with data, from 1."""
    key: bytes
    value: bytes


class Placed(NamedTuple):
    """A parcel and where it stands in the log now."""

    parcel: Parcel
    place: Origin


Pace = Callable[[Sequence[Placed]], Awaitable[None]]
"""Told of each batch that was acknowledged; returns when the next may be sent."""


async def at_once(placed: Sequence[Placed]) -> None:
    """The pace of a broker that holds everything."""


class Offering(Protocol):
    """As much of an outbox as is needed here."""

    async def start(self) -> None:
        """Connect."""

    async def stop(self) -> None:
        """Disconnect."""

    async def offer(self, topic: str, *, key: bytes, value: bytes) -> asyncio.Future[Origin | None]:
        """Send a record; None becomes of it where the broker finds it too large."""

    async def settle(self) -> None:
        """Wait until everything is acknowledged."""


def pack(
    rows: Iterable[Item | Event | BadRow], *, max_bytes: int, skip: int = 0
) -> Iterator[Parcel | BadRow]:
    """
    Number and encode rows.

    Args:
        rows: What a file holds, in its order.
        max_bytes: A longer value would be refused by the workers: it is a bad row here.
        skip: Rows to leave out at the beginning.

    >>> parcels = pack([Item(item_id="dune", title="Dune")], max_bytes=1000)
    >>> next(parcels)
    Parcel(number=1, key=b'dune', value=b'{"title":"Dune","item_id":"dune"}')
    """
    for number, row in enumerate(rows, 1):
        if number <= skip:
            continue
        if isinstance(row, BadRow):
            yield row
            continue
        parcel = _parcel(number, row)
        if len(parcel.value) > max_bytes:
            yield _too_large(parcel, f"at most {max_bytes} are allowed")
        else:
            yield parcel


def _parcel(number: int, row: Item | Event) -> Parcel:
    if isinstance(row, Item):
        return Parcel(number, row.item_id.encode(), encode_item(row))
    return Parcel(number, row.user_id.encode(), encode_event(row))


def _too_large(parcel: Parcel, limit: str) -> BadRow:
    reason = f"{parcel.key.decode()!r}: {len(parcel.value)} bytes, {limit}"
    return BadRow(parcel.number, reason, parcel.value.decode())


@dataclass(slots=True)
class Feeding:
    """Sends parcels to a topic, and counts."""

    outbox: Offering
    topic: str
    reject: Callable[[BadRow], None]
    """Told of each row that cannot be sent."""
    pace: Pace = at_once
    sent: int = 0
    """Rows that the broker has acknowledged."""
    done: int = 0
    """The row up to which every one was sent or rejected."""

    async def run(self, parcels: Iterable[Parcel | BadRow]) -> None:
        """As `feed`, with the outbox started and stopped."""
        await self.outbox.start()
        try:
            await self.feed(parcels)
        finally:
            await self.outbox.stop()

    async def feed(self, parcels: Iterable[Parcel | BadRow]) -> None:
        """
        Send everything.

        Raises:
            DeliveryFailed: The broker did not take it; `done` says how far it is safe.
        """
        for batch in batches(parcels):
            placed = await self._deliver([row for row in batch if isinstance(row, Parcel)])
            for row in batch:
                if isinstance(row, BadRow):
                    self.reject(row)
            self.done = batch[-1].number
            await self.pace(placed)

    async def _deliver(self, parcels: Sequence[Parcel]) -> list[Placed]:
        places = await self._send(parcels)
        placed = [Placed(p, place) for p, place in zip(parcels, places, strict=True) if place]
        for parcel, place in zip(parcels, places, strict=True):
            if place is None:
                placed += await self._send_alone(parcel)
        self.sent += len(placed)
        return placed

    async def _send(self, parcels: Sequence[Parcel]) -> list[Origin | None]:
        taken = [await self.outbox.offer(self.topic, key=p.key, value=p.value) for p in parcels]
        await self.outbox.settle()
        return [await place for place in taken]

    async def _send_alone(self, parcel: Parcel) -> list[Placed]:
        """Once more, without those it shared a batch with: perhaps one of them was too large."""
        (place,) = await self._send([parcel])
        if place is None:
            self.reject(_too_large(parcel, f"more than the broker takes on {self.topic}"))
            return []
        return [Placed(parcel, place)]


def batches(rows: Iterable[Parcel | BadRow]) -> Iterator[list[Parcel | BadRow]]:
    """Rows by the batch, in order; see `BATCH_ROWS`."""
    batch: list[Parcel | BadRow] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += 0 if isinstance(row, BadRow) else len(row.key) + len(row.value)
        if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
