"""
Each mend of Faust's consumer, beside Faust's own that shows why it is there.

Tests run twice: once with ours, where the fact holds, and once with the stock consumer, where it
does not, or where both are to agree.  When `is reading.mended` fails, that mend can go.
"""

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise, permutations
from pathlib import Path
from typing import Any

import faust
import pytest
from aiokafka import AIOKafkaConsumer
from faust.transport.drivers.aiokafka import Consumer, Transport
from faust.types import TP, Message
from yarl import URL

from agents.safety.consumer import SafeConsumer, SafeTransport
from agents.safety.lease import Lease
from streams.errors import MembershipLost

EVENTS = TP("events", 0)
ELSEWHERE = TP("events", 1)
CHANGELOG = TP("profiles", 0)
GENERATION = 5
URLS = [URL("kafka://127.0.0.1:1")]


class Offline:
    """In place of the thread that talks to a broker."""

    assigned: set[TP]
    diary: list[str]
    failing = False
    slow: asyncio.Event | None = None

    def assignment(self) -> set[TP]:
        return self.assigned

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        if self.slow is not None:
            await self.slow.wait()
        self.diary += [f"commit {tp.partition}: {offset}" for tp, offset in offsets.items()]
        return not self.failing


class OfflineSafe(Offline, SafeConsumer):
    pass


class OfflineStock(Offline, Consumer):  # type: ignore[misc]
    pass


@dataclass
class Reading:
    """A consumer that owns partition 0 of `events`, and what it has done."""

    consumer: Any
    app: Any
    diary: list[str]
    mended: bool
    lease: Lease = field(default_factory=lambda: Lease(session=10.0, clock=lambda: 0.0))
    settle: Callable[[], Awaitable[None]] | None = None
    revoked: Callable[[set[TP]], Awaitable[None]] | None = None
    assigned: Callable[[], None] | None = None
    kept: list[Message] = field(default_factory=list)
    """Messages that somebody is still at work on."""

    def read(self, *offsets: int, tp: TP = EVENTS, generation: int = GENERATION) -> None:
        """Messages come in and are handed to an agent."""
        for offset in offsets:
            message = Message(
                tp.topic, tp.partition, offset, 0.0, 0, [], b"k", b"v", None,
                tp=tp, generation_id=generation,
            )  # fmt: skip
            self.consumer._unacked_messages.add(message)
            self.kept.append(message)

    def deal_with(self, *offsets: int, tp: TP = EVENTS) -> None:
        """The agent is done with them."""
        for offset in offsets:
            message = next(m for m in self.kept if (m.tp, m.offset) == (tp, offset))
            if self.mended:
                self.consumer.acknowledge(message)
            else:
                self.consumer.ack(message)
            self.kept.remove(message)

    def was_committed(self, offset: int, tp: TP = EVENTS) -> None:
        self.consumer._committed_offset[tp] = offset

    def commits(self) -> list[str]:
        return [line for line in self.diary if line.startswith("commit")]


@pytest.fixture(params=[True, False], ids=["mended", "stock"])
async def reading(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Reading]:
    made = Reading(None, None, [], mended=request.param)

    async def settle() -> None:
        made.diary.append("settle")
        if made.settle is not None:
            await made.settle()

    async def revoked(partitions: set[TP]) -> None:
        if made.revoked is not None:
            await made.revoked(partitions)

    async def assigned(*_: Any) -> None:
        if made.assigned is not None:
            made.assigned()

    async def nothing(*_: Any) -> None:
        pass

    app = faust.App(
        "reading",
        broker=str(URLS[0]),
        store="memory://",
        datadir=str(tmp_path),
        web_enabled=False,
        stream_wait_empty=False,
    )
    app.consumer_generation_id = GENERATION
    app.topics._acking_topics.add("events")
    transport = (
        SafeTransport(URLS, app, settle=settle, lease=made.lease, fetch_wait=0.05, loop=None)
        if made.mended
        else Transport(URLS, app, loop=None)
    )
    kind = OfflineSafe if made.mended else OfflineStock
    made.app = app
    made.consumer = kind(
        transport, nothing, on_partitions_revoked=revoked, on_partitions_assigned=assigned
    )
    made.consumer.assigned = {EVENTS, ELSEWHERE}
    made.consumer.diary = made.diary
    app._consumer = made.consumer
    yield made
    if not made.mended:  # ours runs on this very loop
        made.consumer._thread.thread_loop.close()


