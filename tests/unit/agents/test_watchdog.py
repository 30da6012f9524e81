"""A coordinator's error that nobody looks at ends the worker instead of stopping it silently."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from agents.safety.watchdog import (
    INTERVAL,
    LONGEST_TURN,
    Progress,
    Watchdog,
    coordinator_error,
)
from agents.testing import SmallEnd, WorkerEnded, run_at_once
from streams.errors import GroupShared, TopicMismatch

ERROR = RuntimeError("not authorised for the group")


@dataclass
class SmallLookout:
    """What is seen around a worker."""

    topics: Exception | None = None
    """What is wrong with them."""
    behind: BaseException | None = None
    """What stands behind an error of the coordinator; itself where nothing does."""

    async def check_topics(self) -> None:
        if self.topics is not None:
            raise self.topics

    async def explain(self, error: BaseException) -> BaseException:
        return self.behind or error


def consumer(
    parked: BaseException | None = None, routine: asyncio.Future[None] | None = None
) -> Any:
    """As Faust's consumer keeps aiokafka's coordinator in its thread."""
    coordinator = SimpleNamespace(_pending_exception=parked, _coordination_task=routine)
    return SimpleNamespace(
        _thread=SimpleNamespace(_consumer=SimpleNamespace(_coordinator=coordinator))
    )


def watch(
    app: Any,
    *,
    seconds: float,
    later: BaseException | None = None,
    lookout: SmallLookout | None = None,
) -> list[str]:
    """The reasons given for an end within so many seconds."""

    async def main() -> list[str]:
        fatal = SmallEnd()
        around = lookout or SmallLookout()
        watchdog = Watchdog(app, fatal=fatal, lookout=around, is_ready=lambda: False, patience=60)
        await watchdog.start()
        if later is not None:
            parked = app.consumer._thread._consumer._coordinator
            asyncio.get_running_loop().call_later(
                seconds / 2, setattr, parked, "_pending_exception", later
            )
        await asyncio.sleep(seconds)
        await watchdog.stop()
        return fatal.reasons

    return run_at_once(main())


def test_a_parked_error_ends_the_worker_and_is_named() -> None:
    reasons = watch(
        SimpleNamespace(consumer=consumer(ERROR), rebalancing=False), seconds=2 * INTERVAL
    )
    assert reasons == [f"the group coordinator failed: {ERROR!r}"]


def test_an_error_that_is_parked_later_is_found() -> None:
    app = SimpleNamespace(consumer=consumer(), rebalancing=False)
    assert len(watch(app, seconds=10 * INTERVAL, later=ERROR)) == 1


def test_a_healthy_coordinator_is_left_alone() -> None:
    assert (
        watch(SimpleNamespace(consumer=consumer(), rebalancing=False), seconds=100 * INTERVAL) == []
    )


def test_what_stands_behind_an_error_is_said_instead_of_it() -> None:
    reasons = watch(
        SimpleNamespace(consumer=consumer(ERROR), rebalancing=False),
        seconds=2 * INTERVAL,
        lookout=SmallLookout(behind=GroupShared("billing is in the group")),
    )
    assert reasons == ["the group coordinator failed: billing is in the group"]


async def test_a_coordinator_that_has_died_is_found() -> None:
    """aiokafka parks no error then; who asks for it is who polls."""
    routine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    assert coordinator_error(consumer(routine=routine)) is None
    routine.set_exception(ERROR)
    assert coordinator_error(consumer(routine=routine)) is ERROR


async def test_a_coordinator_that_was_stopped_is_no_error() -> None:
    for end in (lambda f: f.set_result(None), lambda f: f.cancel()):
        routine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        end(routine)
        assert coordinator_error(consumer(routine=routine)) is None


def test_topics_that_have_changed_end_the_worker() -> None:
    reasons = watch(
        SimpleNamespace(consumer=consumer(), rebalancing=False),
        seconds=2 * INTERVAL,
        lookout=SmallLookout(topics=TopicMismatch("topic 'events' has 6 partitions")),
    )
    assert reasons == ["topic 'events' has 6 partitions"]


def test_a_broker_that_does_not_tell_of_topics_ends_nothing() -> None:
    app = SimpleNamespace(consumer=consumer(), rebalancing=False)
    lookout = SmallLookout(topics=ConnectionError("gone"))
    assert watch(app, seconds=10 * INTERVAL, lookout=lookout) == []


@pytest.mark.parametrize(
    "early",
    [
        None,
        SimpleNamespace(),
        SimpleNamespace(_thread=None),
        SimpleNamespace(_thread=SimpleNamespace(_consumer=None)),
        SimpleNamespace(_thread=SimpleNamespace(_consumer=SimpleNamespace(_coordinator=None))),
    ],
    ids=["no consumer", "no thread", "no thread yet", "not connected", "no group"],
)
def test_before_the_worker_has_started_there_is_no_error(early: Any) -> None:
    assert coordinator_error(early) is None


async def test_the_error_is_looked_for_where_aiokafka_parks_it() -> None:
    """Its names are private: another version may move them."""
    from aiokafka.consumer.group_coordinator import GroupCoordinator

    names = GroupCoordinator.__init__.__code__.co_names
    assert {"_pending_exception", "_coordination_task"} <= set(names)


# -- streams

EVENTS = TP("events", 0)
PATIENCE = 60.0


@dataclass
class Reading:
    """A worker that owns a partition or more, and how far it has come."""

    end: int = 10
    read: int = 0
    done: dict[TP, int] = field(default_factory=dict)
    queued: int = 0
    under_way: list[Any] = field(default_factory=list)
    ready: bool = True
    rebalancing: bool = False
    away: bool = False
    lost: bool = False
    """Does aiokafka wait for the position for ever?"""
    refused: list[dict[TP, int]] = field(default_factory=list)
    """Ends of logs that the worker was ended for."""
    mine: set[TP] = field(default_factory=lambda: {EVENTS})
    _buffered_partitions: set[TP] = field(default_factory=set)
    _thread: Any = None

    @property
    def consumer(self) -> Any:
        return self

    @property
    def topics(self) -> Any:
        channel = SimpleNamespace(queue=SimpleNamespace(qsize=lambda: self.queued))
        return SimpleNamespace(_tp_index={tp: [channel] for tp in self.mine})

    @property
    def _unacked_messages(self) -> list[Any]:
        return self.under_way

    def assignment(self) -> set[TP]:
        return self.mine

    def _is_changelog_tp(self, tp: TP) -> bool:
        return False

    async def highwaters(self, *partitions: TP) -> dict[TP, int]:
        if self.away:
            raise ConnectionError("no broker")
        return dict.fromkeys(partitions, self.end)

    async def position(self, tp: TP) -> int:
        if self.lost:
            await asyncio.sleep(3600)
        return self.read

    def refuse_shortened(self, ends: dict[TP, int]) -> None:
        self.refused.append(ends)


def looked_at(
    reading: Reading, monkeypatch: pytest.MonkeyPatch, *changes: dict[str, Any]
) -> list[str]:
    """The reasons given for an end, when changes come in `PATIENCE` seconds from each other."""
    clock = [0.0]
    monkeypatch.setattr("agents.safety.watchdog.monotonic", lambda: clock[0])

    async def main() -> list[str]:
        fatal = SmallEnd()
        watchdog = Watchdog(
            reading,
            fatal=fatal,
            lookout=SmallLookout(),
            is_ready=lambda: reading.ready,
            patience=PATIENCE,
        )
        with suppress(WorkerEnded):
            for change in ({}, *changes):
                for name, value in change.items():
                    setattr(reading, name, value)
                await watchdog.look()
                clock[0] += PATIENCE
        return fatal.reasons

    return asyncio.run(main())


def test_records_that_nobody_deals_with_end_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    (reason,) = looked_at(Reading(end=10, done={EVENTS: 3}), monkeypatch, {"end": 12})
    assert reason == (
        "a stream has stalled: events-0: 8 records wait, and none was dealt with for 60 s"
    )


def test_a_fetcher_that_is_dead_from_the_start_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(looked_at(Reading(), monkeypatch, {})) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"done": {EVENTS: 4}},
        {"done": {EVENTS: 9}},
        {"rebalancing": True},
        {"ready": False},
        {"away": True},
    ],
    ids=["slow", "done", "partitions move", "still catching up", "broker away"],
)
def test_what_is_no_stall_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    assert looked_at(Reading(done={EVENTS: 3}), monkeypatch, change) == []


def test_time_before_the_broker_came_back_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Reading(done={EVENTS: 3})
    assert looked_at(reading, monkeypatch, {"away": True}, {"away": False}) == []


def test_the_end_of_a_log_without_records_is_no_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compaction has taken the last ones away."""
    assert looked_at(Reading(end=10, read=10, done={EVENTS: 7}), monkeypatch, {}) == []


