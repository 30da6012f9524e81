"""
`make bench`: measure on Apache Kafka and write docs/benchmarks.md.

Everything is timed side by side in one run on one machine; what counts are the ratios.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from agents.commands.processes import free_port
from agents.scraping import scrape
from benchmarks import (
    building,
    evenness,
    gateway,
    latency,
    refining,
    restarting,
    scoring,
    throughput,
)
from benchmarks.apache_kafka import VERSION, ApacheKafka
from benchmarks.report import NEW_ITEMS_RATE, Report, write
from examples import books_file
from indexes.embedding import DIM, has_fast_bf16
from indexes.exact import ExactIndex
from indexes.items import HnswIndex
from streams.files import read_items
from streams.items import Item
from streams.kafka import Broker, declare_topics
from streams.movielens import load_catalogue
from streams.rows import BadRow
from streams.topics import Topics

REPORT = Path("docs/benchmarks.md")
STRATEGIES = ("hybrid", "neighbours", "similar", "popular")
"""Whose slates are timed; the first is the default."""
NEW_ITEMS_SECONDS = 20.0


def main() -> None:
    """Measure everything, in under half an hour."""
    even = evenness.measure()
    costs = {
        "hnsw": building.measure(HnswIndex(DIM), STRATEGIES),
        "exact": building.measure(ExactIndex(DIM), STRATEGIES[:1]),
    }
    scored = [scoring.measure(size) for size in scoring.SIZES]
    name, items = _catalogue()
    with _kafka() as broker, tempfile.TemporaryDirectory() as state:
        report = asyncio.run(_measure(broker, items, state_dir=state))
    report.machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    report.software = f"Python {platform.python_version()}, Apache Kafka {VERSION}"
    report.catalogue = f"{name}, {len(items):,} items"
    report.evenness = even
    report.precision = "bf16" if has_fast_bf16() else "fp32"
    report.building = costs
    report.scoring = scored
    write(report, REPORT)
    print(REPORT.read_text(encoding="utf-8"))


def _catalogue() -> tuple[str, Sequence[Item]]:
    """MovieLens where there is one, else the shipped books."""
    folder = os.environ.get("HEADWATER_DATA_DIR")
    if folder:
        return "movielens-small", load_catalogue(Path(folder) / "movielens-small").records
    return "books", [item for item in read_items(books_file()) if not isinstance(item, BadRow)]


@contextmanager
def _kafka() -> Iterator[Broker]:
    home = Path(tempfile.mkdtemp(prefix="headwater-bench-"))
    try:
        with ApacheKafka(home) as kafka:
            yield Broker(kafka.bootstrap)
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def _measure(broker: Broker, items: Sequence[Item], *, state_dir: str) -> Report:
    await declare_topics(
        broker, {**dict(Topics("", 4)), **latency.echo_topics()}, partitions=4, replication=1
    )
    await asyncio.sleep(2)  # a fresh broker elects leaders; that is not what is timed
    report = Report()
    make = latency.interactions(items, seed=1)
    rates: list[float] = [float(rate) for rate in latency.RATES]
    port = free_port(0)
    with latency.worker(broker, port=port, state_dir=state_dir) as seconds:
        report.start_empty = seconds
        report.load_seconds = await latency.load(broker, items, port=port)
        report.items = len(items)
        report.findable = await latency.findable(
            broker,
            [_another(item) for item in items],
            port=port,
            rate=NEW_ITEMS_RATE,
            seconds=NEW_ITEMS_SECONDS,
        )
        report.saturation = await latency.saturation(broker, make)
        await latency.idle(port)
        rates.append(round(report.saturation / 2))
        for rate in rates:
            report.rows.append(await latency.slate_latency(broker, make, rate))
            await latency.idle(port)
        report.slate_stages = _stages(port)
        report.overload = await latency.overload(
            broker, make, rate=round(latency.OVERLOAD * report.saturation), port=port
        )
        report.gateway = await _gateway(broker)
    for rate in rates:
        report.rows.append(await latency.raw_latency(broker, make, rate))
    report.throughput = await throughput.measure(broker)
    with latency.echo_agent(broker, "bench-in", "bench-out"):
        for rate in rates:
            report.rows.append(await latency.echo_latency(broker, make, rate))
    _start_again(broker, report, port=port, state_dir=state_dir)
    report.restarts = await restarting.measure(broker)
    with tempfile.TemporaryDirectory() as home:
        report.refining = await refining.measure(broker, refining.Plan(), home=Path(home))
    return report


def _start_again(broker: Broker, report: Report, *, port: int, state_dir: str) -> None:
    """From the snapshot that the last worker has left, and from nothing."""
    with latency.worker(broker, port=port, state_dir=state_dir) as seconds:
        report.start_snapshot = seconds
    shutil.rmtree(state_dir, ignore_errors=True)
    with latency.worker(broker, port=port, state_dir=state_dir) as seconds:
        report.start_log = seconds


async def _gateway(broker: Broker) -> gateway.Gateway:
    """In a thread: it runs loops of its own."""
    with tempfile.TemporaryDirectory() as home:
        return await asyncio.to_thread(gateway.measure, broker, home=Path(home))


def _another(item: Item) -> Item:
    """A new item with text of its own, so that it has to be encoded."""
    return msgspec.structs.replace(item, item_id=f"new-{item.item_id}", title=f"New: {item.title}")


def _stages(port: int) -> dict[str, float]:
    """Median seconds of the stages of building, as the worker saw them."""
    figures = scrape(port)
    return {
        stage: figures.by("headwater_slate_seconds_sum", "stage")[stage] / max(count, 1)
        for stage, count in figures.by("headwater_slate_seconds_count", "stage").items()
    }


if __name__ == "__main__":
    main()
