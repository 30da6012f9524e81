"""
Send at a steady rate and time what comes back, all on one clock.

An open loop: the next record leaves when it is due, whether or not the last was answered, so a slow
system cannot slow its own measurement down.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
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


@dataclass(frozen=True, slots=True)
class Answered:
    """Every answer of one measurement."""

    sent: int
    seconds: Sequence[float]
    """Of those that were answered."""

    def latency(self) -> Latency:
        """Sum up."""
        return Latency.of(list(self.seconds), sent=self.sent)


Make = Callable[[int], tuple[bytes, bytes]]
"""The key and value of the n-th record."""
Answers = Callable[[Record], Sequence[str]]
"""The ids of the records that a record answers."""


async def each_answer(
    broker: Broker,
    *,
    source: str,
    target: str,
    make: Make,
    answers: Answers,
    rate: float,
    seconds: float,
) -> Answered:
    """Send to one topic at a rate and time each answer on another."""
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
    return Answered(total, [heard[i] - sent[i] for i in sent if i in heard])


async def _listen(reader: LogReader, answers: Answers, heard: dict[str, float]) -> None:
    while True:
        records = await reader.read(wait=0.2)
        now = time.perf_counter()
        for record in records:
            for cause in answers(record):
                heard.setdefault(cause, now)


async def answers_per_second(
    broker: Broker,
    *,
    source: str,
    target: str,
    make: Make,
    answers: Answers,
    in_flight: int,
    seconds: float,
    settle: float,
) -> float:
    """
    How many records are answered per second when each answer sets off the next record.

    Args:
        broker: Where.
        source: Topic to send to.
        target: Topic to count on.
        make: The records.
        answers: What a record of the target answers.
        in_flight: Records that are not answered yet, at any time.
        seconds: How long to count.
        settle: Seconds before counting begins.
    """
    outbox, reader = Outbox(broker), LogReader(broker, target)
    await outbox.start()
    await reader.start(at_end=True)
    sent = answered = before = 0
    began = time.perf_counter()
    try:
        while (passed := time.perf_counter() - began) < settle + seconds:
            while sent - answered < in_flight:
                key, value = make(sent)
                await outbox.post(source, key=key, value=value)
                sent += 1
            if passed < settle:
                before = answered
            answered += sum(len(answers(record)) for record in await reader.read(wait=0.1))
    finally:
        await reader.stop()
        await outbox.stop()
    return (answered - before) / seconds
