"""Topics that are changed under a worker: it says what to do, and what it says is enough."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from agents.consuming import EXIT_SETUP
from benchmarks.apache_kafka import ApacheKafka
from streams import topics
from streams.kafka import Broker, LogReader, Outbox
from streams.profiles import decode_profile
from streams.topics import Topic
from tests.support.admin import add_partitions, commit, delete_records, delete_topics
from tests.support.drills import PARTITIONS, Drill
from tests.support.processes import wait_until
from tests.support.streaming import drive
from tests.support.supervising import Supervised
from tests.support.wire import everything

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

MORE = 6
"""Partitions, where 4 are expected."""


@pytest.fixture
async def drill(kafka: ApacheKafka, tmp_path: Path) -> AsyncIterator[Drill]:
    broker = Broker(kafka.bootstrap)
    async with Drill(broker, prefix=f"{uuid4().hex[:6]}.", folder=tmp_path) as drill:
        await drill.declare()
        await drill.announce(100)
        yield drill


async def ends_twice(worker: Supervised) -> set[int]:
    """How the worker ends, and how it does when it is started again."""
    await asyncio.to_thread(wait_until, lambda: len(worker.exits) > 1, what="ends", patience=30)
    worker.lose()
    return set(worker.exits)


def words(drill: Drill, begin: str) -> list[str]:
    """Different lines of the worker's log from there on, without what stands before."""
    lines = drill.log_of("one").read_text().splitlines()
    return list(dict.fromkeys(line[line.index(begin) :] for line in lines if begin in line))


# -- partitions added


@pytest.mark.parametrize("topic", [topics.EVENTS, topics.PROFILES], ids=lambda t: t.name)
async def test_partitions_added_end_the_worker_for_good(drill: Drill, topic: Topic) -> None:
    worker = await drill.ready("one")
    await drill.stream(rate=50, seconds=1)
    await add_partitions(drill.broker, drill.name(topic), MORE)
    assert await ends_twice(worker) == {EXIT_SETUP}
    said = words(drill, f"topic '{drill.name(topic)}' has {MORE} partitions, expected {PARTITIONS}")
    assert {line.removesuffix("; nothing after it was committed") for line in said} == {
        said[-1]
    }  # the words of the start are those of the end
    assert "Kafka cannot take them away" in said[0]


async def test_no_event_of_an_added_partition_is_folded(drill: Drill) -> None:
    worker = await drill.ready("one")
    await drill.stream(rate=50, seconds=1)
    await add_partitions(drill.broker, drill.name(topics.EVENTS), MORE)
    await drill.stream(rate=50, seconds=2)  # its producer knows of the new ones
    await ends_twice(worker)
    profiles = [
        decode_profile(record.value)
        for record in await everything(drill.broker, drill.name(topics.PROFILES))
        if record.value is not None
    ]
    assert {profile.partition for profile in profiles} <= set(range(PARTITIONS))


async def test_a_log_copied_by_key_and_time_to_another_prefix_is_folded_whole(
    drill: Drill, tmp_path: Path
) -> None:
    """As the message says."""
    worker = await drill.ready("one")
    await drill.stream(rate=50, seconds=1)
    await add_partitions(drill.broker, drill.name(topics.EVENTS), MORE)
    await drill.stream(rate=50, seconds=2)
    await ends_twice(worker)
    folder = tmp_path / "moved"
    folder.mkdir()
    prefix = f"moved-{drill.names.prefix}"
    async with Drill(drill.broker, prefix=prefix, folder=folder) as moved:
        await moved.declare()
        await moved.announce(100)
        await copy(drill, moved)
        await moved.ready("two")
        outcome = await moved.finish()
    assert outcome.events == 150
    assert not outcome.damage
    assert max(len(places) for places in places_of_users(moved).values()) == 1


async def copy(old: Drill, new: Drill) -> None:
    """The events of all partitions, in the order of their time."""
    records = await everything(old.broker, old.name(topics.EVENTS))
    outbox = Outbox(new.broker)
    await outbox.start()
    for record in sorted(records, key=lambda record: record.received_at):
        await outbox.post(new.name(topics.EVENTS), key=record.key, value=record.value)
    await outbox.settle()
    await outbox.stop()


def places_of_users(drill: Drill) -> dict[str, set[int]]:
    places: dict[str, set[int]] = {}
    for asked in drill.ledger.asked.values():
        places.setdefault(asked.event.user_id, set()).add(asked.partition)
    return places


# -- logs that are others, or shorter


async def test_a_log_made_anew_under_a_worker_is_not_taken_for_repeats(drill: Drill) -> None:
    worker = await drill.ready("one")
    await drill.stream(rate=50, seconds=3)
    events = drill.name(topics.EVENTS)
    await delete_topics(drill.broker, events)
    await drill.declare()
    await drive(drill.broker, events, rate=50, seconds=1)
    assert await ends_twice(worker) == {EXIT_SETUP}
    said = words(drill, f"{events}-0 ends at ")
    group = f"{drill.names.prefix}headwater"
    assert f", {drill.name(topics.PROFILES)}-0 contains its offset " in said[-1]
    assert all("the topic was deleted and made anew, or has lost its end" in x for x in said)
    assert f"--to-earliest --execute --group {group} --topic {events}, and start" in said[0]

    made = (topics.PROFILES, topics.ITEM_TRENDS, topics.CO_VISITS)
    await delete_topics(drill.broker, *map(drill.name, made))  # as the message says
    # Slates of the former log have the ids of the new one's events, and are no repeats of theirs.
    await delete_topics(drill.broker, drill.name(topics.RECOMMENDATIONS))
    await drill.declare()
    await commit(drill.broker, group, events, dict.fromkeys(range(PARTITIONS), 0))
    await drill.ready("two")
    outcome = await drill.finish()
    assert outcome.events == 50
    assert not outcome.damage


async def test_a_commit_beyond_the_end_of_the_log_is_named_and_nothing_is_read(
    drill: Drill,
) -> None:
    requests, group = drill.name(topics.SLATE_REQUESTS), f"{drill.names.prefix}headwater"
    await commit(drill.broker, group, requests, {2: 9})
    assert await ends_twice(drill.worker("one")) == {EXIT_SETUP}
    (said,) = words(drill, f"{requests}-2 ends at 0, offset 9 was to be read next: ")
    assert "or stop all workers, kafka-consumer-groups.sh" in said
    assert f"--to-earliest --execute --group {group} --topic {requests}, and start" in said
    await commit(drill.broker, group, requests, {2: 0})  # as the message says
    await drill.ready("two")


async def test_what_retention_took_is_counted_and_the_rest_is_folded(drill: Drill) -> None:
    worker = await drill.ready("one")
    await drill.stream(rate=50, seconds=1)
    await asyncio.sleep(4)
    worker.stop()
    await drill.stream(rate=50, seconds=2)
    events = drill.name(topics.EVENTS)
    reader = LogReader(drill.broker, events)
    await reader.start()
    await reader.stop()
    before = {partition: end - 1 for partition, end in reader.ends.items()}
    await delete_records(drill.broker, events, before)
    again = await drill.ready("two")
    wait_until(
        lambda: again.figures().total("headwater_events_folded_total") == PARTITIONS,
        what="what is left",
    )
    said = drill.log_of("two").read_text()
    assert f"but the log begins at {before[0]}: " in said
    assert "lengthen the topic's retention" in said
