"""Two workers on Apache Kafka, one of them dying: no event lost, none counted twice."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from agents.settings import DEFAULT_GAINS
from benchmarks.apache_kafka import ApacheKafka
from indexes.embedding import DIM, fingerprint
from slates.slate import decode_slate
from streams import profiles, topics, trends
from streams.events import Gains, Interaction, decode_event, encode_event
from streams.items import ItemFacts
from streams.kafka import Broker, Outbox, Record, declare_topics
from streams.profiles import Profile, decode_profile
from streams.topics import Topics
from streams.trends import CoVisit, Trend, decode_trend
from streams.vectors import VectorRecord, encode_vector
from tests.support.processes import WorkerProgram, wait_until
from tests.support.wire import everything, send

pytestmark = pytest.mark.kafka

USERS, ITEMS, EVENTS, RATE = 40, 60, 2_400, 300.0
GAINS = Gains(DEFAULT_GAINS)
HALF_LIFE = 7 * trends.DAY
ROLES = "profiling,trending,recommending"
"""Without the encoder a worker starts in three seconds."""

Ending = Callable[[WorkerProgram], object]


def _names(prefix: str) -> dict[str, str]:
    return {topic.name: Topics(prefix, 4).name(topic) for topic in topics.ALL}


async def _announce(broker: Broker, topic: str) -> None:
    rows = np.random.default_rng(1).standard_normal((ITEMS, DIM)).astype(np.float16)
    records = (
        VectorRecord(fingerprint(), b"0" * 16, row, ItemFacts(f"Item {n}"), 0, n, 0.0)
        for n, row in enumerate(rows)
    )
    await send(
        broker, topic, *((f"item-{n}".encode(), encode_vector(r)) for n, r in enumerate(records))
    )


async def _drive(broker: Broker, topic: str, *, halfway: Callable[[], object]) -> None:
    """A steady stream of events, and something happening in the middle of it."""
    rng = random.Random(1)
    outbox = Outbox(broker)
    await outbox.start()
    began = time.monotonic()
    for n in range(EVENTS):
        if n == EVENTS // 2:
            await asyncio.to_thread(halfway)
        event = Interaction(
            user_id=f"user-{rng.randrange(USERS)}",
            item_id=f"item-{rng.randrange(ITEMS)}",
            action=rng.choice(("view", "click", "like", "skip")),
            at=1_700_000_000.0 + rng.randrange(1_000_000),
        )
        await outbox.post(topic, key=event.user_id.encode(), value=encode_event(event))
        await asyncio.sleep(max(began + n / RATE - time.monotonic(), 0))
    await outbox.settle()
    await outbox.stop()


def _expected(events: list[Record]) -> tuple[dict[str, Profile], dict[str, Trend]]:
    """The folds in plain Python, over the log in its order."""
    wanted_profiles: dict[str, Profile] = {}
    wanted_trends: dict[str, Trend] = {}
    for record in sorted(events, key=lambda r: (r.partition, r.offset)):
        event = decode_event(
            record.key, record.value, gains=GAINS, received_at=record.received_at, max_ahead=9e9
        )
        assert isinstance(event, Interaction)
        before = wanted_profiles.get(event.user_id, Profile())
        visit = CoVisit(
            at=event.at or 0.0,
            gain=GAINS.of(event),
            first=event.item_id not in before.seen,
            partition=record.partition,
            offset=record.offset,
        )
        after = profiles.fold(
            before, event, gains=GAINS, partition=record.partition, offset=record.offset
        )
        assert after is not None
        wanted_profiles[event.user_id] = after
        trend = wanted_trends.get(event.item_id, Trend())
        wanted_trends[event.item_id] = trends.fold(trend, visit, half_life=HALF_LIFE)
    return wanted_profiles, wanted_trends


def _newest(records: list[Record]) -> Mapping[str, bytes]:
    return {(r.key or b"").decode(): r.value for r in records if r.value is not None}


async def _wait_until_folded(broker: Broker, names: Mapping[str, str]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        events = await everything(broker, names["events"])
        answered = await _answered(broker, names)
        seen = sum(
            t.interactions
            for t in map(
                decode_trend, _newest(await everything(broker, names["item-trends"])).values()
            )
        )
        if len(answered) >= len(events) and seen >= len(events):
            return
        await asyncio.sleep(1.0)
    pytest.fail(f"{len(events)} events, {len(answered)} answered, {seen} in trends after 60 s")


async def _answered(broker: Broker, names: Mapping[str, str]) -> set[str]:
    """The events that have a slate, or a newer event's slate."""
    slates = await everything(broker, names["recommendations"])
    return {i for r in slates if r.value is not None for i in decode_slate(r.value).answers}


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "ending",
    [WorkerProgram.kill, WorkerProgram.end],
    ids=["killed", "stopped"],
)
async def test_every_event_counts_exactly_once_when_a_worker_ends(
    kafka: ApacheKafka, tmp_path: Path, ending: Ending
) -> None:
    prefix = f"{ending.__name__}."
    broker, names = Broker(kafka.bootstrap), _names(prefix)
    await declare_topics(broker, dict(Topics(prefix, 4)), partitions=4, replication=1)
    await _announce(broker, names["item-vectors"])

    def start(name: str) -> WorkerProgram:
        settings = {
            "HEADWATER_BROKER": kafka.bootstrap,
            "HEADWATER_TOPIC_PREFIX": prefix,
            "HEADWATER_STATE_DIR": str(tmp_path / name),
            "HEADWATER_SESSION_TIMEOUT": "6",
        }
        return WorkerProgram(settings=settings, log=tmp_path / f"{name}.log", roles=ROLES)

    with start("one") as one, start("two") as two:
        one.wait_ready()
        two.wait_ready()
        wait_until(
            lambda: all(w.figures().total("headwater_replica_ready") == 2 for w in (one, two)),
            what="two ready workers",
        )
        await _drive(broker, names["events"], halfway=lambda: ending(one))
        await _wait_until_folded(broker, names)
        assert two.process.poll() is None, two.log.read_text()
        assert two.figures().total("headwater_events_folded_total") > 0

    events = await everything(broker, names["events"])
    assert len(events) == EVENTS
    wanted_profiles, wanted_trends = _expected(events)
    found = _newest(await everything(broker, names["profiles"]))
    assert {user: decode_profile(value) for user, value in found.items()} == wanted_profiles
    trend_values = _newest(await everything(broker, names["item-trends"]))
    found_trends = {item: decode_trend(value) for item, value in trend_values.items()}
    assert {i: (t.interactions, t.supporters, t.days) for i, t in found_trends.items()} == {
        i: (t.interactions, t.supporters, t.days) for i, t in wanted_trends.items()
    }
    assert await _answered(broker, names) == {f"{r.topic}-{r.partition}-{r.offset}" for r in events}
    assert not await everything(broker, names["dead-letters"])
