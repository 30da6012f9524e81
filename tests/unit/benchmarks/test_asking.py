"""The open loop: a server's pause counts for all who were due meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from benchmarks.asking import time_requests

PAUSE = 0.6
"""Seconds for which the server answers nobody, once."""


@pytest.fixture
async def pausing() -> AsyncIterator[TestServer]:
    began = time.monotonic()

    async def answer(request: web.Request) -> web.Response:
        due = began + 0.2
        if due <= time.monotonic() < due + PAUSE:
            await asyncio.sleep(due + PAUSE - time.monotonic())
        if request.path == "/bad":
            raise web.HTTPServiceUnavailable
        return web.Response(text=request.headers.get("X-Key", ""))

    app = web.Application()
    app.router.add_get("/{name}", answer)
    async with TestServer(app) as server:
        yield server


async def _ask(server: TestServer, path: str) -> tuple[float, int, int]:
    found = await time_requests(
        str(server.make_url("/")),
        path=lambda _: path,
        headers={"X-Key": "k"},
        rate=100,
        seconds=1.0,
    )
    return found.latency.p95, found.latency.answered, found.failed


async def test_a_pause_is_seen_by_all_who_were_due_in_it(pausing: TestServer) -> None:
    p95, answered, failed = await _ask(pausing, "/good")
    assert (answered, failed) == (100, 0)
    assert p95 > PAUSE * 1000 / 2  # a closed loop would have one late request of a hundred


async def test_what_is_no_success_is_counted_apart(pausing: TestServer) -> None:
    _, answered, failed = await _ask(pausing, "/bad")
    assert (answered, failed) == (0, 100)
