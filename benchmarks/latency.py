"""Latency and throughput of a running worker, beside the raw broker and a bare Faust agent."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from agents.scraping import Figures, is_ready, scrape
from benchmarks.pacing import Latency, Make, answers_per_second, each_answer
from slates.slate import decode_slate
from streams import topics
from streams.errors import SetupError
from streams.events import Interaction, encode_event
from streams.items import Item, encode_item
from streams.kafka import Broker, Outbox, Record
from streams.topics import Topic

USERS = 500
SECONDS = 20.0
"""Length of each measurement."""
RATES = (50, 200)
"""Events per second, besides half of saturation."""
IN_FLIGHT = 100
"""Events not answered yet while saturation is looked for."""
SILENT = 30.0
"""Seconds without an answer after which a worker is taken for dead."""
LAST_LINES = 20
OVERLOAD = 3
"""Times saturation that come in to see whether profiles keep up."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    rate: float
    latency: Latency


@contextmanager
def worker(
    broker: Broker,
    *,
    port: int,
    state_dir: str,
    prefix: str = "",
    more: Mapping[str, str] | None = None,
    roles: str = "",
    end: signal.Signals = signal.SIGTERM,
) -> Iterator[float]:
    """A worker process; yields the seconds from its start until it was ready."""
    began = time.monotonic()
    chosen = ("--roles", roles) if roles else ()
    environ = {
        **os.environ,
        "HEADWATER_BROKER": broker.bootstrap,
        "HEADWATER_STATE_DIR": state_dir,
        "HEADWATER_METRICS__PORT": str(port),
        "HEADWATER_TOPIC_PREFIX": prefix,
        **(more or {}),
    }
    command = [sys.executable, "-m", "agents", "worker", "--with-parent", *chosen]
    with tempfile.TemporaryFile("w+") as words:
        child = subprocess.Popen(command, env=environ, stderr=words)
        try:
            while not is_ready(port):
                if child.poll() is not None or time.monotonic() - began > 300:
                    raise SetupError("the worker did not become ready")
                time.sleep(0.02)
            yield time.monotonic() - began
        except SetupError as exc:
            raise SetupError(f"{exc}; its last words:\n{_last(words)}") from exc
        finally:
            child.send_signal(end)
            child.wait(30)


def _last(words: TextIO) -> str:
    """What a worker said last."""
    words.seek(0)
    return "".join(words.readlines()[-LAST_LINES:])


@contextmanager
def echo_agent(broker: Broker, source: str, target: str) -> Iterator[None]:
    """A bare Faust agent in a process of its own."""
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.echo", broker.bootstrap, source, target]
    )
    try:
        time.sleep(8)  # it has no readiness to ask for
        yield
    finally:
        child.terminate()
        child.wait(30)


def echo_topics() -> Mapping[str, Topic]:
    """Topics only this benchmark uses."""
    return {name: Topic(name, "any", "bytes") for name in ("bench-in", "bench-out")}


def interactions(catalogue: Sequence[Item], seed: int) -> Make:
    """Clicks and likes of `USERS` users in turn, on random items."""
    rng = random.Random(seed)

    def make(n: int) -> tuple[bytes, bytes]:
        event = Interaction(
            user_id=f"bench-{n % USERS}",
            item_id=rng.choice(catalogue).item_id,
            action=rng.choice(("click", "like", "view")),
            at=time.time(),
        )
        return event.user_id.encode(), encode_event(event)

    return make


def triggers_of(record: Record) -> Sequence[str]:
    """The events that a slate answers; its second revision answers nothing new."""
    slate = None if record.value is None else decode_slate(record.value)
    return () if slate is None or slate.revision > 1 else slate.answers


def _own_place(record: Record) -> Sequence[str]:
    return (f"{record.topic}-{record.partition}-{record.offset}",)


def _echoed(record: Record) -> Sequence[str]:
    return () if record.value is None else (record.value.decode(),)


async def raw_latency(broker: Broker, make: Make, rate: float) -> Row:
    """Produce and consume one topic: what Kafka and aiokafka cost."""
    found = await each_answer(
        broker,
        source="bench-in",
        target="bench-in",
        make=make,
        answers=_own_place,
        rate=rate,
        seconds=SECONDS,
    )
    return Row("raw produce → consume", rate, found.latency())


async def echo_latency(broker: Broker, make: Make, rate: float) -> Row:
    """Through a bare Faust agent."""
    found = await each_answer(
        broker,
        source="bench-in",
        target="bench-out",
        make=make,
        answers=_echoed,
        rate=rate,
        seconds=SECONDS,
    )
    return Row("bare Faust echo agent", rate, found.latency())


