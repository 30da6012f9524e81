"""
Ask a web server at a steady rate and time its answers; the only benchmark that imports aiohttp.

An open loop: a request is due at its time, whether or not the last was answered, and its time
counts from when it was due.  So neither a slow server nor a late client flatters the figures.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import aiohttp
import numpy as np

from benchmarks.pacing import Latency

CONNECTIONS = 64
"""Kept open, as a service behind a proxy sees them."""
SILENCE = aiohttp.ClientTimeout(total=30.0)


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one measurement."""

    latency: Latency
    late: float
    """Milliseconds by which the client itself was late with a request, p99."""
    failed: int
    """Answers that were no 200, and requests without any."""


async def time_requests(
    url: str,
    *,
    path: Callable[[int], str],
    headers: Mapping[str, str],
    rate: float,
    seconds: float,
) -> Asked:
    """
    Ask for a path after the other.

    Args:
        url: Where the server is.
        path: Of the n-th request.
        headers: Of every request.
        rate: Requests a second.
        seconds: How long.
    """
    took: list[float] = []
    late: list[float] = []
    total = int(rate * seconds)
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(
        url, connector=connector, headers=headers, timeout=SILENCE, auto_decompress=False
    ) as session:

        async def ask(n: int, due: float) -> None:
            late.append(time.perf_counter() - due)
            async with session.get(path(n)) as answer:
                await answer.read()
                if answer.status == 200:
                    took.append(time.perf_counter() - due)

        asking: list[asyncio.Task[None]] = []
        gc.disable()  # the client's own pauses are not the server's
        try:
            began = time.perf_counter()
            for n in range(total):
                due = began + n / rate
                while (left := due - time.perf_counter()) > 0:
                    await asyncio.sleep(left)
                asking.append(asyncio.create_task(ask(n, due)))
            await asyncio.gather(*asking, return_exceptions=True)
        finally:
            gc.enable()
    p99 = float(np.quantile(late, 0.99)) * 1000 if late else float("nan")
    return Asked(Latency.of(took, sent=total), p99, total - len(took))


class Stream:
    """One stream of server-sent events that is read as it comes."""

    def __init__(self, session: aiohttp.ClientSession, path: str) -> None:
        self._session = session
        self._path = path

    async def follow(self, heard: Callable[[bytes], None], *, opened: asyncio.Event) -> None:
        """
        Read until cancelled.

        Args:
            heard: Given each line of data as it comes.
            opened: Set once the first line was there.
        """
        async with self._session.get(self._path) as answer:
            answer.raise_for_status()
            async for line in answer.content:
                opened.set()
                if line.startswith(b"data: {"):
                    heard(line[6:])


def many_streams(url: str, headers: Mapping[str, str]) -> aiohttp.ClientSession:
    """A session that opens as many connections as it is asked to, and reads long lines."""
    return aiohttp.ClientSession(
        url,
        connector=aiohttp.TCPConnector(limit=0),
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=None, sock_read=60.0),
        read_bufsize=1 << 20,
    )