# -- what counts as dealt with


async def test_a_message_that_faust_skips_is_not_acknowledged(reading: Reading) -> None:
    reading.was_committed(3)
    reading.read(3)
    reading.consumer.ack(reading.kept[0])  # what Faust does with messages it skips in a rebalance
    await reading.consumer.commit()
    assert (reading.commits() == []) is reading.mended


async def test_a_message_of_an_earlier_generation_is_not_acknowledged(reading: Reading) -> None:
    """Its partition was given back, and whoever owns it now reads it again."""
    reading.was_committed(3)
    reading.read(3, generation=GENERATION - 1)
    reading.deal_with(3)
    await reading.consumer.commit()
    assert (reading.commits() == []) is reading.mended


async def test_a_message_dealt_with_is_committed(reading: Reading) -> None:
    """The one thing that both do."""
    reading.was_committed(3)
    reading.read(3, 4)
    reading.deal_with(3, 4)
    assert await reading.consumer.commit()
    assert reading.commits() == ["commit 0: 5"]


async def test_a_message_acknowledged_twice_counts_once(reading: Reading) -> None:
    reading.read(3)
    (message,) = reading.kept
    acknowledge = reading.consumer.acknowledge if reading.mended else reading.consumer.ack
    assert [acknowledge(message), acknowledge(message)] == [True, False]


# -- messages in flight


@pytest.mark.parametrize("committed", [None, 3], ids=["for the first time", "after another"])
async def test_a_commit_does_not_pass_a_message_in_flight(
    reading: Reading, committed: int | None
) -> None:
    if committed is not None:
        reading.was_committed(committed)
    reading.read(3, 4, 5)
    reading.deal_with(4, 5)
    await reading.consumer.commit()
    assert (reading.commits() == []) is reading.mended


async def test_what_was_held_back_is_committed_once_the_message_in_flight_is_done(
    reading: Reading,
) -> None:
    reading.was_committed(3)
    reading.read(3, 4, 5)
    reading.deal_with(5)
    await reading.consumer.commit()
    reading.deal_with(3)
    await reading.consumer.commit()
    reading.deal_with(4)
    await reading.consumer.commit()
    assert reading.commits() == ["commit 0: 4", "commit 0: 6"]


async def test_messages_in_flight_on_one_partition_do_not_hold_back_another(
    reading: Reading,
) -> None:
    reading.read(3, 4)
    reading.deal_with(4)
    reading.read(7, tp=ELSEWHERE)
    reading.deal_with(7, tp=ELSEWHERE)
    await reading.consumer.commit()
    assert "commit 1: 8" in reading.commits()


async def test_messages_in_flight_of_an_earlier_generation_do_not_hold_back_commits(
    reading: Reading,
) -> None:
    """They will never be acknowledged: waiting for them would stop commits for ever."""
    reading.was_committed(3)
    reading.read(3, generation=GENERATION - 1)
    stale = reading.kept.pop()
    reading.read(3, 4)
    reading.deal_with(3, 4)
    await reading.consumer.commit()
    assert stale in reading.consumer._unacked_messages
    assert reading.commits() == ["commit 0: 5"]


async def test_a_gap_in_the_log_does_not_hold_back_commits(reading: Reading) -> None:
    """Compaction and transactions leave offsets that no message has."""
    reading.was_committed(3)
    reading.read(3)
    reading.deal_with(3)
    await reading.consumer._add_gap(EVENTS, 4, 6)
    reading.read(7, 8)
    reading.deal_with(7)
    await reading.consumer.commit()
    assert reading.commits() == ["commit 0: 8"]


