"""A record ends in one of three ways: dealt with, kept among the dead letters, or the last one."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agents.consuming import EXIT_CODE, EXIT_SETUP, Consuming, record_of
from agents.metrics import Metrics
from agents.safety.lease import Lease
from agents.testing import (
    SmallEnd,
    SmallOutbox,
    SmallStream,
    WorkerEnded,
    event_of,
    run_at_once,
)
from streams.deadletters import SHORT_VALUE_BYTES
from streams.errors import (
    DeliveryFailed,
    MalformedEvent,
    MalformedItem,
    RejectedEvent,
    UnknownAction,
)
from streams.kafka import Record

Body = Callable[[Record], Awaitable[None]]


class Reading:
    """A `Consuming` with what it was handed, and what came of it."""

    def __init__(self, outbox: SmallOutbox | None = None, *, max_bytes: int = 1000) -> None:
        self.diary: list[str] = []
        self.outbox = outbox or SmallOutbox(diary=self.diary)
        self.fatal = SmallEnd()
        self.metrics = Metrics()
        self.lease = Lease(session=10.0, clock=lambda: 0.0)
        self.generation = 0
        self.consuming = Consuming(
            outbox=self.outbox,
            dead_letters="dead-letters",
            max_bytes=max_bytes,
            metrics=self.metrics,
            acknowledge=self._acknowledge,
            generation=lambda: self.generation,
            lease=self.lease,
            fatal=self.fatal,
        )

    def _acknowledge(self, message: Any) -> None:
        self.diary.append(f"acknowledge {message.offset}")

    async def read(self, body: Body, *records: Record) -> None:
        await self.consuming.each(SmallStream(*records), body)

    def rejected(self, reason: str) -> float | None:
        labels = {"topic": "events", "reason": reason}
        return self.metrics.registry.get_sample_value("headwater_dead_letters_total", labels)


def record(offset: int = 0, value: bytes | None = b"{}") -> Record:
    return Record("events", 2, offset, b"ann", value, 1000.0)


async def fine(_: Record) -> None:
    """Deal with any record."""


def raising(error: BaseException) -> Body:
    async def body(_: Record) -> None:
        raise error

    return body


async def test_a_record_is_acknowledged_once_it_was_dealt_with() -> None:
    reading = Reading()

    async def body(found: Record) -> None:
        await asyncio.sleep(0)
        reading.diary.append(f"body {found.offset}")

    await reading.read(body, record(4))
    assert reading.diary == ["body 4", "acknowledge 4"]


async def test_records_are_dealt_with_one_after_the_other_in_their_order() -> None:
    reading = Reading()

    async def slower_at_first(found: Record) -> None:
        for _ in range(5 - found.offset):
            await asyncio.sleep(0)
        reading.diary.append(f"body {found.offset}")

    await reading.read(slower_at_first, *(record(offset) for offset in range(3)))
    assert reading.diary == [
        step for offset in range(3) for step in (f"body {offset}", f"acknowledge {offset}")
    ]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MalformedEvent("no item"), "malformed_event"),
        (MalformedItem("no title"), "malformed_item"),
        (UnknownAction("juggle"), "unknown_action"),
        (RejectedEvent("just so"), "rejected_event"),
    ],
)
async def test_a_rejected_record_becomes_a_dead_letter_with_its_origin_and_the_reason(
    error: RejectedEvent, reason: str
) -> None:
    reading = Reading()
    await reading.read(raising(error), record(9, b"\xff as it came"))
    (letter,) = reading.outbox.posted
    assert (letter.topic, letter.key, letter.value) == ("dead-letters", b"ann", b"\xff as it came")
    headers = dict(letter.headers)
    assert headers["origin"] == b"events-2-9"
    assert headers["reason"] == reason.encode()
    assert headers["message"] == str(error).encode()


async def test_a_rejected_record_is_acknowledged_after_its_letter_was_posted() -> None:
    reading = Reading()
    await reading.read(raising(MalformedEvent("no item")), record(9))
    assert reading.diary == ["post dead-letters", "acknowledge 9"]
    assert reading.fatal.reasons == []


async def test_a_rejected_record_is_counted_by_its_topic_and_the_reason() -> None:
    reading = Reading()
    await reading.read(raising(UnknownAction("juggle")), record(1), record(2))
    assert reading.rejected("unknown_action") == 2


async def test_after_a_rejected_record_the_stream_goes_on() -> None:
    reading = Reading()

    async def picky(found: Record) -> None:
        if found.offset == 1:
            raise MalformedEvent("not that one")

    await reading.read(picky, *(record(offset) for offset in range(3)))
    assert reading.diary == [
        "acknowledge 0",
        "post dead-letters",
        "acknowledge 1",
        "acknowledge 2",
    ]


@pytest.mark.parametrize(
    "error",
    [ValueError("a bug"), KeyError("dune"), TimeoutError(), RecursionError(), MemoryError()],
    ids=repr,
)
async def test_any_other_failure_ends_the_worker_before_the_record_is_acknowledged(
    error: Exception,
) -> None:
    reading = Reading()
    with pytest.raises(WorkerEnded):
        await reading.read(raising(error), record(9), record(10))
    assert reading.diary == []
    (reason,) = reading.fatal.reasons
    assert reason.startswith("events-2-9 could not be dealt with")
    assert type(error).__name__ in reason


async def test_a_cancelled_body_is_no_failure_and_is_not_acknowledged() -> None:
    reading = Reading()
    with pytest.raises(asyncio.CancelledError):
        await reading.read(raising(asyncio.CancelledError()), record(9))
    assert (reading.fatal.reasons, reading.diary) == ([], [])


async def test_an_output_that_cannot_be_sent_ends_the_worker() -> None:
    reading = Reading(SmallOutbox(refusing=["co-visits"]))

    async def body(_: Record) -> None:
        await reading.outbox.post("co-visits", key=b"dune", value=b"[]")

    with pytest.raises(WorkerEnded):
        await reading.read(body, record(9))
    assert reading.diary == []


async def test_a_dead_letter_that_cannot_be_sent_ends_the_worker() -> None:
    reading = Reading(SmallOutbox(refusing=["dead-letters"]))
    with pytest.raises(WorkerEnded):
        await reading.read(raising(MalformedEvent("no item")), record(9))
    assert reading.diary == []


async def test_a_record_whose_letter_cannot_be_sent_is_not_acknowledged() -> None:
    reading = Reading(SmallOutbox(refusing=["dead-letters"]))
    with pytest.raises((WorkerEnded, DeliveryFailed)):
        await reading.read(raising(MalformedEvent("no item")), record(9))
    assert reading.diary == []


async def test_what_is_too_large_becomes_a_dead_letter_unread() -> None:
    reading = Reading(max_bytes=10)
    await reading.read(raising(AssertionError("was read")), record(3, b"x" * 11))
    (letter,) = reading.outbox.posted
    headers = dict(letter.headers)
    assert headers["reason"] == b"malformed_event"
    assert headers["message"] == b"11 bytes, expected at most 10"
    assert reading.diary[-1] == "acknowledge 3"


@pytest.mark.parametrize("value", [b"x" * 10, None], ids=["just as long", "no value"])
async def test_what_is_not_too_large_is_read(value: bytes | None) -> None:
    reading = Reading(max_bytes=10)
    await reading.read(fine, record(3, value))
    assert reading.outbox.posted == []


def test_a_record_is_current_while_its_partition_belongs_to_the_worker() -> None:
    reading = Reading()
    reading.generation = 7
    assert reading.consuming.is_current(7)
    assert not reading.consuming.is_current(6)


async def test_a_record_of_a_partition_that_moved_away_is_neither_dealt_with_nor_acknowledged() -> (
    None
):
    reading = Reading()
    reading.generation = 1

    async def body(found: Record) -> None:
        reading.diary.append(f"body {found.offset}")

    await reading.read(body, record(4))
    assert reading.diary == []


def test_without_a_lease_a_record_waits_until_there_is_one() -> None:
    async def main() -> list[str]:
        reading = Reading()

        async def body(found: Record) -> None:
            reading.diary.append(f"body {found.offset}")

        def regain() -> None:
            reading.diary.append("regain")
            reading.lease.regain()

        reading.lease.lose()
        asyncio.get_running_loop().call_later(3.0, regain)
        await reading.read(body, record(4))
        return reading.diary

    assert run_at_once(main()) == ["regain", "body 4", "acknowledge 4"]


def test_a_record_that_waits_for_a_lease_is_passed_over_when_its_partition_moves_away() -> None:
    async def main() -> list[str]:
        reading = Reading()

        def move_away() -> None:
            reading.diary.append("moved")
            reading.generation = 1

        reading.lease.lose()
        asyncio.get_running_loop().call_later(3.0, move_away)
        async with asyncio.timeout(60.0):
            await reading.read(raising(AssertionError("was read")), record(4))
        return reading.diary

    assert run_at_once(main()) == ["moved"]


def test_a_message_becomes_the_record_it_was() -> None:
    assert record_of(event_of(record(5), generation=3).message) == record(5)._replace(generation=3)


END_A_WORKER = """
import asyncio, atexit, contextlib, logging
from agents.consuming import end_worker
atexit.register(print, "cleaned up")

