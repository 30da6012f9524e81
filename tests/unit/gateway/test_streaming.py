"""Streams over a real socket: who does not read is cut off, and the others notice nothing."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import httpx
import pytest

from gateway import reading
from gateway.serving import make_server, port_of
from tests.support.processes import wait_until
from tests.unit.gateway.conftest import World, record_of, slate_of

LARGE = "Moby-Dick " * 50_000
"""Half a megabyte: a few of them fill every buffer between gateway and client."""


class Running:
    """A gateway that listens, in a thread of its own."""

    def __init__(self) -> None:
        self.world = World(streams=3)
        self.server = make_server(self.world.app, host="127.0.0.1", port=0, headers_within=5.0)
        self.loop: asyncio.AbstractEventLoop | None = None
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        await self.server.serve()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{port_of(self.server)}"

    def post(self, user_id: str, *, title: str, offset: int) -> None:
        """As if it had come on the topic."""
        assert self.loop is not None
        slate = slate_of(user_id, trigger=f"events-0-{offset}", title=title)
        coming = self.world.board.apply([record_of(slate, offset=offset)])
        asyncio.run_coroutine_threadsafe(coming, self.loop).result(30)

    def deaf(self, user_id: str) -> socket.socket:
        """A client that asks for a stream and never reads."""
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(("127.0.0.1", port_of(self.server)))
        line.sendall(f"GET /slates/{user_id}/stream HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return line

    def open_streams(self) -> int:
        return self.world.parts.limits.streams


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr(reading, "SEND_WITHIN", 1.0)
    gateway = Running()
    gateway.thread.start()
    wait_until(lambda: gateway.server.started, what="a gateway")
    yield gateway
    gateway.server.should_exit = True
    gateway.thread.join(20)
    assert not gateway.thread.is_alive()


def _heard(url: str, *, count: int) -> tuple[threading.Thread, list[float]]:
    """Reads the ids of so many events of ann's stream, and when they came."""
    times: list[float] = []

    def read() -> None:
        with httpx.stream("GET", f"{url}/slates/ann/stream", timeout=60) as answer:
            for line in answer.iter_lines():
                if line.startswith("id:"):
                    times.append(time.monotonic())
                if len(times) == count:
                    return

    thread = threading.Thread(target=read)
    thread.start()
    return thread, times


def _until(done: Callable[[], bool], what: str) -> None:
    wait_until(done, what=what, patience=60)


def test_who_does_not_read_is_cut_off_and_others_notice_nothing(running: Running) -> None:
    with closing(running.deaf("deaf")):
        reader, times = _heard(running.url, count=20)
        _until(lambda: running.open_streams() == 2, "two streams")
        for k in range(20):
            running.post("deaf", title=LARGE, offset=2 * k)
            running.post("ann", title="Emma", offset=2 * k + 1)
        reader.join(60)
        assert len(times) == 20
        _until(lambda: running.open_streams() == 0, "the deaf one cut off")


def test_who_vanishes_makes_room(running: Running) -> None:
    lines = [running.deaf("ann") for _ in range(3)]
    _until(lambda: running.open_streams() == 3, "three streams")
    assert httpx.get(f"{running.url}/slates/ann/stream").status_code == 503
    for line in lines:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # as a reset
        line.close()
    _until(lambda: running.open_streams() == 0, "their places")
    assert not running.world.board._watchers