# -- rebalances


async def test_offsets_are_forgotten_only_after_the_callback_has_committed_them(
    reading: Reading,
) -> None:
    async def commit(_: set[TP]) -> None:
        await reading.consumer.commit()

    reading.revoked = commit
    reading.was_committed(3)
    reading.read(3, 4)
    reading.deal_with(3, 4)
    await reading.consumer.on_partitions_revoked({EVENTS})
    assert (reading.commits() == ["commit 0: 5"]) is reading.mended


async def test_after_a_rebalance_nothing_of_the_revoked_partitions_is_remembered(
    reading: Reading,
) -> None:
    consumer = reading.consumer
    reading.was_committed(3)
    reading.was_committed(8, tp=ELSEWHERE)
    reading.read(3)
    reading.deal_with(3)
    await consumer._add_gap(EVENTS, 4, 6)
    consumer._read_offset[EVENTS] = 3
    consumer._active_partitions = {EVENTS, ELSEWHERE}
    consumer._paused_partitions = {EVENTS}
    await consumer.on_partitions_revoked({EVENTS})
    for remembered in (
        consumer._gap,
        consumer._acked,
        consumer._acked_index,
        consumer._read_offset,
        consumer._committed_offset,
    ):
        assert EVENTS not in remembered
    assert consumer._active_partitions == {ELSEWHERE}
    assert consumer._paused_partitions == set()
    assert consumer._committed_offset[ELSEWHERE] == 8


async def test_the_final_commit_is_repeated_when_another_was_under_way(reading: Reading) -> None:
    reading.was_committed(3)
    reading.read(3, 4)
    reading.deal_with(3)
    reading.consumer.slow = asyncio.Event()
    periodic = asyncio.create_task(reading.consumer.commit())
    await asyncio.sleep(0)
    reading.deal_with(4)
    final = asyncio.create_task(reading.consumer.commit_and_end_transactions())
    await asyncio.sleep(0)
    reading.consumer.slow.set()
    await asyncio.gather(periodic, final)
    assert (reading.commits() == ["commit 0: 4", "commit 0: 5"]) is reading.mended


async def test_a_final_commit_with_nothing_under_way_is_made_once(reading: Reading) -> None:
    reading.was_committed(3)
    reading.read(3)
    reading.deal_with(3)
    await reading.consumer.commit_and_end_transactions()
    assert reading.commits() == ["commit 0: 4"]


async def test_to_be_given_partitions_is_to_be_a_member_before_anything_else_happens(
    reading: Reading,
) -> None:
    valid: list[bool] = []
    reading.assigned = lambda: valid.append(reading.lease.valid)
    reading.lease.lose()
    await reading.consumer.on_partitions_assigned({EVENTS}, GENERATION)
    assert valid == [reading.mended]
    assert reading.consumer._active_partitions == {EVENTS}


# -- where reading goes on after a rebalance


class Fetching:
    """A consumer of aiokafka that has read up to offset 8 of three partitions."""

    seek_to_committed = AIOKafkaConsumer.seek_to_committed
    begins = 0

    def __init__(self, committed: Mapping[TP, int | None]) -> None:
        self.positions = dict.fromkeys((EVENTS, ELSEWHERE, CHANGELOG), 8)
        self._committed = committed
        self._subscription = self._fetcher = self

    def assigned_partitions(self) -> set[TP]:
        return set(self.positions)

    async def committed(self, tp: TP) -> int | None:
        return self._committed.get(tp)

    def seek_to(self, tp: TP, offset: int) -> None:
        self.positions[tp] = offset

    async def seek_to_beginning(self, *partitions: TP) -> None:
        self.positions.update(dict.fromkeys(partitions, 0))

    async def beginning_offsets(self, partitions: Sequence[TP]) -> dict[TP, int]:
        return dict.fromkeys(partitions, self.begins)


