"""How much one caller may ask for."""

from __future__ import annotations

import time
from typing import Any

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from agents.settings import GatewaySettings
from gateway.access import LOOPBACK, Caller
from gateway.limits import MOST_HEADERS, Limits, Rate
from gateway.problems import Problem
from tests.support.clocks import Clock
from tests.unit.gateway.conftest import World

ANN, EVE = Caller("ann", frozenset()), Caller("eve", frozenset())


def from_address(host: str) -> Request:
    return Request({"type": "http", "headers": [], "client": (host, 5000)})


HERE = from_address("127.0.0.1")


# -- requests a second


def test_a_seconds_worth_may_come_at_once_and_then_one_when_it_is_due() -> None:
    clock = Clock()
    rate = Rate(10, clock=clock)
    assert [rate.wait("ann") for _ in range(10)] == [0.0] * 10
    assert rate.wait("ann") == pytest.approx(0.1)
    clock.now = 0.1
    assert [rate.wait("ann") > 0 for _ in range(2)] == [False, True]


def test_over_a_minute_nobody_gets_more_than_their_rate() -> None:
    clock = Clock()
    rate = Rate(7, clock=clock)
    allowed = 0
    for k in range(60_000):
        clock.now = k / 1000
        allowed += rate.wait("ann") == 0.0
    assert 60 * 7 <= allowed <= 61 * 7


def test_callers_do_not_use_up_each_others() -> None:
    rate = Rate(1, clock=Clock())
    assert [rate.wait(name) > 0 for name in ("ann", "eve", "ann")] == [False, False, True]


def test_who_has_nothing_to_wait_for_is_not_remembered() -> None:
    clock = Clock()
    rate = Rate(5, clock=clock)
    for k in range(1000):
        clock.now = float(k)
        rate.wait(f"token:{k}")
    assert len(rate._done) == 1


def test_the_answer_says_when_to_come_again() -> None:
    limits = Limits(GatewaySettings(per_second=1))
    limits.count(ANN, HERE)
    with pytest.raises(Problem) as caught:
        limits.count(ANN, HERE)
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (429, "1")


def test_who_has_no_key_is_counted_by_address() -> None:
    limits = Limits(GatewaySettings(per_second=1))
    limits.count(LOOPBACK, HERE)
    limits.count(LOOPBACK, from_address("127.0.0.2"))
    with pytest.raises(Problem):
        limits.count(LOOPBACK, HERE)


# -- streams


def test_one_caller_has_so_many_streams() -> None:
    limits = Limits(GatewaySettings(streams_each=2))
    with limits.stream(ANN, HERE), limits.stream(ANN, HERE):
        limits.allow_stream(EVE, HERE)
        with pytest.raises(Problem) as caught:
            limits.allow_stream(ANN, HERE)
    assert caught.value.status == 429
    limits.allow_stream(ANN, HERE)
    assert limits.streams == 0


def test_all_together_have_so_many_streams() -> None:
    limits = Limits(GatewaySettings(streams=2))
    with limits.stream(ANN, HERE), limits.stream(EVE, HERE), pytest.raises(Problem) as caught:
        limits.allow_stream(Caller("bob", frozenset()), HERE)
    assert caught.value.status == 503
    assert caught.value.headers["Retry-After"]


def test_a_stream_too_many_is_refused_with_a_status() -> None:
    world = World(streams_each=1)
    here = from_address("testclient")
    with TestClient(world.app) as http, world.parts.limits.stream(LOOPBACK, here):
        answer = http.get("/slates/ann/stream")
    assert (answer.status_code, answer.json()["title"]) == (429, "Too many streams")


# -- headers and bodies


def test_so_many_headers_are_read_and_no_more(http: TestClient) -> None:
    def asked(lines: int) -> int:
        return http.get("/healthz", headers={f"x-{k}": "y" for k in range(lines)}).status_code

    assert asked(MOST_HEADERS - 10) == 200
    assert asked(MOST_HEADERS + 1) == 431


def test_a_length_that_is_too_large_is_refused_before_the_body() -> None:
    world = World(max_body=1024)

    def never() -> Any:
        yield b"{"
        raise AssertionError("the body was read")

    with TestClient(world.app) as http:
        answer = http.post("/events", content=never(), headers={"Content-Length": "1025"})
    assert answer.status_code == 413


async def test_all_parts_of_a_body_count() -> None:
    from gateway.limits import _Body

    async def part() -> Any:
        return {"type": "http.request", "body": b"123456", "more_body": True}

    body = _Body(part, most=10, within=60)
    await body.receive()
    with pytest.raises(Problem) as caught:
        await body.receive()
    assert caught.value.status == 413


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    from gateway.limits import _Body

    async def hang() -> Any:
        import asyncio

        await asyncio.sleep(60)

    began = time.monotonic()
    with pytest.raises(Problem) as caught:
        await _Body(hang, most=10, within=0.05).receive()
    assert caught.value.status == 408
    assert time.monotonic() - began < 30
