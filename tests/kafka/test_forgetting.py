"""Forgetting on Apache Kafka: what its cleaner leaves, until when, and that then all is gone."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from agents.leftovers import search_folder
from agents.mentions import Name
from agents.settings import Settings
from benchmarks.apache_kafka import ApacheKafka
from streams import topics
from streams.events import Interaction, encode_event
from streams.kafka import (
    Broker,
    check_topics,
    cluster_id,
    declare_topics,
    partition_of,
    topic_settings,
)
from streams.topics import Topic, Topics
from tests.support.processes import Program, WorkerProgram
from tests.support.wire import first, send

pytestmark = pytest.mark.kafka

COMPACTED = (topics.PROFILES, topics.RECOMMENDATIONS)
PREFIX = "forgetting."
NAMES = Topics(prefix=PREFIX, partitions=4)
NEIGHBOURS = [
    user
    for user in (f"neighbour-{n}" for n in range(200))
    if partition_of(user.encode(), 4) == partition_of(b"ann", 4)
]
"""Users of ann's partition."""


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


async def change(broker: Broker, topic: Topic, **settings: str) -> None:
    """Set a topic to something else; what is not named is as in the table."""
    changed = {**topic.config(), **{k.replace("_", "."): v for k, v in settings.items()}}
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    try:
        resource = ConfigResource(ConfigResourceType.TOPIC, NAMES.name(topic), configs=changed)
        await admin.alter_configs([resource])
    finally:
        await admin.close()


def click(user: str, item: str) -> tuple[bytes, bytes]:
    event = Interaction(user_id=user, item_id=item, action="click", at=time.time())
    return user.encode(), encode_event(event)


def forget(settings: Mapping[str, str], log: Path, *arguments: str) -> dict[str, Any]:
    log.unlink(missing_ok=True)
    with Program("forget", *arguments, "--json", settings=settings, log=log) as program:
        code = program.wait()
    text = log.read_text()
    assert code == 0, text
    return {place["place"].removeprefix(PREFIX): place for place in json.loads(text)["places"]}


async def test_kafka_takes_the_table_and_a_longer_time_is_a_difference(broker: Broker) -> None:
    names = dict(NAMES)
    assert await check_topics(broker, names, partitions=4, upkeep=True) == []
    found = await topic_settings(broker, [NAMES.name(topics.PROFILES)])
    assert found[NAMES.name(topics.PROFILES)]["max.compaction.lag.ms"] == "86400000"
    await change(broker, topics.PROFILES, max_compaction_lag_ms="86400001")
    deadline = time.monotonic() + 10  # the broker takes a moment to tell what it was told
    while not (found_lines := await check_topics(broker, names, partitions=4, upkeep=True)):
        assert time.monotonic() < deadline
    (line,) = found_lines
    assert "max.compaction.lag.ms 86400001, expected at most 86400000" in line
    assert await check_topics(broker, names, partitions=4) == []
    await change(broker, topics.PROFILES)


@pytest.mark.timeout(300)
async def test_a_forgotten_user_is_only_in_the_log_and_then_not_in_the_compacted_topics(
    broker: Broker, settings: Mapping[str, str], tmp_path: Path
) -> None:
    log, items = tmp_path / "forget.log", (f"item-{n}" for n in count())
    own = Settings(topic_prefix=PREFIX, state_dir=Path(settings["HEADWATER_STATE_DIR"])).state_of(
        await cluster_id(broker)
    )

    def in_files() -> int:
        return search_folder(own.parent, own, Name("ann"), longer=[b"joann"])[0].held

    with WorkerProgram(
        settings=settings, log=tmp_path / "worker.log", roles="profiling,trending,recommending"
    ) as worker:
        worker.wait_ready()
        await make_known(broker, items)
        worker.wait_until(lambda: in_files() > 0, what="local copy of the profile")
        found = forget(settings, log, "ann")
        assert found["profiles"]["held_before_what"] == "a profile with 3 interactions"
        assert found["recommendations"]["held_before"] == 1
        assert in_files() == 0
        assert_only_the_log_has_it(found)

        await clean_often(broker)
        # A quiet partition is not cleaned: no record comes to begin a new file.
        await asyncio.sleep(20)
        found = forget(settings, log, "ann", "--verify")
        assert found["profiles"]["left"] >= 2

        deadline = time.monotonic() + 150
        while any(found[topic.name]["left"] for topic in COMPACTED):
            assert time.monotonic() < deadline, found
            await send(broker, NAMES.name(topics.EVENTS), click(NEIGHBOURS[0], next(items)))
            await asyncio.sleep(3)
            found = forget(settings, log, "ann", "--verify")
        assert found["events"]["left"] == 5
        assert forget_is_refused(settings, log, "joann")
    for topic in COMPACTED:
        await change(broker, topic)


async def make_known(broker: Broker, items: Iterator[str]) -> None:
    """Three clicks of ann's, of one of a longer name and of a neighbour, and ann's dead letter."""
    events = NAMES.name(topics.EVENTS)
    for user in ("ann", "joann", NEIGHBOURS[0]):
        await send(broker, events, *(click(user, next(items)) for _ in range(3)))
    await send(broker, events, (b"ann", b'{"user_id":"ann","kind":"no such"}'))
    await first(broker, NAMES.name(topics.DEAD_LETTERS), lambda r: r.key == b"ann")
    await first(broker, NAMES.name(topics.RECOMMENDATIONS), lambda r: r.key == b"ann")


def assert_only_the_log_has_it(found: Mapping[str, Mapping[str, Any]]) -> None:
    assert not any(place["held"] for place in found.values())
    assert found["events"]["left"] == 5  # three clicks, what was refused, the wish
    assert found["events"]["left_goes"].startswith("never: retention.ms is -1")
    assert found["dead-letters"]["left"] == 1
    assert found["dead-letters"]["left_goes"].startswith("by ")
    assert found["profiles"]["left"] >= 2
    assert found["profiles"]["left_removals"] == 1
    assert "max.compaction.lag.ms 24 h" in found["profiles"]["left_goes"]
    assert found["recommendations"]["left_removals"] == 1
    for name in ("co-visits", "item-trends", "item-vectors", "items"):
        assert (found[name]["held"], found[name]["left"]) == (0, 0)


async def clean_often(broker: Broker) -> None:
    """Twice a second instead of once a day."""
    often = {"segment_ms": "500", "max_compaction_lag_ms": "500", "delete_retention_ms": "100"}
    for topic in COMPACTED:
        await change(broker, topic, **often)


def forget_is_refused(settings: Mapping[str, str], log: Path, user: str) -> bool:
    """Is somebody still known?"""
    with Program("forget", user, "--verify", "--json", settings=settings, log=log) as program:
        return program.wait() == 1