async def call_at_once(call: Callable[..., Awaitable[Any]], *args: Any) -> Any:
    """In place of a call in Faust's thread."""
    return await call(*args)


async def seek(reading: Reading, committed: Mapping[TP, int | None]) -> dict[TP, int]:
    """Where each partition is read on."""
    consumer = reading.consumer
    consumer.assigned = {EVENTS, ELSEWHERE, CHANGELOG}
    consumer._thread._consumer = fetching = Fetching(committed)
    if not reading.mended:
        consumer._thread.call_thread = call_at_once
    reading.app.tables._changelogs["profiles"] = None
    await consumer.perform_seek()
    return fetching.positions


@pytest.mark.parametrize("nothing", [None, 0])
async def test_a_partition_without_a_commit_is_read_again_from_its_beginning(
    reading: Reading, nothing: int | None
) -> None:
    """What was fetched before the rebalance was thrown away; aiokafka would go on after it."""
    positions = await seek(reading, {EVENTS: nothing, ELSEWHERE: 5})
    assert positions[EVENTS] == (0 if reading.mended else 8)
    assert not reading.consumer._read_offset[EVENTS]  # or its first messages would be dropped


async def test_a_partition_with_a_commit_is_read_again_from_there(reading: Reading) -> None:
    positions = await seek(reading, {EVENTS: 5, ELSEWHERE: 7})
    assert (positions[EVENTS], positions[ELSEWHERE]) == (5, 7)
    assert reading.consumer._read_offset[EVENTS] == 5
    assert reading.consumer._committed_offset[EVENTS] == 5


async def test_a_partition_of_a_changelog_stays_where_it_is(reading: Reading) -> None:
    assert (await seek(reading, {EVENTS: 5}))[CHANGELOG] == 8


@pytest.mark.parametrize("reading", [True], ids=["mended"], indirect=True)
async def test_records_deleted_before_they_were_read_are_named(
    reading: Reading, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Fetching, "begins", 90)
    await seek(reading, {EVENTS: 5, ELSEWHERE: 95})
    (line,) = (record.getMessage() for record in caplog.records if record.name == "headwater")
    assert line.startswith(
        "events-0: offset 5 was to be read next, but the log begins at 90: 85 records were deleted"
    )


# -- commits that fail


async def test_bookkeeping_stays_where_it_was_when_a_commit_failed(reading: Reading) -> None:
    reading.was_committed(3)
    reading.read(3)
    reading.deal_with(3)
    reading.consumer.failing = True
    assert not await reading.consumer.commit()
    assert (reading.consumer._committed_offset[EVENTS] == 3) is reading.mended


async def test_what_is_read_again_after_a_failed_commit_is_committed(reading: Reading) -> None:
    reading.was_committed(3)
    reading.read(3)
    reading.deal_with(3)
    reading.consumer.failing = True
    await reading.consumer.commit()
    reading.consumer.failing = False
    reading.diary.clear()
    reading.read(3)
    reading.deal_with(3)
    await reading.consumer.commit()
    assert (reading.commits() == ["commit 0: 4"]) is reading.mended


async def test_a_first_commit_that_failed_leaves_nothing_committed(reading: Reading) -> None:
    reading.read(3)
    reading.deal_with(3)
    reading.consumer.failing = True
    await reading.consumer.commit()
    assert (reading.consumer._committed_offset[EVENTS] is None) is reading.mended


# -- durability


async def test_everything_is_settled_before_offsets_are_committed(reading: Reading) -> None:
    reading.was_committed(3)
    reading.read(3)
    reading.deal_with(3)
    await reading.consumer.commit()
    assert (reading.diary == ["settle", "commit 0: 4"]) is reading.mended


@pytest.mark.parametrize("reading", [True], ids=["mended"], indirect=True)
async def test_settling_is_waited_for(reading: Reading) -> None:
    settled = asyncio.Event()

    async def settle() -> None:
        await settled.wait()

    reading.settle = settle
    reading.read(3)
    reading.deal_with(3)
    commit = asyncio.create_task(reading.consumer.commit())
    for _ in range(10):
        await asyncio.sleep(0)
    assert reading.commits() == []
    settled.set()
    await commit
    assert reading.commits() == ["commit 0: 4"]


