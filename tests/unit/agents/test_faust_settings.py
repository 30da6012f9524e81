"""
What a worker asks of Faust, setting by setting: each keeps one of its traps out of reach.

Nothing is started and nobody is listening; every part is the one that a worker would run with.
"""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
import uvloop
from faust.types import TP

from agents.app import Worker
from agents.commands.surroundings import new_loop
from agents.keeping import Keeping
from agents.metrics import Metrics
from agents.roles import ROLES
from agents.safety import version
from agents.safety.recovery import SafeTableManager
from agents.settings import IndexSettings, Settings
from agents.snapshotting import Snapshotting
from agents.testing import SmallEnd, SmallOutbox, WorkerEnded
from streams.embedded import EmbeddedBroker
from streams.errors import MembershipLost, SetupError
from streams.kafka import Broker
from streams.topics import Topics

NOBODY = Broker("127.0.0.1:1", fetch_wait=0.05)
"""Port 1 is never listened to."""
PATIENCE = 5.0
PATIENCE_TO_START = 30.0
SOURCES = {
    "profiling": "shop.events",
    "trending": "shop.co-visits",
    "learning": "shop.lessons",
    "cataloguing": "shop.items",
    "recommending": "shop.slate-requests",
    "refining": "shop.slate-drafts",
}


def worker_in(
    folder: Path, *, fatal: SmallEnd | None = None, roles: Sequence[str] = ROLES
) -> Worker:
    metrics = Metrics()
    return Worker(
        Settings(
            topic_prefix="shop.",
            state_dir=folder,
            session_timeout=timedelta(seconds=10),
            index=IndexSettings(kind="exact"),
        ),
        NOBODY,
        snapshots=Snapshotting(folder / "item-vectors", every=30.0, metrics=metrics),
        keeping=Keeping(folder / "tables", metrics=metrics),
        metrics=metrics,
        roles=roles,
        fatal=fatal or SmallEnd(),
    )


@pytest.fixture
def ended() -> SmallEnd:
    return SmallEnd()


@pytest.fixture
async def worker(tmp_path: Path, ended: SmallEnd) -> Worker:
    return worker_in(tmp_path, fatal=ended)


@pytest.fixture
async def fetching(worker: Worker) -> AsyncIterator[Any]:
    """The consumer of aiokafka that the worker would read with."""
    consumer = worker.app.consumer
    made = consumer._thread._create_worker_consumer(consumer.transport)
    yield made
    await made.stop()


# -- before anything


@pytest.mark.parametrize("found", ["0.15.2", "0.15.4"])
async def test_a_worker_is_not_made_on_a_faust_that_the_mends_were_not_proven_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: str
) -> None:
    monkeypatch.setattr(version, "version", lambda _: found)
    with pytest.raises(SetupError, match=f"faust-streaming {found} is installed"):
        worker_in(tmp_path)


WRONG = {
    "missing": (None, "topic 'co-visits' is missing"),
    "too few partitions": (3, "topic 'co-visits' has 3 partitions, expected 4"),
}


@pytest.mark.parametrize(("partitions", "said"), WRONG.values(), ids=WRONG)
def test_a_worker_does_not_start_where_a_topic_is_not_as_it_should_be(
    tmp_path: Path, partitions: int | None, said: str
) -> None:
    """Faust logs it once, and then nothing is dealt with and nothing exits."""
    counts = {**Topics(prefix="", partitions=4).partition_counts(), "co-visits": partitions}
    with EmbeddedBroker() as broker:
        for name, count in counts.items():
            if count is not None:
                broker.declare(name, count)
        ours = {"HEADWATER_BROKER": broker.bootstrap, "HEADWATER_STATE_DIR": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-m", "agents", "worker"],
            env={**os.environ, **ours, "HEADWATER_METRICS__PORT": "0"},
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            timeout=PATIENCE_TO_START,
            check=False,
        )
    assert done.returncode == 2
    assert said in done.stderr


# -- topics