@pytest.mark.parametrize(
    "rest",
    [{"queued": 1}, {"under_way": [SimpleNamespace(tp=EVENTS, acked=False)]}],
    ids=["in a queue", "under way"],
)
def test_what_was_read_and_not_dealt_with_is_a_stall(
    monkeypatch: pytest.MonkeyPatch, rest: dict[str, Any]
) -> None:
    reading = Reading(end=10, read=10, done={EVENTS: 7}, **rest)
    assert len(looked_at(reading, monkeypatch, {})) == 1


ITEMS = [TP("items", partition) for partition in range(2)]


def stalls(*looks: tuple[int, int], in_turn: list[TP]) -> list[str]:
    """What is said when both partitions hold 9,000 records; a look is how many of each are done."""
    progress = Progress(patience=PATIENCE)
    ends = dict.fromkeys(ITEMS, 9_000)
    said = [
        progress.look(ends, dict(zip(ITEMS, look, strict=True)), now=k * PATIENCE, in_turn=in_turn)
        for k, look in enumerate(looks)
    ]
    return [text for text in said if text is not None]


def test_a_partition_that_waits_for_its_turn_is_not_stuck() -> None:
    """A slow encoder takes minutes for one partition's items before it comes to the next."""
    assert stalls((10, 0), (20, 0), (30, 0), (40, 0), in_turn=ITEMS) == []