async def test_what_could_not_be_settled_is_not_committed(reading: Reading) -> None:
    async def settle() -> None:
        raise ConnectionError("the broker went away")

    reading.settle = settle
    reading.was_committed(3)
    reading.read(3)
    reading.deal_with(3)
    with suppress(ConnectionError):
        await reading.consumer.commit()
    assert (reading.commits() == []) is reading.mended
    assert (reading.consumer._committed_offset[EVENTS] == 3) is reading.mended


async def test_without_anything_to_commit_nothing_is_settled(reading: Reading) -> None:
    await reading.consumer.commit()
    assert reading.diary == []


# -- without membership


async def lost() -> None:
    raise MembershipLost("no heartbeat was answered")


@pytest.mark.parametrize("reading", [True], ids=["mended"], indirect=True)
async def test_a_worker_that_may_have_been_replaced_commits_nothing_and_goes_on(
    reading: Reading,
) -> None:
    reading.settle = lost
    reading.was_committed(3)
    reading.read(3)
    reading.deal_with(3)
    assert await reading.consumer.commit() is False
    assert reading.commits() == []
    assert reading.consumer._committed_offset[EVENTS] == 3


@pytest.mark.parametrize("reading", [True], ids=["mended"], indirect=True)
async def test_what_was_not_committed_for_want_of_membership_is_committed_when_read_again(
    reading: Reading,
) -> None:
    reading.settle = lost
    reading.was_committed(3)
    reading.read(3)
    reading.deal_with(3)
    await reading.consumer.commit()
    await reading.consumer.on_partitions_revoked({EVENTS})
    await reading.consumer.on_partitions_assigned({EVENTS, ELSEWHERE}, GENERATION)
    reading.settle = None
    reading.was_committed(3)
    reading.read(3)
    reading.deal_with(3)
    await reading.consumer.commit()
    assert reading.commits() == ["commit 0: 4"]


# -- membership that comes back without a rebalance

mended_only = pytest.mark.parametrize("reading", [True], ids=["mended"], indirect=True)


async def commit_without_membership(reading: Reading) -> None:
    """The group has not answered for a while when offsets are to be committed; then it does."""
    reading.settle = lost
    before = reading.commits()
    assert await reading.consumer.commit() is False
    assert reading.commits() == before
    reading.settle = None


@mended_only
@pytest.mark.parametrize("committed", [None, 3], ids=["for the first time", "after another"])
@pytest.mark.parametrize("count", [1, 4])
async def test_what_was_not_committed_for_want_of_membership_is_committed_by_the_next(
    reading: Reading, count: int, committed: int | None
) -> None:
    if committed is not None:
        reading.was_committed(committed)
    offsets = range(3, 3 + count)
    reading.read(*offsets)
    reading.deal_with(*offsets)
    await commit_without_membership(reading)
    await commit_without_membership(reading)
    assert await reading.consumer.commit()
    assert reading.commits() == [f"commit 0: {3 + count}"]


@mended_only
async def test_what_is_dealt_with_after_membership_was_lost_is_committed_with_the_rest(
    reading: Reading,
) -> None:
    reading.was_committed(3)
    reading.read(3, 4, 5, 6)
    reading.deal_with(3, 4)
    await commit_without_membership(reading)
    reading.deal_with(6, 5)
    await reading.consumer.commit()
    assert reading.commits() == ["commit 0: 7"]


@mended_only
async def test_what_is_dealt_with_during_a_commit_that_fails_is_committed_by_the_next(
    reading: Reading,
) -> None:
    async def lost_meanwhile() -> None:
        reading.deal_with(5, 4)
        await lost()

    reading.settle = lost_meanwhile
    reading.was_committed(3)
    reading.read(3, 4, 5)
    reading.deal_with(3)
    assert await reading.consumer.commit() is False
    reading.settle = None
    await reading.consumer.commit()
    assert reading.commits() == ["commit 0: 6"]


