"""
How many events a second become durable profiles, beside what else could have been written.

All contenders read the same log of events with the same fold: our worker, a plain Faust table
agent, a loop written by hand for nothing else (the ceiling), and a loop that only reads.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from agents.commands.processes import free_port
from agents.scraping import is_ready, scrape
from agents.settings import Settings
from streams import topics
from streams.events import Gains, Interaction, decode_event, encode_event
from streams.kafka import Broker, LogReader, Outbox, Record, declare_topics
from streams.profiles import Profile, encode_profile, fold
from streams.topics import Topic, Topics

EVENTS = 60_000
USERS = 2_000
ITEMS = 10_000
PLAIN_GROUP = "bench-plain"
PLAIN_TABLE = "profiles"
PLAIN_EVENTS = "plain.events"
FLUSH_EVERY = 5_000
"""Events between two writes of the loop by hand; our worker writes every second."""
PLAIN_SECONDS = 40.0
"""Plain Faust is slow, and sometimes loses events on the way, so that it is never done."""
PATIENCE = 120.0
"""Seconds after which a contender is given up."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One contender's."""

    what: str
    events: float
    """Per second."""


async def measure(broker: Broker) -> list[Rate]:
    """All contenders, one after another, each on a log of its own with the same events."""
    return [
        Rate(
            "Headwater: profile, changelog, a co-visit per event",
            await _worker(broker, "folding.", slate_per_event=False),
        ),
        Rate(
            "Headwater: the same and a slate request per event",
            await _worker(broker, "asking.", slate_per_event=True),
        ),
        Rate("a plain Faust table agent: profile, changelog", await _plain_faust(broker)),
        Rate("a loop by hand: profile, changelog", await _by_hand(broker)),
        Rate("a loop that only reads", await _only_read(broker)),
    ]


async def _fill(broker: Broker, topic: str) -> None:
    rng = random.Random(1)
    outbox = Outbox(broker)
    await outbox.start()
    for n in range(EVENTS):
        event = Interaction(
            user_id=f"bench-{n % USERS}",
            item_id=str(rng.randrange(ITEMS)),
            action=rng.choice(("click", "like", "view")),
            at=time.time(),
        )
        await outbox.post(topic, key=event.user_id.encode(), value=encode_event(event))
    await outbox.stop()


async def _worker(broker: Broker, prefix: str, *, slate_per_event: bool) -> float:
    """A worker with a backlog, from the first second in which it folds to the last event."""
    names = Topics(prefix, 4)
    await declare_topics(broker, dict(names), partitions=4, replication=1)
    await _fill(broker, names.name(topics.EVENTS))
    port = free_port(0)
    settings = {
        "HEADWATER_BROKER": broker.bootstrap,
        "HEADWATER_TOPIC_PREFIX": prefix,
        "HEADWATER_STATE_DIR": tempfile.mkdtemp(),
        "HEADWATER_METRICS__PORT": str(port),
        "HEADWATER_SLATE_PER_EVENT": str(slate_per_event),
    }
    child = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs meanwhile
        [sys.executable, "-m", "agents", "worker", "--roles", "profiling,recommending"],
        env={**os.environ, **settings},
        stderr=subprocess.DEVNULL,
    )
    try:
        return await _folding_rate(port)
    finally:
        child.terminate()
        child.wait(30)


async def _folding_rate(port: int) -> float:
    while not is_ready(port):
        await asyncio.sleep(0.02)
    seen: list[tuple[float, float]] = []
    until = time.perf_counter() + PATIENCE
    while (not seen or seen[-1][1] < EVENTS) and time.perf_counter() < until:
        folded = scrape(port).total("headwater_events_folded_total")
        seen.append((time.perf_counter(), folded))
        await asyncio.sleep(0.2)
    first = next(moment for moment in seen if moment[1])
    last = next(moment for moment in seen if moment[1] == seen[-1][1])
    return (last[1] - first[1]) / (last[0] - first[0])


async def _plain_faust(broker: Broker) -> float:
    changelog = f"{PLAIN_GROUP}-{PLAIN_TABLE}-changelog"
    plain = {
        PLAIN_EVENTS: topics.EVENTS,
        changelog: Topic(changelog, "user", "profiles of plain Faust", compact=True),
    }
    await declare_topics(broker, plain, partitions=4, replication=1)
    await _fill(broker, PLAIN_EVENTS)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.plain_faust", broker.bootstrap,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert child.stdout is not None
    count, seconds = 0, 1.0
    try:
        async with asyncio.timeout(PLAIN_SECONDS):
            while count < EVENTS:
                line = await child.stdout.readline()
                done, took = re.findall(rb"[\d.]+", line)[-2:]  # Faust also writes to the terminal
                count, seconds = int(done), float(took)
    except TimeoutError:
        pass
    finally:
        child.kill()
        await child.wait()
    return count / seconds


async def _by_hand(broker: Broker) -> float:
    names = Topics("hand.", 4)
    await declare_topics(broker, dict(names), partitions=4, replication=1)
    await _fill(broker, names.name(topics.EVENTS))
    reader, outbox = LogReader(broker, names.name(topics.EVENTS)), Outbox(broker)
    await reader.start()
    await outbox.start()
    gains = Settings().gains()
    profiles: dict[bytes | None, Profile] = {}
    dirty: dict[int, dict[bytes, Profile]] = {}
    began, unwritten = time.perf_counter(), 0
    while reader.behind:
        for record in await reader.read(wait=0.1, most=FLUSH_EVERY):
            after = fold_record(record, profiles.get(record.key, Profile()), gains)
            profiles[record.key] = after
            dirty.setdefault(record.partition, {})[record.key or b""] = after
            unwritten += 1
        if unwritten >= FLUSH_EVERY or not reader.behind:
            for partition, changes in dirty.items():
                written = [(key, encode_profile(profile)) for key, profile in changes.items()]
                await outbox.post_many(names.name(topics.PROFILES), partition, written)
            await outbox.settle()
            dirty, unwritten = {}, 0
    took = time.perf_counter() - began
    await reader.stop()
    await outbox.stop()
    return EVENTS / took


async def _only_read(broker: Broker) -> float:
    reader = LogReader(broker, PLAIN_EVENTS)
    await reader.start()
    began = time.perf_counter()
    while reader.behind:
        await reader.read(wait=0.1)
    took = time.perf_counter() - began
    await reader.stop()
    return EVENTS / took


def fold_record(record: Record, before: Profile, gains: Gains) -> Profile:
    """What all contenders do with an event."""
    event = decode_event(
        record.key, record.value, gains=gains, received_at=record.received_at, max_ahead=9e9
    )
    after = fold(before, event, gains=gains, partition=record.partition, offset=record.offset)
    return Profile() if after is None else after
