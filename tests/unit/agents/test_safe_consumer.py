"""
Each mend of Faust's consumer, beside Faust's own that shows why it is there.

Tests run twice: once with ours, where the fact holds, and once with the stock consumer, where it
does not, or where both are to agree.  When `is reading.mended` fails, that mend can go.
"""

import gc
import threading
import weakref
from pathlib import Path

import pytest
from faust.types import TP

from agents.safety.consumer import SafeConsumer, SafeTransport
from tests.support.offline import ELSEWHERE, EVENTS, GENERATION, Reading

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


# -- queues that fill up


async def test_a_topic_is_fetched_for_no_partition_while_its_queue_is_full(
    reading: Reading,
) -> None:
    """Its partitions share the queue; what did not fit would hold up all other topics."""
    everything = {EVENTS, ELSEWHERE, TP("items", 0)}
    reading.consumer.assigned = everything
    reading.consumer._active_partitions = set(everything)
    reading.consumer.on_buffer_full(EVENTS)
    left = {TP("items", 0)} if reading.mended else {ELSEWHERE, TP("items", 0)}
    assert reading.consumer._get_active_partitions() == left
    reading.consumer.on_buffer_drop(EVENTS)
    assert reading.consumer._get_active_partitions() == everything


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
