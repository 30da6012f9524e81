"""Who else may be in a worker's consumer group, and what becomes of those who may not."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka.errors import InconsistentGroupProtocolError

from agents.consuming import EXIT_SETUP
from benchmarks.apache_kafka import ApacheKafka
from streams import topics
from streams.kafka import Broker
from tests.support.admin import commit, foreign_member
from tests.support.drills import PARTITIONS, Drill
from tests.support.processes import wait_until
from tests.support.supervising import Supervised

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def drill(kafka: ApacheKafka, tmp_path: Path) -> AsyncIterator[Drill]:
    broker = Broker(kafka.bootstrap)
    async with Drill(broker, prefix=f"{uuid4().hex[:6]}.", folder=tmp_path) as drill:
        await drill.declare()
        await drill.announce(100)
        yield drill


def group(drill: Drill) -> str:
    return f"{drill.names.prefix}headwater"


@contextmanager
def another_app(drill: Drill, folder: Path) -> Iterator[Path]:
    """A Faust application that reads `events` in the group, and what it has printed."""
    out = folder / "another.out"
    events = drill.name(topics.EVENTS)
    command = [sys.executable, "-m", "tests.support.foreign_app"]
    with out.open("wb") as file:
        arguments = [drill.broker.bootstrap, group(drill), events, str(folder / "another")]
        process = subprocess.Popen(command + arguments, stdout=file, stderr=file, cwd=ROOT)
    try:
        wait_until(lambda: "joined" in out.read_text(), what="another member")
        yield out
    finally:
        process.kill()
        process.wait()


async def ends(worker: Supervised) -> int:
    """How the worker ends."""
    await asyncio.to_thread(wait_until, lambda: bool(worker.exits), what="end", patience=20)
    return worker.exits[0]


async def test_a_worker_does_not_join_a_group_of_somebody_else(drill: Drill) -> None:
    events = drill.name(topics.EVENTS)
    async with foreign_member(drill.broker, group(drill), events) as other:
        while not other.assignment():
            await asyncio.sleep(0.1)
        assert await ends(drill.worker("one")) == EXIT_SETUP
    said = drill.log_of("one").read_text()
    assert (
        f"group '{group(drill)}' is in use by somebody-else at 127.0.0.1 "
        f"(reads {events}, divides by roundrobin); this worker reads "
    ) in said
    assert "set another HEADWATER_TOPIC_PREFIX" in said
    assert "Traceback" not in said


async def test_a_consumer_that_comes_later_is_turned_away_and_the_worker_goes_on(
    drill: Drill,
) -> None:
    await drill.ready("one")
    with pytest.raises(InconsistentGroupProtocolError):
        async with foreign_member(drill.broker, group(drill), drill.name(topics.EVENTS)):
            pass
    await drill.stream(rate=50, seconds=2)
    outcome = await drill.finish()
    assert not outcome.damage
    assert not outcome.exits


async def test_another_faust_application_is_given_no_event_and_is_named(
    drill: Drill, tmp_path: Path
) -> None:
    await drill.ready("one")
    with another_app(drill, tmp_path) as out:
        await drill.stream(rate=50, seconds=4)
        outcome = await drill.finish()
    assert not outcome.damage
    assert not outcome.exits
    assert "was given one" not in out.read_text()
    said = drill.log_of("one").read_text()
    assert (f"billing at 127.0.0.1 (reads {drill.name(topics.EVENTS)}, divides by faust)") in said
    assert "they were given none of these topics" in said


async def test_a_worker_does_not_join_another_faust_application_and_what_that_read_can_be_read(
    drill: Drill, tmp_path: Path
) -> None:
    events = drill.name(topics.EVENTS)
    with another_app(drill, tmp_path) as out:
        await drill.stream(rate=50, seconds=2)
        wait_until(lambda: out.read_text().count("was given one") == 100, what="a hundred read")
        worker = drill.worker("one")
        assert await ends(worker) == EXIT_SETUP
        worker.lose()
    said = drill.log_of("one").read_text()
    assert "is in use by billing at 127.0.0.1" in said
    assert f"--to-datetime … --execute --group {group(drill)} --topic {events}" in said
    await commit(drill.broker, group(drill), events, dict.fromkeys(range(PARTITIONS), 0))
    await drill.ready("two")
    outcome = await drill.finish()
    assert outcome.events == 100
    assert not outcome.damage


async def test_a_worker_with_other_roles_does_not_join(drill: Drill) -> None:
    await drill.ready("one")
    two = drill.worker("two", roles="profiling,recommending")
    assert await ends(two) == EXIT_SETUP
    assert "give all of them the same --roles" in drill.log_of("two").read_text()
    await drill.stream(rate=50, seconds=2)
    two.lose()
    outcome = await drill.finish()
    assert not outcome.damage