@mended_only
async def test_what_was_held_back_stays_so_when_membership_is_lost(reading: Reading) -> None:
    reading.was_committed(3)
    reading.read(3, 4, 5, 6, 7)
    reading.deal_with(3, 5, 6)
    await commit_without_membership(reading)
    await reading.consumer.commit()
    assert reading.commits() == ["commit 0: 4"]
    reading.deal_with(4)
    await commit_without_membership(reading)
    await reading.consumer.commit()
    assert reading.commits() == ["commit 0: 4", "commit 0: 7"]


@mended_only
async def test_what_was_held_back_is_committed_with_the_rest_once_nothing_holds_it(
    reading: Reading,
) -> None:
    reading.was_committed(3)
    reading.read(3, 4, 5, 6, 7)
    reading.deal_with(3, 5, 6)
    await commit_without_membership(reading)
    reading.deal_with(4)
    await reading.consumer.commit()
    assert reading.commits() == ["commit 0: 7"]


@mended_only
async def test_what_comes_again_after_membership_was_lost_counts_once(reading: Reading) -> None:
    reading.was_committed(3)
    reading.read(3, 4)
    reading.deal_with(3, 4)
    await commit_without_membership(reading)
    reading.read(3)
    reading.deal_with(3)
    await reading.consumer.commit()
    assert reading.commits() == ["commit 0: 5"]


@mended_only
async def test_every_partition_is_committed_once_membership_is_back(reading: Reading) -> None:
    reading.was_committed(3)
    reading.read(3, 4)
    reading.deal_with(3, 4)
    reading.read(7, 8, tp=ELSEWHERE)
    reading.deal_with(7, tp=ELSEWHERE)
    await commit_without_membership(reading)
    await reading.consumer.commit()
    assert sorted(reading.commits()) == ["commit 0: 5", "commit 1: 8"]


@mended_only
async def test_what_was_committed_after_membership_came_back_is_not_committed_again(
    reading: Reading,
) -> None:
    reading.was_committed(3)
    reading.read(3, 4)
    reading.deal_with(3, 4)
    await commit_without_membership(reading)
    assert await reading.consumer.commit()
    assert not await reading.consumer.commit()
    assert reading.commits() == ["commit 0: 5"]


@mended_only
@pytest.mark.parametrize("order", list(permutations((3, 4, 5, 6))))
async def test_whatever_is_done_first_no_commit_passes_a_message_in_flight_or_is_repeated(
    reading: Reading, order: tuple[int, ...]
) -> None:
    """Each commit has failed once before it is made."""
    reading.was_committed(3)
    reading.read(*order)
    expected = [3]
    for offset in order:
        reading.deal_with(offset)
        await commit_without_membership(reading)
        await reading.consumer.commit()
        expected.append(min((m.offset for m in reading.kept), default=7))
    new = [o for before, o in pairwise(expected) if o > before]
    assert reading.commits() == [f"commit 0: {offset}" for offset in new]


# -- fetching


async def test_a_fetch_waits_as_long_as_we_say(reading: Reading) -> None:
    consumer = reading.consumer
    fetching = consumer._thread._create_worker_consumer(consumer.transport)
    try:
        assert fetching._fetch_max_wait_ms == (50 if reading.mended else 1500)
    finally:
        await fetching.stop()


async def test_partition_n_of_all_topics_goes_to_one_worker(reading: Reading) -> None:
    """Without Faust tables Faust deals out topics one by one: events here, requests there."""
    reading.app.conf.table_standby_replicas = 0  # as ours has it
    consumer = reading.consumer
    fetching = consumer._thread._create_worker_consumer(consumer.transport)
    try:
        (assignor,) = fetching._partition_assignment_strategy
        assert (assignor is reading.app.assignor) is reading.mended
    finally:
        await fetching.stop()


