"""The newest slates, and those who watch."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from agents.metrics import Metrics
from gateway.board import QUEUE, Board
from streams.kafka import Record
from tests.unit.gateway.conftest import NOW, QuietReader, record_of, slate_of


def board(users: int = 10) -> Board:
    return Board(QuietReader(), Metrics(), users=users)  # type: ignore[arg-type]


async def test_the_newest_slate_is_held() -> None:
    mine = board()
    await mine.apply([record_of(slate_of("ann"), offset=1)])
    await mine.apply([record_of(slate_of("ann", revision=2), offset=2)])
    newest = mine.newest("ann")
    assert newest is not None
    assert (newest.place, newest.etag) == ("0-2", '"slate-events-0-1.2"')


async def test_a_second_revision_that_crossed_a_newer_slate_is_shown_to_nobody() -> None:
    mine = board()
    watcher = mine.watch("ann")
    newer = msgspec.structs.replace(slate_of("ann"), slate_id="slate-events-0-9")
    crossed = slate_of("ann", revision=2)
    await mine.apply([record_of(newer, offset=1), record_of(crossed, offset=2)])
    newest = mine.newest("ann")
    assert newest is not None
    assert newest.place == "0-1"
    assert (await watcher.next()).place == "0-1"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await watcher.next()


async def test_who_was_forgotten_has_none() -> None:
    mine = board()
    await mine.apply([record_of(slate_of("ann"))])
    await mine.apply([record_of(None, "ann", offset=1)])
    assert mine.newest("ann") is None


async def test_what_is_no_slate_is_counted_and_the_rest_goes_on() -> None:
    mine = board()
    broken = Record("recommendations", 0, 0, b"ann", b"{}", NOW)
    await mine.apply([broken, record_of(slate_of("eve"), offset=1)])
    assert mine.newest("ann") is None
    assert mine.newest("eve") is not None
    (sample,) = (
        s
        for m in mine.metrics.dead_letters.collect()
        for s in m.samples
        if s.labels.get("topic") == "recommendations"
    )
    assert sample.value == 1


async def test_it_holds_so_many_users_and_the_oldest_gives_way() -> None:
    mine = board(users=2)
    assert not mine.forgets()
    for name in ("ann", "bob", "ann", "eve"):
        await mine.apply([record_of(slate_of(name))])
    assert [mine.newest(name) is not None for name in ("ann", "bob", "eve")] == [True, False, True]
    assert mine.forgets()


async def test_a_watcher_sees_every_revision_of_their_user_only() -> None:
    mine = board()
    watcher = mine.watch("ann")
    await mine.apply([record_of(slate_of("eve")), record_of(slate_of("ann"), offset=1)])
    await mine.apply([record_of(slate_of("ann", revision=2), offset=2)])
    assert [(await watcher.next()).place for _ in range(2)] == ["0-1", "0-2"]


async def test_a_slow_watcher_sees_the_newest_and_holds_nobody_back() -> None:
    mine = board()
    slow, fast = mine.watch("ann"), mine.watch("ann")
    seen = []
    for offset in range(3 * QUEUE):
        await mine.apply([record_of(slate_of("ann"), offset=offset)])
        seen.append((await fast.next()).place)
    assert len(seen) == 3 * QUEUE
    late = [(await slow.next()).place for _ in range(QUEUE)]
    assert late[-1] == f"0-{3 * QUEUE - 1}"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await slow.next()


async def test_who_left_is_not_kept() -> None:
    mine = board()
    watcher = mine.watch("ann")
    mine.leave("ann", watcher)
    assert not mine._watchers


async def test_the_answer_to_a_trigger_is_waited_for() -> None:
    mine = board()
    waiting = asyncio.create_task(mine.answer("ann", "slate-requests-0-7", within=5))
    await asyncio.sleep(0)
    await mine.apply([record_of(slate_of("ann", trigger="other"))])
    assert not waiting.done()
    await mine.apply([record_of(slate_of("ann", trigger="slate-requests-0-7"), offset=3)])
    posted = await waiting
    assert posted is not None
    assert posted.place == "0-3"
    assert not mine._asked


async def test_an_answer_that_was_there_first_counts() -> None:
    mine = board()
    await mine.apply([record_of(slate_of("ann", trigger="slate-requests-0-7"))])
    assert await mine.answer("ann", "slate-requests-0-7", within=0.0) is not None


async def test_nobody_waits_for_ever() -> None:
    mine = board()
    assert await mine.answer("ann", "slate-requests-0-7", within=0.01) is None
    assert not mine._asked


async def test_a_slate_answers_what_it_supersedes() -> None:
    import msgspec

    mine = board()
    waiting = asyncio.create_task(mine.answer("ann", "old", within=5))
    await asyncio.sleep(0)
    newer = msgspec.structs.replace(slate_of("ann", trigger="new"), supersedes=("old",))
    await mine.apply([record_of(newer)])
    assert await waiting is not None
