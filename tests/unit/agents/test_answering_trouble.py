"""What holds slates up or goes wrong costs nobody an answer, and nothing is answered twice."""

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest

from agents.testing import (
    WorkerEnded,
    run_at_once,
)
from agents.waiting import MANY
from streams.errors import DeliveryFailed
from streams.kafka import Record
from streams.requests import SlateRequest, encode_request
from tests.support.desk import CURRENT, NOW, Desk, asks

# -- events come first


async def test_the_next_slate_waits_while_there_are_events_to_fold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = [0, 1, 2]

    def unfolded() -> int:
        if left:
            desk.diary.append("fold")
        return left.pop() if left else 0

    desk = Desk(unfolded=unfolded)
    monkeypatch.setattr("agents.answering.FOLD_SHARE", 1e9)
    await desk.take(asks("ann", 0), asks("eve", 1))
    async with desk.open():
        await desk.acknowledged(2)
    assert desk.diary == [
        "post recommendations",
        "acknowledge 0",
        "fold",
        "fold",
        "fold",
        "post recommendations",
        "acknowledge 1",
    ]


async def test_waiting_for_events_ends_when_all_are_folded() -> None:
    left = [0, 1, 2]
    await Desk(unfolded=left.pop).answering._let_fold(3600.0)
    assert left == []


async def test_waiting_for_events_that_never_end_does_end() -> None:
    await Desk(unfolded=lambda: 1).answering._let_fold(0.0)


async def test_the_more_events_wait_the_longer_slates_do(monkeypatch: pytest.MonkeyPatch) -> None:
    async def looks(waiting: int) -> int:
        ticks, counted = count(), []
        monkeypatch.setattr("agents.answering.monotonic", lambda: float(next(ticks)))

        def unfolded() -> int:
            counted.append(waiting)
            return waiting

        await Desk(unfolded=unfolded).answering._let_fold(1.0)
        return len(counted)

    assert await looks(4 * MANY) > 4 * await looks(1) > 0


async def test_everybody_is_answered_although_there_are_always_events_to_fold() -> None:
    desk = Desk(unfolded=lambda: 1)
    await desk.take(asks("ann", 0), asks("eve", 1))
    async with desk.open():
        await desk.acknowledged(2)
    assert [slate.user_id for slate in desk.slates()] == ["ann", "eve"]


@pytest.mark.parametrize("unfolded", [0, 1])
async def test_others_have_a_turn_between_two_slates(unfolded: int) -> None:
    turns: list[str] = []
    asyncio.get_running_loop().call_soon(turns.append, "someone else")
    await Desk(unfolded=lambda: unfolded).answering._let_fold(0.0)
    assert turns == ["someone else"]


# -- a full line


def test_who_comes_to_a_full_line_waits_on_the_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> Desk:
        desk = Desk()
        await desk.take(asks("ann", 0), asks("eve", 1))
        coming = asyncio.create_task(desk.take(asks("bob", 2)))
        await asyncio.sleep(60)
        assert not coming.done()
        async with desk.open():
            await desk.acknowledged(3)
        assert coming.done()
        return desk

    monkeypatch.setattr("agents.answering.IN_LINE", 2)
    assert [slate.user_id for slate in run_at_once(main()).slates()] == ["ann", "eve", "bob"]


# -- partitions that move


async def test_a_request_whose_partition_moved_away_is_neither_answered_nor_acknowledged() -> None:
    desk = Desk()
    await desk.take(asks("ann", 0))
    desk.current = CURRENT + 1
    await desk.take(asks("eve", 2), generation=CURRENT + 1)
    async with desk.open():
        await desk.acknowledged(1)
    assert [slate.user_id for slate in desk.slates()] == ["eve"]
    assert desk.acknowledgements() == ["acknowledge 2"]
    assert desk.superseded() == 0


def test_without_a_lease_nobody_is_answered_until_there_is_one() -> None:
    async def main() -> Desk:
        desk = Desk()
        desk.lease.lose()
        await desk.take(asks("ann", 0))
        async with desk.open():
            await asyncio.sleep(60)
            assert desk.diary == []
            desk.lease.regain()
            await desk.acknowledged(1)
        return desk

    assert run_at_once(main()).diary == ["post recommendations", "acknowledge 0"]


