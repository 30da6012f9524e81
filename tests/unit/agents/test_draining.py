"""
Messages go to the agents' queues as in Faust's own loop, without two tasks for each of them.

Tests run twice, with our loop and with Faust's: where nothing else is said, both are to agree.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace

import faust
import pytest
from aiokafka.errors import ConsumerStoppedError
from faust.transport.consumer import Consumer
from faust.types import TP, Message
from mode import Service
from mode.utils.queues import FlowControlEvent

from agents.safety.draining import FULL_WAIT, YIELD_EVERY, FastDrain
from agents.testing import run_at_once

EVENTS, ELSEWHERE = TP("events", 0), TP("events", 1)
ROOM = 1000
PATIENCE = 5.0


class Standing(Service):  # type: ignore[misc]
    """A consumer of messages that are there already; it ends after them."""

    consumer_stopped_errors = (ConsumerStoppedError,)
    _commit_every = None

    def __init__(self, *, room: int, acking: bool = True) -> None:
        super().__init__()
        self.queue: asyncio.Queue[Message] = asyncio.Queue(room)
        self.fetcher = SimpleNamespace(_stopped=asyncio.Event())
        self.suspend_flow = asyncio.Event()
        self.app = SimpleNamespace(
            should_stop=False,
            flow_control=FlowControlEvent(initially_suspended=False),
            topics=SimpleNamespace(
                _tp_index={tp: [SimpleNamespace(queue=self.queue)] for tp in (EVENTS, ELSEWHERE)},
                acks_enabled_for=lambda _: acking,
            ),
        )
        self.transport = SimpleNamespace(app=self.app)
        self._read_offset: dict[TP, int | None] = {EVENTS: None, ELSEWHERE: None}
        self.fetched: list[Message] = []
        self.gaps: list[tuple[TP, int, int]] = []
        self.failing: BaseException | None = None
        """Raised after what was fetched."""
        self.on_delivery: Callable[[], None] = lambda: None
        self._active = {EVENTS, ELSEWHERE}
        self._buffered_partitions: set[TP] = set()

    def _get_active_partitions(self) -> set[TP]:
        return self._active

    def fetch(self, *offsets: int, tp: TP = EVENTS) -> None:
        self.fetched += [
            Message(tp.topic, tp.partition, offset, 0.0, 0, [], b"k", b"v", None, tp=tp)
            for offset in offsets
        ]

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:  # noqa: ASYNC109
        if self._buffered_partitions:  # for the others there is nothing
            await asyncio.sleep(timeout)
            return
        for message in self.fetched:
            yield message.tp, message
        if self.failing is not None:
            raise self.failing
        self.fetcher._stopped.set()

    async def callback(self, message: Message) -> None:
        """As Faust's conductor does."""
        await self.app.flow_control.acquire()
        await self.queue.put(message)
        self.on_delivery()

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        self.gaps.append((tp, offset_from, offset_to))

    async def drain(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._drain_messages(self.fetcher)

    def delivered(self) -> list[tuple[int, int]]:
        """Partition and offset of what lies in the queue, and empty it."""
        taken = [self.queue.get_nowait() for _ in range(self.queue.qsize())]
        return [(message.partition, message.offset) for message in taken]


class Fast(FastDrain, Standing):
    pass


class Stock(Standing):
    _drain_messages = Consumer._drain_messages


Make = Callable[..., Standing]


@pytest.fixture(params=[Fast, Stock], ids=["mended", "stock"])
def make(request: pytest.FixtureRequest) -> Make:
    kind: type[Standing] = request.param

    def made(*, room: int = ROOM, acking: bool = True) -> Standing:
        return kind(room=room, acking=acking)

    return made


async def turns(count: int = 50) -> None:
    """Let others go on as far as they can."""
    for _ in range(count):
        await asyncio.sleep(0)


# -- partitions whose queues are full


def seconds_to_go_on(consumer: Standing, *, room_after: float, active: set[TP]) -> float:
    """From a full queue to what was fetched meanwhile; there is room after a while."""

    async def main() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        consumer._active, consumer._buffered_partitions = active, {EVENTS}
        loop.call_later(room_after, consumer._buffered_partitions.clear)
        consumer.fetch(0)
        await consumer.drain()
        return loop.time() - began

    return run_at_once(main())


@pytest.mark.parametrize("active", [{ELSEWHERE}, set()], ids=["some active", "none active"])
def test_reading_goes_on_as_soon_as_there_is_room(active: set[TP]) -> None:
    consumer = Fast(room=ROOM)
    assert seconds_to_go_on(consumer, room_after=0.3, active=active) < 0.3 + 3 * FULL_WAIT
    assert consumer.delivered() == [(0, 0)]


def test_stock_faust_goes_on_after_a_second() -> None:
    assert seconds_to_go_on(Stock(room=ROOM), room_after=0.3, active={ELSEWHERE}) >= 1.0


# -- what is delivered


async def test_messages_are_delivered_in_the_order_in_which_they_were_fetched(make: Make) -> None:
    consumer = make()
    for offset in range(2 * YIELD_EVERY):
        consumer.fetch(offset)
        consumer.fetch(offset, tp=ELSEWHERE)
    await consumer.drain()
    order = [(p, offset) for offset in range(2 * YIELD_EVERY) for p in (0, 1)]
    assert consumer.delivered() == order


async def test_the_position_follows_what_was_delivered(make: Make) -> None:
    consumer = make()
    consumer.fetch(3, 4)
    await consumer.drain()
    assert consumer._read_offset == {EVENTS: 4, ELSEWHERE: None}


async def test_messages_below_the_position_are_dropped(make: Make) -> None:
    """They were fetched before a rebalance sought further ahead."""
    consumer = make()
    consumer._read_offset[EVENTS] = 5
    consumer.fetch(3, 4, 5, 6)
    consumer.fetch(3, tp=ELSEWHERE)
    await consumer.drain()
    assert consumer.delivered() == [(0, 5), (0, 6), (1, 3)]


async def test_a_message_at_the_very_beginning_is_delivered(make: Make) -> None:
    consumer = make()
    consumer._read_offset[EVENTS] = 0
    consumer.fetch(0)
    await consumer.drain()
    assert consumer.delivered() == [(0, 0)]


async def test_offsets_without_a_message_are_noted(make: Make) -> None:
    consumer = make()
    consumer._read_offset[EVENTS] = 3
    consumer.fetch(3, 4, 7, 8, 10)
    await consumer.drain()
    assert consumer.gaps == [(EVENTS, 5, 7), (EVENTS, 9, 10)]


async def test_where_reading_begins_is_no_gap(make: Make) -> None:
    consumer = make()
    consumer._read_offset[ELSEWHERE] = 0
    consumer.fetch(7)
    consumer.fetch(7, tp=ELSEWHERE)
    await consumer.drain()
    assert consumer.gaps == []


async def test_nothing_is_noted_of_topics_that_need_no_acknowledging(make: Make) -> None:
    consumer = make(acking=False)
    consumer.fetch(3, 7)
    await consumer.drain()
    assert consumer.gaps == []


# -- waiting


async def test_a_full_queue_is_waited_for_and_order_is_kept(make: Make) -> None:
    consumer = make(room=1)
    consumer.fetch(0, 1, 2)
    draining = asyncio.create_task(consumer.drain())
    taken = []
    for _ in range(3):
        await turns()
        taken += consumer.delivered()
    await draining
    assert taken == [(0, 0), (0, 1), (0, 2)]


async def test_a_full_queue_holds_up_the_reading(make: Make) -> None:
    consumer = make(room=1)
    consumer.fetch(0, 1, 2)
    draining = asyncio.create_task(consumer.drain())
    await turns()
    assert not draining.done()
    assert consumer._read_offset[EVENTS] == 0
    draining.cancel()


async def test_a_full_queue_is_not_waited_for_through_a_rebalance(make: Make) -> None:
    """The rebalance waits for the reading to end, and the queue is emptied only after it."""
    consumer = make(room=1)
    consumer.fetch(0, 1)
    draining = asyncio.create_task(consumer.drain())
    await turns()
    consumer.suspend_flow.set()
    await draining
    assert consumer.delivered() == [(0, 0)]


async def test_agents_that_are_held_up_are_not_waited_for_through_a_rebalance(make: Make) -> None:
    consumer = make()
    consumer.app.flow_control.suspend()
    consumer.fetch(0)
    draining = asyncio.create_task(consumer.drain())
    await turns()
    assert not draining.done()
    consumer.suspend_flow.set()
    await draining
    assert consumer.delivered() == []


async def test_messages_that_find_room_cost_no_tasks(make: Make) -> None:
    consumer = make()
    tasks: list[int] = []
    consumer.on_delivery = lambda: tasks.append(len(asyncio.all_tasks()))
    consumer.fetch(*range(5))
    before = len(asyncio.all_tasks())
    await consumer.drain()
    assert len(tasks) == 5
    assert (set(tasks) == {before}) is isinstance(consumer, Fast)


async def test_a_message_that_waited_leaves_no_task_behind(make: Make) -> None:
    consumer = make(room=1)
    consumer.fetch(0, 1)
    draining = asyncio.create_task(consumer.drain())
    await turns()
    consumer.delivered()
    await draining
    await turns()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_others_have_their_turn_while_many_messages_are_delivered(make: Make) -> None:
    consumer = make()
    seen: list[int] = []

    async def others() -> None:
        while True:
            seen.append(consumer.queue.qsize())
            await asyncio.sleep(0)

    other = asyncio.create_task(others())
    consumer.fetch(*range(3 * YIELD_EVERY))
    await consumer.drain()
    other.cancel()
    assert any(0 < size < 3 * YIELD_EVERY for size in seen)


# -- the end


@pytest.mark.parametrize("error", [ConsumerStoppedError, asyncio.CancelledError])
async def test_an_end_while_the_worker_stops_is_no_error(
    make: Make, error: type[BaseException]
) -> None:
    consumer = make()
    consumer.fetch(0)
    consumer.failing, consumer.app.should_stop = error(), True
    await consumer.drain()
    assert consumer.delivered() == [(0, 0)]


@pytest.mark.parametrize("error", [ConsumerStoppedError, asyncio.CancelledError])
async def test_an_end_that_nobody_asked_for_is_an_error(
    make: Make, error: type[BaseException]
) -> None:
    consumer = make()
    consumer.failing = error()
    with pytest.raises(error):
        await consumer.drain()


@pytest.mark.parametrize("stopping", [True, False])
async def test_any_other_failure_is_an_error_always(make: Make, stopping: bool) -> None:
    consumer = make()
    consumer.failing, consumer.app.should_stop = OSError("disk"), stopping
    with pytest.raises(OSError, match="disk"):
        await consumer.drain()


async def test_a_delivery_that_fails_is_an_error(make: Make) -> None:
    def fail() -> None:
        raise KeyError("no such partition")

    consumer = make()
    consumer.on_delivery = fail
    consumer.fetch(0)
    with pytest.raises(KeyError):
        await consumer.drain()


async def test_after_the_fetcher_has_stopped_nothing_is_fetched(make: Make) -> None:
    consumer = make()
    consumer.fetch(0)
    consumer.fetcher._stopped.set()
    await consumer.drain()
    assert consumer.delivered() == []


# -- what the loop relies on


async def test_faust_s_conductor_knows_whether_there_is_room(tmp_path: Path) -> None:
    app = faust.App(
        "draining", broker="kafka://127.0.0.1:1", store="memory://", datadir=str(tmp_path)
    )
    topic = app.topic("events")
    topic.maxsize = 1
    app.topics._tp_index[EVENTS].add(topic)
    consumer, message = SimpleNamespace(app=app), SimpleNamespace(tp=EVENTS)
    assert not FastDrain._has_room(consumer, message)  # before the first assignment nothing flows
    app.flow_control.resume()
    assert FastDrain._has_room(consumer, message)
    topic.queue.put_nowait(message)
    assert not FastDrain._has_room(consumer, message)