async def slate_latency(broker: Broker, make: Make, rate: float) -> Row:
    """From event to slate."""
    found = await each_answer(
        broker,
        source=topics.EVENTS.name,
        target=topics.RECOMMENDATIONS.name,
        make=make,
        answers=triggers_of,
        rate=rate,
        seconds=SECONDS,
    )
    return Row("event → slate", rate, found.latency())


async def saturation(broker: Broker, make: Make) -> float:
    """Slates per second when there is always another event, of another user."""
    return await answers_per_second(
        broker,
        source=topics.EVENTS.name,
        target=topics.RECOMMENDATIONS.name,
        make=make,
        answers=triggers_of,
        in_flight=IN_FLIGHT,
        seconds=SECONDS,
        settle=3.0,
    )


@dataclass(frozen=True, slots=True)
class Overload:
    """More events than slates can be built for."""

    rate: float
    """Events per second."""
    latency: Latency
    """Of all events; a slate answers those it supersedes, too."""
    lags: Sequence[int]
    """Events not committed yet, second by second."""
    slates: int
    superseded: int
    unanswered: int
    """Events that nothing answered; 0 or something was lost."""


async def overload(broker: Broker, make: Make, *, rate: float, port: int) -> Overload:
    """Send more than can be answered, and look whether profiles keep up."""
    lags: list[int] = []

    async def look() -> None:
        while True:
            await asyncio.sleep(1)
            lag = await asyncio.to_thread(scrape, port)
            lags.append(int(lag.by("headwater_consumer_lag", "topic")[topics.EVENTS.name]))

    before = scrape(port)
    looking = asyncio.create_task(look())
    row = await slate_latency(broker, make, rate)
    looking.cancel()
    await idle(port)
    after = scrape(port)

    def grown(name: str) -> int:
        return int(after.total(name) - before.total(name))

    return Overload(
        rate,
        row.latency,
        lags[: int(SECONDS)],
        grown("headwater_slates_total"),
        grown("headwater_slate_requests_superseded_total"),
        row.latency.sent - row.latency.answered,
    )


async def load(broker: Broker, items: Sequence[Item], *, port: int, prefix: str = "") -> float:
    """Announce a catalogue as fast as it is encoded; seconds until all of it can be found."""
    outbox = Outbox(broker)
    await outbox.start()
    began = time.monotonic()
    for item in items:
        name = f"{prefix}{topics.ITEMS.name}"
        await outbox.post(name, key=item.item_id.encode(), value=encode_item(item))
    await outbox.stop()
    await _until(port, lambda figures: figures.total("headwater_index_items") >= len(items))
    return time.monotonic() - began


async def idle(port: int) -> None:
    """Until the worker has nothing left to do: a backlog is not to be measured twice."""
    await _until(
        port, lambda figures: not figures.total("headwater_consumer_lag") and is_ready(port)
    )
    await asyncio.sleep(2)


async def _until(port: int, holds: Callable[[Figures], bool]) -> None:
    """
    Look at the figures of a worker until something holds.

    Raises:
        SetupError: It answers no more; a worker that has died never will.
    """
    answered = time.monotonic()
    while not ((figures := scrape(port)).samples and holds(figures)):
        if figures.samples:
            answered = time.monotonic()
        elif time.monotonic() - answered > SILENT:
            raise SetupError(f"the worker has not answered for {SILENT:.0f} s")
        await asyncio.sleep(0.5)


async def findable(
    broker: Broker, items: Sequence[Item], *, port: int, rate: float, seconds: float
) -> tuple[float | None, float | None]:
    """New items at a rate; milliseconds until one is found, p50 and p99, as the worker proves."""
    before = scrape(port).by("headwater_item_to_findable_seconds_bucket", "le")
    outbox = Outbox(broker)
    await outbox.start()
    began = time.perf_counter()
    for n, item in enumerate(itertools.islice(items, int(rate * seconds))):
        await asyncio.sleep(max(began + n / rate - time.perf_counter(), 0))
        sent = await outbox.post(
            topics.ITEMS.name, key=item.item_id.encode(), value=encode_item(item)
        )
        await sent
    await outbox.stop()
    await idle(port)
    after = scrape(port).by("headwater_item_to_findable_seconds_bucket", "le")
    counts = {float(le): n - before.get(le, 0) for le, n in after.items()}
    return _quantile_ms(counts, 0.5), _quantile_ms(counts, 0.99)


def _quantile_ms(counts: Mapping[float, float], q: float) -> float | None:
    """The upper bound of the bucket that holds the quantile: never flattering."""
    rank = q * counts.get(float("inf"), 0)
    bounds = [bound for bound in sorted(counts) if counts[bound] >= rank]
    return bounds[0] * 1000 if rank and bounds else None
