"""How much one caller may ask for: requests, bytes of a body, seconds to send it, streams."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agents.settings import GatewaySettings
from gateway.access import Caller
from gateway.problems import Problem


class Rate:
    """
    So many requests a second of each caller, of which a second's worth may come at once.

    One time per caller: when all that they asked for would be done, were it done evenly.  A library
    (limits 5.8) kept every request and started a thread a hundred times a second to forget them.

    >>> now = 0.0
    >>> rate = Rate(2, clock=lambda: now)
    >>> [rate.wait("ann") for _ in range(4)]
    [0.0, 0.0, 0.5, 0.5]
    >>> now = 0.5
    >>> [rate.wait("ann"), rate.wait("ann"), rate.wait("eve")]
    [0.0, 0.5, 0.0]

    Source:
        The generic cell rate algorithm, ITU-T I.371, annex A.
    """

    def __init__(self, per_second: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_second = per_second
        self._clock = clock
        self._done: OrderedDict[str, float] = OrderedDict()

    def wait(self, name: str) -> float:
        """Seconds until a caller may ask again; 0 where they may now, and that is counted."""
        now, each = self._clock(), 1 / self.per_second
        self._drop(now)
        done = max(self._done.get(name, now), now) + each
        if done > now + 1 + each / 2:
            return done - now - 1
        self._done[name] = done
        self._done.move_to_end(name)
        return 0.0

    def _drop(self, now: float) -> None:
        """Forget callers who have nothing to wait for: they are as if they never came."""
        while self._done and next(iter(self._done.values())) <= now:
            self._done.popitem(last=False)


class Limits:
    """What callers have used up."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._rate = Rate(settings.per_second)
        self._streams = settings.streams
        self._each = settings.streams_each
        self._open: Counter[str] = Counter()

    @property
    def streams(self) -> int:
        """Streams that are open."""
        return self._open.total()

    def count(self, caller: Caller, request: Request) -> None:
        """
        One more request.

        Raises:
            Problem: 429, with the seconds to wait.
        """
        if wait := self._rate.wait(_name(caller, request)):
            raise Problem(
                429,
                "Too many requests",
                f"at most {self._rate.per_second} a second",
                headers={"Retry-After": str(math.ceil(wait))},
            )

    def allow_stream(self, caller: Caller, request: Request) -> None:
        """
        May there be one more stream?

        Raises:
            Problem: 429 where the caller has too many, 503 where all have.
        """
        name = _name(caller, request)
        if self._open[name] >= self._each:
            raise Problem(429, "Too many streams", f"at most {self._each} at once")
        if self.streams >= self._streams:
            raise Problem(
                503, "Too many streams", "try another gateway", headers={"Retry-After": "5"}
            )

    @contextmanager
    def stream(self, caller: Caller, request: Request) -> Iterator[None]:
        """One more stream, while the block lasts."""
        name = _name(caller, request)
        self._open[name] += 1
        try:
            yield
        finally:
            self._open[name] -= 1
            if not self._open[name]:
                del self._open[name]


def _name(caller: Caller, request: Request) -> str:
    """Whoever has no key is counted by address."""
    if caller.name != "loopback" or request.client is None:
        return caller.name
    return f"{caller.name}:{request.client.host}"


MOST_HEADERS = 100
"""Header lines of one request."""


class SizeLimit:
    """ASGI middleware: what is too large, or comes too slowly, is not waited for."""

    def __init__(self, app: ASGIApp, *, most: int, within: float) -> None:
        self._app = app
        self._most = most
        self._within = within

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with its body bounded."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if (problem := self._refusal(scope["headers"])) is not None:
            await problem.response()(scope, receive, send)
            return
        body = _Body(receive, most=self._most, within=self._within)
        await self._app(scope, body.receive, send)

    def _refusal(self, headers: Sequence[tuple[bytes, bytes]]) -> Problem | None:
        if len(headers) > MOST_HEADERS:
            return Problem(431, "Too many headers", f"expected {MOST_HEADERS} lines at most")
        length = dict(headers).get(b"content-length", b"")
        return too_large(self._most) if length.isdigit() and int(length) > self._most else None


def too_large(most: int) -> Problem:
    """A body over the limit."""
    return Problem(413, "Too large", f"a body may have {most} bytes")


class _Body:
    """A request's body as it comes in."""

    def __init__(self, receive: Receive, *, most: int, within: float) -> None:
        self._receive = receive
        self._most = most
        self._deadline = time.monotonic() + within
        self._size = 0
        self._complete = False

    async def receive(self) -> Message:
        """
        The next part; after the last there is no hurry.

        Raises:
            Problem: 413 or 408.
        """
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout(max(self._deadline - time.monotonic(), 0.0)):
                message = await self._receive()
        except TimeoutError as exc:
            raise Problem(408, "Too slow", "the body did not come in time") from exc
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self._size > self._most:
                raise too_large(self._most)
        return message
