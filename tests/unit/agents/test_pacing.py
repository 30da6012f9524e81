"""How often a worker commits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from faust.transport.drivers.aiokafka import Consumer

from agents.safety import pacing
from agents.safety.consumer import SafeConsumer
from agents.safety.pacing import LONGEST, PAUSE, PacedCommits, pause


class Committing:
    """A consumer whose commits take so long, on a clock of its own."""

    commit_interval = 1.0

    def __init__(self, *takes: float) -> None:
        self.takes = list(takes)
        self.now = 0.0
        self.began: list[float] = []

    @property
    def should_stop(self) -> bool:
        return not self.takes

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def commit(self) -> None:
        self.began.append(self.now)
        self.now += self.takes.pop(0)


def begun(monkeypatch: pytest.MonkeyPatch, *takes: float) -> list[float]:
    consumer = Committing(*takes)
    monkeypatch.setattr(pacing, "monotonic", lambda: consumer.now)
    loop: Any = PacedCommits._commit_handler
    asyncio.run(loop.fun(consumer))
    return consumer.began


def test_quick_commits_keep_their_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    assert begun(monkeypatch, 0.0, 0.0, 0.0) == [1.0, 2.0, 3.0]


def test_a_slow_commit_is_followed_by_a_longer_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = begun(monkeypatch, 0.25, 0.0, 0.0)
    assert (first, second - first, third - second) == (1.0, 0.25 + PAUSE * 0.25, 1.0)


def test_no_pause_is_longer_than_so_many_intervals() -> None:
    assert pause(0.2, took=60.0) == LONGEST * 0.2


def test_faust_has_the_loop_that_is_replaced_and_runs_ours_instead() -> None:
    """Under another name it would commit beside us."""
    assert any("_commit_handler" in vars(base) for base in Consumer.__mro__)
    consumer = SafeConsumer.__new__(SafeConsumer)
    tasks = list(consumer._get_tasks())
    assert PacedCommits._commit_handler in tasks
    assert not any(vars(base).get("_commit_handler") in tasks for base in Consumer.__mro__)
