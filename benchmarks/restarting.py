"""
How long a worker with much state takes to start: from nothing, after a clean stop, after a crash.

    python -m benchmarks.restarting --profiles 100000 --items 100000
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from agents.commands.processes import free_port
from agents.scraping import scrape
from benchmarks import latency
from benchmarks.apache_kafka import ApacheKafka
from indexes.embedding import DIM, fingerprint
from streams import topics
from streams.items import ItemFacts
from streams.kafka import Broker, Outbox, declare_topics, partition_of
from streams.profiles import Entry, Profile, encode_profile
from streams.topics import Topics
from streams.trends import DAY, Trend, encode_trend
from streams.vectors import VectorRecord, encode_vector

PREFIX = "restart."
PARTITIONS = 4
PROFILES = 100_000
ITEMS = 100_000
HISTORY = 50
"""Interactions in a profile."""
NOW = 1_700_000_000.0
CHUNK = 5_000
"""Records made and written at a time."""
PATIENCE = 120.0
"""Seconds for a worker to write its local state."""


@dataclass(frozen=True, slots=True)
class Start:
    """One start of the worker."""

    what: str
    seconds: float
    """From the start of the process until `/readyz` said 200."""
    tables: float
    """Of these, restoring profiles and trends."""
    memory: float
    """Bytes resident when it was ready."""


@dataclass(frozen=True, slots=True)
class Restarts:
    """All starts with so much state."""

    profiles: int
    items: int
    starts: tuple[Start, ...]


async def measure(broker: Broker, *, profiles: int = PROFILES, items: int = ITEMS) -> Restarts:
    """Fill topics of their own, and start a worker on them again and again."""
    names = Topics(PREFIX, PARTITIONS)
    await declare_topics(broker, dict(names), partitions=PARTITIONS, replication=1)
    outbox = Outbox(broker)
    await outbox.start()
    await _write(outbox, names.name(topics.PROFILES), _profiles(profiles, items))
    await _write(outbox, names.name(topics.ITEM_VECTORS), _vectors(items))
    await _write(outbox, names.name(topics.ITEM_TRENDS), _trends(items))
    await outbox.stop()
    with tempfile.TemporaryDirectory() as state:
        starts = await asyncio.to_thread(_starts, broker, Path(state))
    return Restarts(profiles, items, starts)


def _starts(broker: Broker, state: Path) -> tuple[Start, ...]:
    return (
        _start("nothing local, all from the log", broker, state, end=signal.SIGTERM),
        _start("local state, after a clean stop", broker, state, end=signal.SIGKILL),
        _start("local state, after SIGKILL", broker, state, end=signal.SIGTERM),
    )


def _start(what: str, broker: Broker, state: Path, *, end: signal.Signals) -> Start:
    port = free_port(0)
    with latency.worker(broker, port=port, state_dir=str(state), prefix=PREFIX, end=end) as seconds:
        figures = scrape(port)
        _await_copies(state)
    return Start(
        what,
        seconds,
        tables=figures.total("headwater_state_restore_seconds"),
        memory=figures.total("process_resident_memory_bytes"),
    )


def _await_copies(state: Path) -> None:
    """Until nothing more is written to the local copies."""
    until = time.monotonic() + PATIENCE
    before = None
    while (sizes := _sizes(state)) != before and time.monotonic() < until:
        before = sizes
        time.sleep(2)


def _sizes(state: Path) -> dict[Path, int]:
    return {path: path.stat().st_size for path in state.glob("*/tables/*") if path.exists()}


async def _write(outbox: Outbox, topic: str, records: Iterable[tuple[bytes, bytes]]) -> None:
    """Each key to the partition that its worker would write it to."""
    source = iter(records)
    while chunk := list(islice(source, CHUNK)):
        for partition in range(PARTITIONS):
            here = [(k, v) for k, v in chunk if partition_of(k, PARTITIONS) == partition]
            await outbox.post_many(topic, partition, here)
        await outbox.settle()


def _profiles(count: int, items: int) -> Iterator[tuple[bytes, bytes]]:
    rng = random.Random(1)
    for n in range(count):
        seen = [f"item-{rng.randrange(items)}" for _ in range(HISTORY)]
        history = tuple(
            Entry(NOW + n + 61.5 * i, item, rng.choice(("click", "like", "view")), 1.0)
            for i, item in enumerate(seen)
        )
        counters = {"click": 17, "like": 16, "view": 17, "impression": 40}
        profile = Profile(history=history, seen=tuple(dict.fromkeys(seen)), counters=counters)
        yield f"user-{n}".encode(), encode_profile(profile)


def _vectors(count: int) -> Iterator[tuple[bytes, bytes]]:
    """Unit vectors in a hundred clusters, with facts as a catalogue of films has them."""
    rng, words = np.random.default_rng(1), random.Random(2)
    centres = rng.standard_normal((100, DIM))
    for n in range(count):
        row = centres[n % 100] + 0.7 * rng.standard_normal(DIM)
        genres = tuple(f"genre-{words.randrange(20)}" for _ in range(3))
        facts = ItemFacts(
            f"Film number {n}",
            tags=genres[:1],
            attributes={"genres": genres, "year": float(1950 + n % 75)},
            published_at=NOW - n * 60.0,
        )
        vector = (row / np.linalg.norm(row)).astype(np.float16)
        record = VectorRecord(fingerprint(), n.to_bytes(16), vector, facts, n % 4, n, NOW)
        yield f"item-{n}".encode(), encode_vector(record)


def _trends(count: int) -> Iterator[tuple[bytes, bytes]]:
    rng = random.Random(3)
    today = int(NOW // DAY)
    for n in range(count):
        people = rng.randrange(1, 200)
        trend = Trend(
            popularity=people * rng.random(),
            at=NOW - rng.random() * DAY,
            interactions=3 * people,
            supporters=people,
            days={today - day: rng.randrange(1, 9) for day in range(rng.randrange(1, 8))},
            applied={partition: rng.randrange(10_000_000) for partition in range(PARTITIONS)},
        )
        yield f"item-{n}".encode(), encode_trend(trend)


def main() -> None:
    """Measure restarts alone, and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profiles", type=int, default=PROFILES)
    parser.add_argument("--items", type=int, default=ITEMS)
    args = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="headwater-bench-"))
    try:
        with ApacheKafka(home) as kafka:
            broker = Broker(kafka.bootstrap)
            done = asyncio.run(measure(broker, profiles=args.profiles, items=args.items))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    print(f"{done.profiles:,} profiles of {HISTORY} interactions, {done.items:,} items and trends")
    for start in done.starts:
        print(
            f"{start.what}: {start.seconds:.1f} s, of these tables {start.tables:.1f} s; "
            f"{start.memory / 2**20:,.0f} MiB"
        )


if __name__ == "__main__":
    main()