def test_a_partition_that_is_not_fetched_is_stuck_whatever_others_do() -> None:
    (first, *_) = stalls((10, 0), (20, 0), in_turn=[ITEMS[0]])
    assert first == "items-1: 8999 records wait, and none was dealt with for 60 s"


def test_partitions_that_all_wait_for_their_turn_are_stuck() -> None:
    assert len(stalls((10, 0), (10, 0), in_turn=ITEMS)) == 1


def test_the_last_move_of_others_counts() -> None:
    assert stalls((10, 0), (20, 0), (20, 0), in_turn=ITEMS)[0].endswith("for 60 s")


def test_no_turn_is_waited_for_for_ever() -> None:
    looks = [(k, 0) for k in range(LONGEST_TURN + 1)]
    assert stalls(*looks[:-1], in_turn=ITEMS) == []
    assert len(stalls(*looks, in_turn=ITEMS)) == 1


@pytest.mark.parametrize("paused", [True, False])
def test_what_waits_in_a_full_queue_has_its_turn(
    monkeypatch: pytest.MonkeyPatch, paused: bool
) -> None:
    other = TP("events", 1)
    reading = Reading(end=10, done={EVENTS: 3, other: 3}, mine={EVENTS, other})
    reading._buffered_partitions = {EVENTS, other} if paused else set()
    said = looked_at(reading, monkeypatch, {"done": {EVENTS: 4, other: 3}})
    assert len(said) == (0 if paused else 1)


# -- logs that are others


def test_it_is_noticed_although_no_position_can_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """So it was when a topic was deleted and made anew between two commits."""
    monkeypatch.setattr("agents.safety.watchdog.PATIENCE", 0.01)
    reading = Reading(end=10, done={EVENTS: 9}, lost=True)
    looked_at(reading, monkeypatch, {"end": 3}, {})
    assert reading.refused == [{EVENTS: 3}]


def test_records_that_wait_are_noticed_although_no_position_can_be_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agents.safety.watchdog.PATIENCE", 0.01)
    assert len(looked_at(Reading(done={EVENTS: 3}, lost=True), monkeypatch, {})) == 1


def test_a_log_that_ends_before_what_was_dealt_with_ends_the_worker_at_the_second_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading = Reading(end=10, done={EVENTS: 9})
    looked_at(reading, monkeypatch, {"end": 3})
    assert reading.refused == []
    looked_at(reading, monkeypatch, {"end": 4})
    assert reading.refused == [{EVENTS: 4}]


@pytest.mark.parametrize(
    "change",
    [{"end": 10}, {"rebalancing": True}, {"away": True}],
    ids=["a leader that was late", "partitions move", "broker away"],
)
def test_what_is_no_other_log_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    reading = Reading(end=3, done={EVENTS: 9})
    looked_at(reading, monkeypatch, change)
    assert reading.refused == []