async def main():
    try:
        end_worker("the disk is full", ValueError("no space left"))
    finally:
        print("finally")

asyncio.run(main())
"""


def test_the_end_of_a_worker_is_at_once_with_exit_code_70_and_its_reason_on_stderr() -> None:
    done = subprocess.run(
        [sys.executable, "-c", END_A_WORKER],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == EXIT_CODE == 70
    assert done.stdout == ""  # no clean-up: it would commit what is not durable
    assert "the disk is full; nothing after it was committed" in done.stderr
    assert "no space left" in done.stderr


def test_wrong_surroundings_end_a_worker_with_exit_code_2_and_no_traceback() -> None:
    because = "TopicMismatch('topic events has 6 partitions')"
    program = END_A_WORKER.replace('ValueError("no space left")', because)
    done = subprocess.run(
        [sys.executable, "-c", f"from streams.errors import TopicMismatch\n{program}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == EXIT_SETUP == 2
    assert "the disk is full; nothing after it was committed" in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_letter_the_broker_finds_too_large_keeps_its_beginning() -> None:
    reading = Reading(SmallOutbox(largest=100_000))
    await reading.read(fine, record(value=b"x" * 200_000))
    (letter,) = reading.outbox.on("dead-letters")
    assert letter.value == b"x" * SHORT_VALUE_BYTES
    assert dict(letter.headers)["cut"] == b"200000"
