"""
Send at a steady rate and time what comes back, all on one clock.

An open loop: the next record leaves when it is due, whether or not the last was answered, so a slow
system cannot slow its own measurement down.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from streams.kafka import Broker, LogReader, Outbox, Record

GRACE = 10.0
"""Seconds to wait for answers after the last record was sent."""


@dataclass(frozen=True, slots=True)
class Latency:
    """How long answers took."""

    sent: int
    answered: int
    p50: float
    """Milliseconds."""
    p95: float
    p99: float

    @classmethod
    def of(cls, seconds: list[float], *, sent: int) -> Latency:
        """Summarise."""
        if not seconds:
            return cls(sent, 0, float("nan"), float("nan"), float("nan"))
        p50, p95, p99 = (float(q) * 1000 for q in np.quantile(seconds, (0.5, 0.95, 0.99)))
        return cls(sent, len(seconds), p50, p95, p99)


Make = Callable[[int], tuple[bytes, bytes]]
"""The key and value of the n-th record."""
Answers = Callable[[Record], str | None]
"""The id of the record that a record answers; None when it answers none."""


async def time_answers(
    broker: Broker,
    *,
    source: str,
    target: str,
    make: Make,
    answers: Answers,
    rate: float,
    seconds: float,
) -> Latency:
    """Send to one topic at a rate and time the answers on another."""
    outbox, reader = Outbox(broker), LogReader(broker, target)
    await outbox.start()
    await reader.start(at_end=True)
    sent: dict[str, float] = {}
    heard: dict[str, float] = {}
    listening = asyncio.create_task(_listen(reader, answers, heard))
    acks = []
    total = int(rate * seconds)
    try:
        began = time.perf_counter()
        for n in range(total):
            await asyncio.sleep(max(began + n / rate - time.perf_counter(), 0))
            key, value = make(n)
            left = time.perf_counter()
            acks.append((left, await outbox.post(source, key=key, value=value)))
        for left, ack in acks:
            place = await ack
            sent[f"{place.topic}-{place.partition}-{place.offset}"] = left
        deadline = time.perf_counter() + GRACE
        while len(heard.keys() & sent.keys()) < total and time.perf_counter() < deadline:
            await asyncio.sleep(0.05)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await reader.stop()
        await outbox.stop()
    return Latency.of([heard[i] - sent[i] for i in sent if i in heard], sent=total)


async def _listen(reader: LogReader, answers: Answers, heard: dict[str, float]) -> None:
    while True:
        records = await reader.read(wait=0.2)
        now = time.perf_counter()
        for record in records:
            if (cause := answers(record)) is not None:
                heard.setdefault(cause, now)


async def count_answers(
    broker: Broker, *, source: str, target: str, make: Make, total: int, settle: float
) -> float:
    """
    Answers per second while there is more to do than can be done.

    Args:
        broker: Where.
        source: Topic to fill with `total` records at once.
        target: Topic to count on.
        make: The records.
        total: Enough for the time it takes.
        settle: Seconds left out at the start.
    """
    outbox, reader = Outbox(broker), LogReader(broker, target)
    await outbox.start()
    await reader.start(at_end=True)
    try:
        for n in range(total):
            key, value = make(n)
            await outbox.post(source, key=key, value=value)
        await outbox.settle()
        began = time.perf_counter()
        first, start, count = None, 0, 0
        while count < 0.95 * total and time.perf_counter() - began < 120:
            count += len(await reader.read(wait=0.1))
            if first is None and time.perf_counter() - began > settle:
                first, start = time.perf_counter(), count
        if first is None or time.perf_counter() - first < 1:
            return count / (time.perf_counter() - began)
        return (count - start) / (time.perf_counter() - first)
    finally:
        await reader.stop()
        await outbox.stop()
