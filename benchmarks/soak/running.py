"""One run: broker, workers, load, two restarts, and the sums in the end."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from agents.commands.processes import free_port
from agents.scraping import scrape
from benchmarks import latency
from benchmarks.apache_kafka import ApacheKafka
from benchmarks.soak.crowd import USERS, Crowd
from benchmarks.soak.driving import Order, driver
from benchmarks.soak.measured import Measured
from benchmarks.soak.sampling import Sampling, lag_by_topic
from benchmarks.soak.showing import Screen
from benchmarks.soak.sums import add_up
from benchmarks.soak.watching import watch_events, watch_slates
from benchmarks.soak.worker import KeptWorker
from streams import topics
from streams.items import Item
from streams.kafka import Broker, Outbox, declare_topics, partition_of
from streams.profiles import Profile, encode_profile
from streams.topics import Topic, Topics
from streams.trends import Trend, encode_trend

PARTITIONS = 4
SEED = 1
ELECTIONS = 2.0
"""Seconds in which a fresh broker elects leaders."""
DRAIN_PATIENCE = 300.0
"""Seconds that what is under way at the end may take to be answered and committed."""
DRAIN_POLL = 1.0
RESTARTS = ((0, signal.SIGTERM), (-1, signal.SIGKILL))
"""Which worker is told what, at a third of the run and at two thirds."""


async def soak(
    kafka: ApacheKafka,
    items: Sequence[Item],
    *,
    rate: float,
    seconds: float,
    workers: int,
    home: Path,
    screen: Screen,
) -> Measured:
    """
    Let users act at a rate for so long, restart two workers, and add up.

    Raises:
        SetupError: A worker did not start, or the load ended early.
    """
    broker = Broker(kafka.bootstrap)
    crowd = Crowd([item.item_id for item in items], users=USERS, seed=SEED)
    now = float(int(time.time()))
    known, trends = crowd.profiles(now=now), crowd.trends(now=now)
    run = Measured(rate=rate, seconds=seconds)
    screen.say(f"writing {len(known):,} profiles and {len(trends):,} trends, starting workers")
    await _prepare(broker, known, trends)
    async with _workers(broker, workers, home) as kept:
        run.lives = [worker.lives for worker in kept]
        screen.say(f"loading {len(items):,} items at the encoder's pace")
        await latency.load(broker, items, port=kept[0].port)
        for worker in kept:
            await latency.idle(worker.port)
        sampling = Sampling(run, kept, log=kafka.data, show=screen.show)
        order = Order(
            bootstrap=broker.bootstrap,
            rate=rate,
            seconds=seconds,
            users=USERS,
            seed=SEED,
            item_ids=tuple(item.item_id for item in items),
        )
        watching = (watch_events(broker, run.waits), watch_slates(broker, run.waits))
        async with _beside(*watching):
            await _load(run, order, kept, sampling)
            screen.say("the load has ended, waiting for what is under way")
            await _drained(run, kept)
    screen.say("adding up: the log is read and folded again")
    run.sums = await add_up(broker, known=known, trends=trends)
    return run


@asynccontextmanager
async def _workers(broker: Broker, count: int, home: Path) -> AsyncIterator[Sequence[KeptWorker]]:
    """So many, each with a port and a folder of its own; ready, one after the other."""
    async with AsyncExitStack() as stack:
        kept = []
        for number in range(1, count + 1):
            own = home / f"worker-{number}"
            own.mkdir()
            worker = KeptWorker({"HEADWATER_BROKER": broker.bootstrap}, port=free_port(0), home=own)
            kept.append(await stack.enter_async_context(worker))
        yield kept


async def _prepare(
    broker: Broker, known: Mapping[str, Profile], trends: Mapping[str, Trend]
) -> None:
    """Declare the topics, and give users and items a past on the changelogs."""
    await declare_topics(broker, dict(Topics("", PARTITIONS)), partitions=PARTITIONS, replication=1)
    await asyncio.sleep(ELECTIONS)
    outbox = Outbox(broker)
    await outbox.start()
    try:
        await _write(outbox, topics.PROFILES, {u: encode_profile(p) for u, p in known.items()})
        await _write(outbox, topics.ITEM_TRENDS, {i: encode_trend(t) for i, t in trends.items()})
    finally:
        await outbox.stop()


async def _write(outbox: Outbox, topic: Topic, values: Mapping[str, bytes]) -> None:
    shards: dict[int, list[tuple[bytes, bytes | None]]] = {p: [] for p in range(PARTITIONS)}
    for text, value in values.items():
        key = text.encode()
        shards[partition_of(key, PARTITIONS)].append((key, value))
    for partition, records in shards.items():
        await outbox.post_many(topic.name, partition, records)
    await outbox.settle()


async def _load(
    run: Measured, order: Order, workers: Sequence[KeptWorker], sampling: Sampling
) -> None:
    """Send as ordered; look on and restart meanwhile, from the first report on."""
    async with driver(order) as reports:
        first = await anext(reports)
        run.began = time.time() - first.seconds
        run.reports.append(first)
        async with _beside(sampling.go_on(), _restart(workers, order.seconds)):
            async for report in reports:
                run.reports.append(report)
        await sampling.take()


async def _restart(workers: Sequence[KeptWorker], seconds: float) -> None:
    began = time.monotonic()
    for number, (which, how) in enumerate(RESTARTS, start=1):
        due = began + seconds * number / (len(RESTARTS) + 1)
        await asyncio.sleep(due - time.monotonic())
        workers[which].tell(how)


async def _drained(run: Measured, workers: Sequence[KeptWorker]) -> None:
    """Wait until all is answered and committed, or nobody waits any longer; the sums will tell."""
    deadline = time.monotonic() + DRAIN_PATIENCE
    while time.monotonic() < deadline:
        await asyncio.sleep(DRAIN_POLL)
        lags = [lag_by_topic(await asyncio.to_thread(scrape, worker.port)) for worker in workers]
        answered = run.waits.events >= run.acknowledged and not run.waits.unanswered
        if answered and all(lag and not any(lag.values()) for lag in lags):
            return


@asynccontextmanager
async def _beside(*errands: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run these while the block lasts; one that fails ends the block with its error."""
    try:
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(errand) for errand in errands]
            yield
            for task in running:
                task.cancel()
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