async def test_a_transport_makes_safe_consumers(tmp_path: Path) -> None:
    assert SafeTransport.Consumer is SafeConsumer


class Starting:
    """A consumer of aiokafka that can be started, and is its own coordinator."""

    def __init__(self) -> None:
        self._coordinator = self
        self.diary: list[str] = []

    async def start(self) -> None:
        self.diary.append("start")

    async def stop(self) -> None:
        self.diary.append("stop")

    async def _do_heartbeat(self) -> bool:
        return True

    def reset_generation(self) -> None:
        self.diary.append("reset")


async def test_the_lease_hears_the_heartbeats_of_a_consumer_that_has_started(
    reading: Reading,
) -> None:
    starting = Starting()
    reading.consumer._thread._create_consumer = lambda loop: starting
    await reading.consumer._thread.on_start()
    starting.reset_generation()
    assert starting.diary == ["start", "reset"]
    assert reading.lease.valid is not reading.mended


@pytest.mark.parametrize("reading", [True], ids=["mended"], indirect=True)
async def test_fetching_needs_no_thread_and_ends_with_the_consumer(reading: Reading) -> None:
    starting = Starting()
    reader = reading.consumer._thread
    reader._create_consumer = lambda loop: starting
    threads = threading.active_count()
    assert await reader.maybe_start()
    assert not await reader.maybe_start()
    assert threading.active_count() == threads
    assert await reader.call_thread(threading.get_ident) == threading.get_ident()
    await reader.stop()
    assert starting.diary == ["start", "stop"]


# -- why a worker must end rather than let an agent start again


async def test_a_message_that_nobody_holds_any_more_holds_back_nothing(reading: Reading) -> None:
    """
    Faust knows messages in flight by weak references only.

    An agent that is started again after an exception has let go of its message, and the next commit
    passes it.  So nothing but the end of the worker is safe, and `Consuming` never lets one out.
    """
    reading.was_committed(3)
    reading.read(3, 4)
    lost = weakref.ref(reading.kept.pop(0))
    gc.collect()
    assert lost() is None
    reading.deal_with(4)
    await reading.consumer.commit()
    assert reading.commits() == ["commit 0: 5"]


@mended_only
async def test_what_is_finished_between_two_generations_counts_in_neither(
    reading: Reading,
) -> None:
    """Services with a line of their own go on while partitions move."""
    reading.was_committed(3)
    reading.read(3, 4, 5)
    await reading.consumer.on_partitions_revoked({EVENTS})
    reading.deal_with(5)
    reading.app.consumer_generation_id = GENERATION + 1
    await reading.consumer.on_partitions_assigned({EVENTS, ELSEWHERE}, GENERATION + 1)
    reading.kept.clear()
    reading.was_committed(3)
    reading.read(3, 4, 5, generation=GENERATION + 1)
    reading.deal_with(3, 4)
    await reading.consumer.commit()
    assert reading.commits() == ["commit 0: 5"]


@mended_only
async def test_a_gap_in_the_log_is_known_after_a_commit_that_membership_forbade(
    reading: Reading,
) -> None:
    reading.settle = lost
    reading.was_committed(3)
    reading.read(3)
    reading.deal_with(3)
    await reading.consumer._add_gap(EVENTS, 4, 6)
    reading.read(7)
    reading.deal_with(7)
    assert await reading.consumer.commit() is False
    reading.settle = None
    for _ in range(3):
        await reading.consumer.commit()
    assert reading.commits()[-1] == "commit 0: 8"


async def test_what_was_dealt_with_is_committed_when_partitions_go(reading: Reading) -> None:
    """Faust leaves it to waiting for empty streams, which may take for ever."""
    reading.was_committed(3)
    reading.read(3)
    reading.deal_with(3)
    await reading.consumer.on_partitions_revoked({EVENTS})
    assert (reading.commits() == ["commit 0: 4"]) is reading.mended
