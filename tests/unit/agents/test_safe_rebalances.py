"""
What a consumer commits, forgets and reads again when partitions move.

Tests run twice: once with ours, where the fact holds, and once with the stock consumer, where it
does not, or where both are to agree.  When `is reading.mended` fails, that mend can go.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from faust.types import TP

from tests.support.offline import (
    CHANGELOG,
    ELSEWHERE,
    EVENTS,
    GENERATION,
    Reading,
    mended_only,
)

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


async def test_what_was_dealt_with_is_committed_when_partitions_go(reading: Reading) -> None:
    """Faust leaves it to waiting for empty streams, which may take for ever."""
    reading.was_committed(3)
    reading.read(3)
    reading.deal_with(3)
    await reading.consumer.on_partitions_revoked({EVENTS})
    assert (reading.commits() == ["commit 0: 4"]) is reading.mended


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


# -- where reading goes on after a rebalance


class Fetching:
    """A consumer of aiokafka that has read up to offset 8 of three partitions."""

    seek_to_committed = AIOKafkaConsumer.seek_to_committed
    begins, ends = 0, 100

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

    async def end_offsets(self, partitions: Sequence[TP]) -> dict[TP, int]:
        return dict.fromkeys(partitions, self.ends)


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
