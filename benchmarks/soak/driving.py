"""
Users who act at a steady rate, in a process of their own, so that nothing waits for them.

An open loop: what is due leaves, however the worker is doing.  The process ends with its order, or
as soon as whoever ordered it is gone.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from threading import Thread
from typing import Any

import msgspec

from benchmarks.soak.crowd import Crowd
from streams import topics
from streams.errors import SetupError
from streams.events import encode_event
from streams.kafka import Broker, Outbox

TICK = 0.01
"""Seconds between looks at what is due; single events would cost twice the time."""
REPORT_EVERY = 1.0


class Order(msgspec.Struct, frozen=True):
    """What to send."""

    bootstrap: str
    rate: float
    """Events per second."""
    seconds: float
    users: int
    seed: int
    item_ids: tuple[str, ...]


class Sent(msgspec.Struct, frozen=True):
    """How far it is."""

    seconds: float
    """Since the first event."""
    sent: int
    acknowledged: int
    """Of those, by the broker."""
    late: float
    """The most seconds by which an event left after it was due, since the last report."""


async def send(order: Order) -> AsyncIterator[Sent]:
    """
    Send as ordered, and say before, once a second, and when all is acknowledged how far it is.

    Raises:
        DeliveryFailed: The broker refused an event.
    """
    crowd = Crowd(order.item_ids, users=order.users, seed=order.seed)
    outbox = Outbox(Broker(order.bootstrap))
    await outbox.start()
    try:
        sending = Sending(order, crowd, outbox)
        yield sending.report()
        while sending.sent < sending.total:
            await asyncio.sleep(TICK)
            await sending.catch_up()
            if sending.passed >= sending.reported + REPORT_EVERY:
                yield sending.report()
        await outbox.settle()
        await asyncio.sleep(0)  # the last futures call back
        yield sending.report()
    finally:
        await outbox.stop()


class Sending:
    """How far an order is."""

    def __init__(
        self,
        order: Order,
        crowd: Crowd,
        outbox: Outbox,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Nothing is sent yet; the order begins now."""
        self.total = int(order.rate * order.seconds)
        self.sent = 0
        self.reported = 0.0
        """When it was last reported, seconds since the beginning."""
        self._rate = order.rate
        self._actions = crowd.actions()
        self._outbox = outbox
        self._acknowledged = 0
        self._late = 0.0
        self._clock = clock
        self._began = clock()

    @property
    def passed(self) -> float:
        """Seconds since the beginning."""
        return self._clock() - self._began

    async def catch_up(self) -> None:
        """Send what is due by now."""
        passed = self.passed
        due = min(int(passed * self._rate), self.total)
        if due > self.sent:
            self._late = max(self._late, passed - self.sent / self._rate)
        for _ in range(due - self.sent):
            event = msgspec.structs.replace(next(self._actions), at=time.time())
            acknowledged = await self._outbox.post(
                topics.EVENTS.name, key=event.user_id.encode(), value=encode_event(event)
            )
            acknowledged.add_done_callback(self._count)
            self.sent += 1

    def _count(self, acknowledged: asyncio.Future[Any]) -> None:
        self._acknowledged += not acknowledged.cancelled() and acknowledged.exception() is None

    def report(self) -> Sent:
        """How far it is, as of now."""
        self.reported = self.passed
        late, self._late = self._late, 0.0
        return Sent(self.reported, self.sent, self._acknowledged, late)


@asynccontextmanager
async def driver(order: Order) -> AsyncIterator[AsyncIterator[Sent]]:
    """
    The process that does as ordered, while the block lasts.

    Yields:
        Its reports, until it has done all.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.soak.driving",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        yield _reports(child, order)
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def _reports(child: asyncio.subprocess.Process, order: Order) -> AsyncIterator[Sent]:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(msgspec.json.encode(order) + b"\n")
    await child.stdin.drain()
    async for line in child.stdout:
        yield msgspec.json.decode(line, type=Sent)
    if code := await child.wait():
        raise SetupError(f"the load ended with exit code {code}; its reason is above")


async def _main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    Thread(target=_end_with_input, daemon=True).start()
    async for report in send(order):
        print(msgspec.json.encode(report).decode(), flush=True)


def _end_with_input() -> None:
    """
    Whoever ordered holds our input open, and lets go of it however he ends.

    Python ends in a fatal error where a thread still reads `sys.stdin` then, so it is left out.
    """
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    asyncio.run(_main())
