"""
Offsets are committed for what is durable, and only by a member of the group.

Tests run twice: once with ours, where the fact holds, and once with the stock consumer, where it
does not, or where both are to agree.  When `is reading.mended` fails, that mend can go.
"""

import asyncio
from contextlib import suppress
from itertools import pairwise, permutations

import pytest

from tests.support.offline import (
    ELSEWHERE,
    EVENTS,
    GENERATION,
    Reading,
    lost,
    mended_only,
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