class Broadcasting:
    """Faust's producer and consumer, as far as they would make topics or ask for them."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.randomly_assigned_topics: set[str] = set()

    async def maybe_start(self) -> None:
        """There is nothing to connect to."""

    async def create_topic(self, *, topic: str, **_: Any) -> None:
        self.made.append(topic)


async def test_faust_makes_no_topics(worker: Worker) -> None:
    """They have settings of their own, and the embedded broker has no way to make any."""
    worker.app._producer = broadcasting = Broadcasting()
    for agent in worker.app.agents.values():
        await agent.channel.maybe_declare()
    assert broadcasting.made == []


async def test_faust_asks_for_no_topic_of_its_own(worker: Worker) -> None:
    """The topic of its leader exists nowhere, and the group would wait for it."""
    worker.app._producer = worker.app._consumer = broadcasting = Broadcasting()
    await worker.app._leader_assignor.on_start()
    assert broadcasting.randomly_assigned_topics == set()
    assert len(worker.app.topics) == 0


async def test_every_topic_is_asked_for_before_the_worker_starts(worker: Worker) -> None:
    """One that is asked for later waits 45 seconds for its first event."""
    reads = {name: agent.channel.topics for name, agent in worker.app.agents.items()}
    assert reads == {role: (SOURCES[role],) for role in ROLES}


# -- what agents are handed


class Unread:
    """A stream that ends at once; it can be read in no way but one event after another."""

    acknowledging = True
    """Does Faust acknowledge each event, also when the agent has failed?"""
    read_as: bool | None = None

    def noack(self) -> Self:
        self.acknowledging = False
        return self

    async def events(self) -> AsyncIterator[Any]:
        self.read_as = self.acknowledging
        for event in ():
            yield event


@pytest.mark.parametrize("role", ROLES)
async def test_an_agent_takes_one_event_after_another_and_acknowledges_it_itself(
    worker: Worker, role: str
) -> None:
    """`take` loses a whole batch for one event, and what Faust acknowledges may have failed."""
    stream = Unread()
    async with asyncio.timeout(PATIENCE):
        await worker.app.agents[role].fun(stream)
    assert stream.read_as is False


@pytest.mark.parametrize("role", ROLES)
async def test_an_agent_deals_with_one_event_at_a_time(worker: Worker, role: str) -> None:
    """Two at a time, and a commit passes the slower one."""
    agent = worker.app.agents[role]
    assert (agent.concurrency, agent.isolated_partitions) == (1, False)


RAW = {"bytes": (b"\xff", b"\x00{\xff"), "no value": (b"dune", None), "no key": (None, b"{")}


@pytest.mark.parametrize("raw", RAW.values(), ids=RAW)
@pytest.mark.parametrize("role", ROLES)
async def test_an_agent_is_handed_the_bytes_as_they_came(
    worker: Worker, role: str, raw: tuple[bytes | None, bytes | None]
) -> None:
    """What Faust cannot decode it acknowledges, and nobody ever sees it."""
    key, value = raw
    message = SimpleNamespace(
        topic=SOURCES[role], partition=0, offset=0, key=key, value=value, headers=None,
        timestamp=0.0, timestamp_type=0, tp=TP(SOURCES[role], 0), generation_id=0,
    )  # fmt: skip
    event = await worker.app.agents[role].channel.decode(message, propagate=True)
    assert (event.key, event.value) == (key, value)


# -- the group


async def test_a_silent_worker_is_missed_after_the_session_timeout(fetching: Any) -> None:
    """Faust would let a minute pass."""
    assert fetching._session_timeout_ms == 10_000
    assert fetching._heartbeat_interval_ms == 2_000


async def test_a_fetch_waits_as_long_as_the_broker_is_allowed_to(fetching: Any) -> None:
    assert fetching._fetch_max_wait_ms == 50


async def test_a_topic_made_anew_is_noticed_within_seconds(fetching: Any) -> None:
    assert fetching._client._metadata_max_age_ms == 10_000


async def test_what_is_delivered_in_one_go_fits_into_what_is_left_of_a_queue(
    worker: Worker, fetching: Any
) -> None:
    """Faust stops fetching a topic at four fifths; more than the rest would hold up all topics."""
    room = worker.app.conf.stream_buffer_maxsize
    assert fetching._max_poll_records <= room - room / 1.25


async def test_a_group_that_never_committed_begins_at_the_beginning(fetching: Any) -> None:
    assert fetching._auto_offset_reset == "earliest"


async def test_offsets_are_committed_by_nobody_but_us(fetching: Any) -> None:
    assert fetching._enable_auto_commit is False


async def test_partitions_are_dealt_out_by_faust_s_own_assignor_without_standbys(
    worker: Worker, fetching: Any
) -> None:
    assert fetching._partition_assignment_strategy == [worker.app.assignor]
    assert worker.app.assignor.replicas == 0


async def test_partitions_are_given_up_without_waiting_for_agents(worker: Worker) -> None:
    """An agent that hangs would keep them for ever."""

    async def wait_empty() -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(PATIENCE):
        consumer = SimpleNamespace(wait_empty=wait_empty)
        await worker.app._consumer_wait_empty(consumer, logging.getLogger())


async def test_nothing_is_done_in_transactions(worker: Worker) -> None:
    """They leave outputs out, cost 10 to 20 seconds a restart, and over-count all the same."""
    worker.app.in_worker = True  # as faust.Worker says when it starts one
    assert worker.app.in_transaction is False


# -- state


async def test_faust_has_no_tables(worker: Worker) -> None:
    """Theirs leak windows, show keys that moved away, and send past what is committed."""
    assert list(worker.app.tables) == []
    assert worker.app.tables.changelog_topics == set()


async def test_the_mended_manager_of_tables_is_the_app_s(worker: Worker) -> None:
    assert isinstance(worker.app.tables, SafeTableManager)


async def test_state_that_cannot_be_restored_ends_the_worker(
    worker: Worker, ended: SmallEnd
) -> None:
    with pytest.raises(WorkerEnded):
        await worker.app.tables.restore(1, {SOURCES["profiling"]: {0}})
    (reason,) = ended.reasons
    assert reason.startswith("state could not be restored")


async def test_what_cannot_be_made_durable_ends_the_worker_before_the_commit(
    worker: Worker, ended: SmallEnd
) -> None:
    worker.outbox._failure = ConnectionError("the broker went away")
    with pytest.raises(WorkerEnded):
        await worker.app.transport.settle()
    assert ended.reasons == ["state and outputs could not be made durable"]


async def test_a_worker_that_may_have_been_replaced_writes_nothing_and_goes_on(
    worker: Worker, ended: SmallEnd
) -> None:
    worker.app.transport.lease.lose()
    with pytest.raises(MembershipLost):
        await worker.app.transport.settle()
    assert ended.reasons == []


# -- services


async def test_faust_serves_nothing_over_http(worker: Worker) -> None:
    """Its pages show everything in its tables to whoever asks."""
    assert list(worker.app.boot_strategy.web_server()) == []


@pytest.fixture
async def started(worker: Worker) -> AsyncIterator[Worker]:
    """As when Faust calls it: a monitor is among the sensors, and nothing else runs yet."""
    worker.outbox = SmallOutbox()
    worker.app.sensors.add(worker.app.monitor)
    await worker.app.on_start()
    yield worker
    tasks = list(worker.app._futures)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_no_sensor_is_called_for_each_message(started: Worker) -> None:
    """Faust's monitor costs 5 % of the time, for figures that nobody reads."""
    assert list(started.app.sensors) == []


