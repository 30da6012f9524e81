"""A model that fails is left alone; one question finds out whether it is back."""

import asyncio
import contextlib
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.breaker import Breaker, Rest
from streams.errors import ModelUnavailable
from tests.support.clocks import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("small", failures=3, rest=30.0, clock=clock)


def counts(exc: ModelUnavailable) -> bool:
    return exc.reason == "server-error"


def ask(breaker: Breaker, reason: str = "") -> str:
    """Ask once; what is raised where it goes wrong for a reason."""
    try:
        with breaker.watch(counts):
            if reason:
                raise ModelUnavailable("no", reason=reason)
    except ModelUnavailable as exc:
        return exc.reason
    return "answered"


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        ask(breaker, "server-error")


def test_it_opens_after_failures_in_a_row(breaker: Breaker) -> None:
    fail(breaker, 2)
    assert breaker.state == "closed"
    fail(breaker, 1)
    assert breaker.state == "open"
    assert ask(breaker) == "breaker-open"


def test_an_answer_in_between_begins_the_count_anew(breaker: Breaker) -> None:
    fail(breaker, 2)
    ask(breaker)
    fail(breaker, 2)
    assert breaker.state == "closed"


def test_a_failure_that_is_not_the_models_counts_as_an_answer(breaker: Breaker) -> None:
    fail(breaker, 2)
    assert ask(breaker, "rejected") == "rejected"
    fail(breaker, 2)
    assert breaker.state == "closed"


def test_after_a_rest_one_question_tries_and_others_wait(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 30
    assert breaker.state == "half-open"
    with breaker.watch(counts):
        assert ask(breaker) == "breaker-open"
    assert breaker.state == "closed"


def test_a_try_that_fails_opens_it_again(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 30
    fail(breaker, 1)
    assert breaker.state == "open"
    clock.now += 30
    assert ask(breaker) == "answered"
    assert breaker.state == "closed"


def test_a_try_that_is_cancelled_lets_another_try(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 30
    with contextlib.suppress(asyncio.CancelledError), breaker.watch(counts):
        raise asyncio.CancelledError
    assert breaker.state == "half-open"
    assert ask(breaker) == "answered"


def test_a_failure_of_before_it_opened_makes_the_rest_no_longer(
    breaker: Breaker, clock: Clock
) -> None:
    with contextlib.suppress(ModelUnavailable), breaker.watch(counts):
        fail(breaker, 3)
        clock.now += 29
        raise ModelUnavailable("late", reason="server-error")
    clock.now += 1
    assert breaker.state == "half-open"


def test_a_clock_that_goes_back_does_not_keep_it_open(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now -= 3600
    assert ask(breaker) == "answered"


def test_opening_and_recovering_are_one_line_each(
    breaker: Breaker, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "headwater"):
        fail(breaker, 9)
        clock.now += 30
        ask(breaker)
        ask(breaker)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "3 failures in a row" in caplog.text
    assert "small answers again" in caplog.text


@given(st.lists(st.sampled_from(["ok", "fail", "rest"])))
def test_it_never_admits_anybody_while_it_is_open(steps: list[str]) -> None:
    clock, row, opened = Clock(100.0), 0, False
    breaker = Breaker("small", failures=2, rest=30.0, clock=clock)
    for step in steps:
        if step == "rest":
            clock.now += 30
            opened = False
            continue
        came_of_it = ask(breaker, "server-error" if step == "fail" else "")
        assert (came_of_it == "breaker-open") == opened
        if not opened:
            row = row + 1 if step == "fail" else 0
            opened = row >= 2


def test_a_rest_is_over_when_it_is_over(clock: Clock) -> None:
    rest = Rest(clock)
    assert rest.why is None
    rest.begin(10.0, ModelUnavailable("no", reason="wrong-key"))
    clock.now += 9.9
    assert rest.why is not None
    clock.now += 0.1
    assert rest.why is None