def test_a_request_whose_partition_moves_while_the_lease_is_lost_is_left_to_its_new_owner() -> None:
    async def main() -> Desk:
        desk = Desk()
        desk.lease.lose()
        await desk.take(asks("ann", 0))
        async with desk.open():
            await asyncio.sleep(60)
            desk.current = CURRENT + 1
            desk.lease.regain()
            await asyncio.sleep(60)
        return desk

    assert run_at_once(main()).diary == []


def test_who_asks_while_the_slate_is_being_made_is_not_lost() -> None:
    """Its place has been taken from the line: it is answered by a slate of its own."""

    async def main() -> Desk:
        desk = Desk()
        desk.lease.lose()
        async with desk.open():
            await desk.take(asks("ann", 0))
            await asyncio.sleep(60)
            await desk.take(asks("ann", 1))
            desk.lease.regain()
            await desk.acknowledged(2)
        return desk

    assert [s.answers for s in run_at_once(main()).slates()] == [("events-0-0",), ("events-0-1",)]


# -- what can go wrong

BAD = {
    "no value": None,
    "no request": b"{}",
    "too large": encode_request(SlateRequest(user_id="ann")) + b" " * 10_000,
    "another user's key": encode_request(SlateRequest(user_id="eve")),
    "an unknown scenario": encode_request(SlateRequest(user_id="ann", scenario="moon")),
}


@pytest.mark.parametrize("value", BAD.values(), ids=BAD.keys())
async def test_what_is_no_request_becomes_a_dead_letter_and_the_next_one_is_answered(
    value: bytes | None,
) -> None:
    desk = Desk()
    bad = Record("slate-requests", 1, 4, b"ann", value, NOW)
    async with desk.open():
        await desk.take((bad, SlateRequest("ann")), asks("ann", 5))
        await desk.acknowledged(2)
    (letter,) = desk.outbox.on("dead-letters")
    assert dict(letter.headers)["origin"] == b"slate-requests-1-4"
    assert desk.diary[:2] == ["post dead-letters", "acknowledge 4"]
    assert [slate.answers for slate in desk.slates()] == [("events-0-5",)]


async def test_a_dead_letter_that_cannot_be_sent_ends_the_worker() -> None:
    desk = Desk(refusing=["dead-letters"])
    bad = Record("slate-requests", 1, 4, b"ann", b"{", NOW)
    with pytest.raises(WorkerEnded):
        await desk.take((bad, SlateRequest("ann")))
    assert desk.acknowledgements() == []


async def test_a_slate_that_is_refused_ends_the_worker_and_its_first_event_stays() -> None:
    """So nothing from there on is committed, and all is read again."""
    desk = Desk(refusing=["recommendations"])
    await desk.take(asks("ann", 0), asks("ann", 1), asks("eve", 2))
    await desk.ends()
    assert len(desk.fatal.reasons) == 1
    assert "slate-requests-0-1" in desk.fatal.reasons[0]
    assert "refused" in desk.fatal.reasons[0]
    assert desk.acknowledgements() == ["acknowledge 1"]
    assert desk.superseded() == 0


async def test_after_a_slate_that_was_lost_nothing_is_answered_acknowledged_or_settled() -> None:
    """That it was lost is known only later: what was acknowledged until then is not committed."""
    desk = Desk(losing=["recommendations"])
    await desk.take(asks("ann", 0), asks("eve", 1), asks("bob", 2))
    await desk.ends()
    assert desk.slates() == []
    assert desk.acknowledgements() == ["acknowledge 0"]
    with pytest.raises(DeliveryFailed):
        await desk.outbox.settle()


async def test_a_slate_that_cannot_be_built_ends_the_worker_and_is_not_acknowledged() -> None:
    async def broken(*_: Any, superseded: Sequence[str]) -> None:
        raise RuntimeError("the index is gone")

    desk = Desk()
    desk.answering._recommending.answer = broken  # type: ignore[method-assign]
    await desk.take(asks("ann", 0))
    await desk.ends()
    assert "the index is gone" in desk.fatal.reasons[0]
    assert desk.diary == []