async def test_a_coordinator_that_has_failed_ends_a_started_worker(
    started: Worker, ended: SmallEnd
) -> None:
    (watchdog,) = [s for s in started.app._children if type(s).__name__ == "Watchdog"]
    parked = SimpleNamespace(_pending_exception=RuntimeError("not authorised"))
    started.app._consumer = SimpleNamespace(
        _thread=SimpleNamespace(_consumer=SimpleNamespace(_coordinator=parked))
    )
    with pytest.raises(WorkerEnded):
        await watchdog.look()
    assert ended.reasons == ["the group coordinator failed: RuntimeError('not authorised')"]


async def test_replicas_follow_their_topics_beside_faust(started: Worker) -> None:
    """A GlobalTable shows what others have written in blocks of a thousand."""
    assert set(started.replicas) <= set(started.app._children)
    assert {replica.reader.topic for replica in started.replicas} == {
        "shop.item-vectors",
        "shop.item-trends",
        "shop.rankers",
    }


def test_a_worker_runs_on_the_faster_loop() -> None:
    loop = new_loop()
    assert isinstance(loop, uvloop.Loop)
    loop.close()


# -- roles that run apart


@pytest.mark.parametrize("role", ["trending", "learning", "refining"])
async def test_a_worker_that_needs_no_catalogue_has_none_and_waits_for_none(
    tmp_path: Path, role: str
) -> None:
    apart = worker_in(tmp_path, roles=(role,))
    assert apart.replicas == ()
    assert apart.readiness() == {"tables": False}
    assert set(apart.app.agents) == {role}


@pytest.mark.parametrize("role", ["cataloguing"])
async def test_a_worker_that_needs_the_catalogue_waits_for_all_of_it(
    tmp_path: Path, role: str
) -> None:
    apart = worker_in(tmp_path, roles=(role,))
    assert set(apart.readiness()) == {"tables", "item-vectors", "item-trends", "rankers"}
