"""Verifying on Apache Kafka: trends in a group of their own, and a log that lost its beginning."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from benchmarks.apache_kafka import ApacheKafka
from streams import topics
from streams.events import Interaction, encode_event
from streams.kafka import Broker, LogReader, declare_topics
from streams.topics import Topics
from tests.support.processes import Program, WorkerProgram
from tests.support.wire import send

pytestmark = pytest.mark.kafka

PREFIX = "replaying."
NAMES = Topics(prefix=PREFIX, partitions=4)


@pytest.fixture
async def broker(kafka: ApacheKafka) -> Broker:
    """With topics as the table has them."""
    found = Broker(kafka.bootstrap)
    await declare_topics(found, dict(NAMES), partitions=4, replication=1)
    return found


@pytest.fixture
def settings(kafka: ApacheKafka, tmp_path: Path) -> Mapping[str, str]:
    return {
        "HEADWATER_BROKER": kafka.bootstrap,
        "HEADWATER_TOPIC_PREFIX": PREFIX,
        "HEADWATER_STATE_DIR": str(tmp_path / "state"),
        "HEADWATER_COMMIT_INTERVAL": "0.2",
    }


async def click(broker: Broker, *users: str, item: str) -> None:
    """One event of each user."""
    events = [
        Interaction(user_id=user, item_id=item, action="click", at=time.time()) for user in users
    ]
    pairs = [(event.user_id.encode(), encode_event(event)) for event in events]
    await send(broker, NAMES.name(topics.EVENTS), *pairs)


def replay(settings: Mapping[str, str], log: Path, *arguments: str) -> dict[str, Any]:
    log.unlink(missing_ok=True)
    with Program("replay", *arguments, "--json", settings=settings, log=log) as program:
        code = program.process.wait(90)
    text = log.read_text()
    assert code == 0, text
    found: dict[str, Any] = json.loads(text)
    return found


async def cut(broker: Broker) -> None:
    """As retention does, everything that is on `events` now."""
    name = NAMES.name(topics.EVENTS)
    reader = LogReader(broker, name)
    await reader.start()
    await reader.stop()
    gone = {TopicPartition(name, p): RecordsToDelete(end) for p, end in reader.ends.items()}
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    try:
        await admin.delete_records(gone)
    finally:
        await admin.close()


@pytest.mark.timeout(240)
async def test_what_the_log_has_lost_is_older_and_all_that_came_since_is_compared(
    broker: Broker, settings: Mapping[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "replay.log"
    old = [f"old-{n}" for n in range(20)]
    new = [f"new-{n}" for n in range(20)]
    with (
        WorkerProgram(
            settings=settings, log=tmp_path / "profiles.log", roles="profiling,recommending"
        ) as profiles,
        WorkerProgram(settings=settings, log=tmp_path / "trends.log", roles="trending") as trends,
    ):
        profiles.wait_ready()
        trends.wait_ready()
        await click(broker, *old, item="kept")
        await click(broker, *old, item="lost")
        found = await asyncio.to_thread(replay, settings, log, "--verify")
        assert found["verify"]["trends_settled"]
        assert (found["events"], found["verify"]["older"]) == (40, [])

        await cut(broker)
        between = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
        await asyncio.sleep(2)
        await click(broker, *new, item="kept")
        await click(broker, *new, item="fresh")
        await click(broker, old[0], item="fresh")
        deadline = time.monotonic() + 60
        while found["verify"]["uncommitted"] or found["events"] < 41:
            assert time.monotonic() < deadline, found
            found = await asyncio.to_thread(replay, settings, log, "--verify")
        assert found["events"] == 41
        assert {of["key"] for of in found["verify"]["older"]} == {*old, "kept", "lost"}
        assert found["verify"]["compared"] == {
            NAMES.name(topics.PROFILES): 20,
            NAMES.name(topics.ITEM_TRENDS): 1,
        }
        assert replay_from(settings, log, between) == found["events"]


def replay_from(settings: Mapping[str, str], log: Path, moment: str) -> int:
    """How many events were received since then."""
    return int(replay(settings, log, "--from", moment)["events"])
