"""Idempotency keys."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.problems import Problem
from gateway.repeats import KEPT, LONGEST_KEY, MOST, Repeats

KEY = ("shop", "k1")


class Doing:
    """Counts how often it was done."""

    def __init__(self, *, fails: int = 0) -> None:
        self.times = 0
        self.fails = fails
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self) -> int:
        self.times += 1
        mine = self.times
        await self.go.wait()
        if mine <= self.fails:
            raise Problem(503, "away")
        return mine


async def once(repeats: Repeats, do: Doing, *, key: Any = KEY, body: bytes = b"{}") -> Any:
    return await repeats.once(key, body, do)


async def test_the_same_key_does_it_once() -> None:
    repeats, do = Repeats(), Doing()
    assert [await once(repeats, do) for _ in range(3)] == [1, 1, 1]


async def test_a_repeat_that_comes_meanwhile_waits_for_the_same_answer() -> None:
    repeats, do = Repeats(), Doing()
    do.go.clear()
    both = [asyncio.create_task(once(repeats, do)) for _ in range(2)]
    await asyncio.sleep(0)
    do.go.set()
    assert await asyncio.gather(*both) == [1, 1]


async def test_who_leaves_does_not_stop_it() -> None:
    repeats, do = Repeats(), Doing()
    do.go.clear()
    left = asyncio.create_task(once(repeats, do))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    do.go.set()
    assert await once(repeats, do) == 1


async def test_a_key_is_its_callers_own() -> None:
    repeats, do = Repeats(), Doing()
    assert [await once(repeats, do, key=(name, "k1")) for name in ("shop", "other")] == [1, 2]


async def test_without_a_key_it_is_done_each_time() -> None:
    repeats, do = Repeats(), Doing()
    assert [await once(repeats, do, key=("shop", "")) for _ in range(2)] == [1, 2]


async def test_another_body_under_the_key_is_refused() -> None:
    repeats, do = Repeats(), Doing()
    await once(repeats, do)
    with pytest.raises(Problem) as caught:
        await once(repeats, do, body=b"[]")
    assert (caught.value.status, caught.value.field, do.times) == (422, "Idempotency-Key", 1)


async def test_what_failed_may_be_tried_again() -> None:
    repeats, do = Repeats(), Doing(fails=1)
    with pytest.raises(Problem):
        await once(repeats, do)
    assert await once(repeats, do) == 2


async def test_a_key_that_is_too_long_is_refused() -> None:
    repeats, do = Repeats(), Doing()
    with pytest.raises(Problem):
        await once(repeats, do, key=("shop", "k" * (LONGEST_KEY + 1)))
    assert await once(repeats, do, key=("shop", "k" * LONGEST_KEY)) == 1


async def test_an_answer_is_kept_for_ten_minutes() -> None:
    now = 0.0
    repeats, do = Repeats(clock=lambda: now), Doing()
    await once(repeats, do)
    now = KEPT - 1
    assert await once(repeats, do) == 1
    now = KEPT + 1
    assert await once(repeats, do) == 2


async def test_so_many_answers_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.repeats.MOST", 3)
    assert MOST > 3
    repeats, do = Repeats(), Doing()
    for k in range(10):
        await once(repeats, do, key=("shop", f"k{k}"))
    assert len(repeats._kept) <= 3
