"""
The one way in which agents read: bytes in, one function per record, an end in three forms.

A record is acknowledged when its function returns.  A `RejectedEvent` makes it a dead letter and
the stream goes on.  Anything else is our fault: the worker ends before the offset moves, and a
supervisor starts it again at the same place.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

from agents.metrics import Metrics
from agents.safety.lease import Lease
from streams.deadletters import MAX_VALUE_BYTES, SHORT_VALUE_BYTES, dead_letter, reason
from streams.errors import MalformedEvent, RejectedEvent, SetupError
from streams.kafka import Outbox, Record
from streams.origins import Origin

log = logging.getLogger("headwater")

EXIT_CODE = 70
"""EX_SOFTWARE: the program failed, restart it."""
EXIT_SETUP = 2
"""The surroundings are wrong: mend them and start again."""

LEASE_POLL = 0.05
"""Seconds between looks whether the group has answered."""

Fatal = Callable[[str, BaseException], NoReturn]
Acknowledge = Callable[[Any], Any]


def end_worker(message: str, error: BaseException) -> NoReturn:
    """
    End the process at once, without committing anything.

    No clean-up runs on purpose: a clean stop would commit, and what failed is not durable.
    """
    wrong_around = isinstance(error, SetupError)
    trace = None if wrong_around else error
    log.critical("worker stops: %s; nothing after it was committed", message, exc_info=trace)
    logging.shutdown()
    os._exit(EXIT_SETUP if wrong_around else EXIT_CODE)


def origin_of(record: Record) -> Origin:
    """Where a record stands."""
    return Origin(record.topic, record.partition, record.offset)


class Consuming:
    """What every agent needs to read records."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        dead_letters: str,
        max_bytes: int,
        metrics: Metrics,
        acknowledge: Acknowledge,
        generation: Callable[[], int],
        lease: Lease,
        fatal: Fatal = end_worker,
    ) -> None:
        self._outbox = outbox
        self._dead_letters = dead_letters
        self._max_bytes = max_bytes
        self._metrics = metrics
        self._acknowledge = acknowledge
        self._generation = generation
        self._lease = lease
        self._fatal = fatal

    async def each(self, stream: Any, body: Callable[[Record], Awaitable[None]]) -> None:
        """Call `body` for every record of a stream, in order, and acknowledge it."""
        async for event in stream.noack().events():
            record = record_of(event.message)
            if await self.may_begin(record.generation):
                await self.one(record, body)
                self.acknowledge(event)

    async def admit(self, event: Any, line_up: Callable[[Record], Awaitable[None]]) -> None:
        """
        Call `line_up` for a record that is dealt with, and acknowledged, later.

        One that it rejects is dealt with at once: a dead letter, and acknowledged.
        """
        record = record_of(event.message)
        await self.guard(record, lambda: self._admit(event, record, line_up))

    async def _admit(
        self, event: Any, record: Record, line_up: Callable[[Record], Awaitable[None]]
    ) -> None:
        try:
            self.check_size(record)
            await line_up(record)
        except RejectedEvent as error:
            await self.reject(record, error)
            self.acknowledge(event)

    async def may_begin(self, generation: int) -> bool:
        """
        Does what was read in this generation of the group belong to this worker?

        Waits while nobody knows; what is not ours any more is read by another worker.
        """
        while not self._lease.valid and self.is_current(generation):  # noqa: ASYNC110 - no event
            await asyncio.sleep(LEASE_POLL)
        return self.is_current(generation)

    async def one(self, record: Record, body: Callable[[Record], Awaitable[None]]) -> None:
        """Call `body` for one record; see the module for how that can end."""
        await self.guard(record, lambda: self._attempt(record, body))

    async def _attempt(self, record: Record, body: Callable[[Record], Awaitable[None]]) -> None:
        try:
            self.check_size(record)
            await body(record)
        except RejectedEvent as error:
            await self.reject(record, error)

    async def guard(self, record: Record, body: Callable[[], Awaitable[None]]) -> None:
        """Call `body` and end the worker when it fails, for that is not the record's fault."""
        try:
            await body()
        except Exception as error:  # noqa: BLE001 - the one place where a bug becomes an exit
            self._fatal(f"{origin_of(record)} could not be dealt with: {error!r}", error)

    def is_current(self, generation: int) -> bool:
        """Does the group give out partitions as it did in this generation?"""
        return generation == self._generation()

    def acknowledge(self, event: Any) -> None:
        """The record of this event needs no reading again."""
        self._acknowledge(event.message)

    def check_size(self, record: Record) -> None:
        """
        Refuse what is too large to be meant.

        Raises:
            MalformedEvent: The value is longer than the setting `events.max_bytes`.
        """
        if record.value is not None and len(record.value) > self._max_bytes:
            raise MalformedEvent(f"{len(record.value)} bytes, expected at most {self._max_bytes}")

    async def reject(self, record: Record, error: RejectedEvent) -> None:
        """
        Keep a record among the dead letters; only its beginning where the broker takes no more.

        Raises:
            DeliveryFailed: The broker does not take it at all.
        """
        log.warning("%s rejected: %s", origin_of(record), error)
        if not await self._bury(record, error, keep=MAX_VALUE_BYTES):
            await self._bury(record, error, keep=SHORT_VALUE_BYTES)
        self._metrics.dead_letters.labels(record.topic, reason(error)).inc()

    async def _bury(self, record: Record, error: RejectedEvent, *, keep: int) -> bool:
        """Was the letter small enough?"""
        letter = dead_letter(
            origin_of(record), key=record.key, value=record.value, error=error, keep=keep
        )
        taken = await self._outbox.offer(
            self._dead_letters, key=letter.key, value=letter.value, headers=letter.headers
        )
        return await taken is not None


def record_of(message: Any) -> Record:
    """A Faust message as a record."""
    return Record(
        message.topic,
        message.partition,
        message.offset,
        message.key,
        message.value,
        message.timestamp,
        generation=message.generation_id,
    )
