"""
A thousand streams of server-sent events on one gateway: how late slates are, and how much memory.

Slates are put on their topic by the benchmark, so that no worker is timed.  In the second half some
clients open streams and read nothing.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

import msgspec
import psutil

from agents.scraping import scrape
from benchmarks.asking import Stream, many_streams
from benchmarks.pacing import Latency
from slates.slate import Slate, encode_slate
from streams import topics
from streams.kafka import Broker, Outbox

USERS = 500
STREAMS_EACH = 2
RATE = 100.0
"""Slates a second: one for each user every five seconds, for each stream."""
HALF = 60.0
"""Seconds without those who do not read, and then with them."""
SLOW = 20
"""Who open a stream and read nothing."""
SLOW_RATE = 10.0
"""Slates a second for the user whom they watch."""
SLOW_NOTE = "x" * 200_000
"""What makes these slates large: a few seconds of them are more than all buffers hold."""
GRACE = 15.0
"""Seconds after the last slate until it has come, or will not."""


class _Id(msgspec.Struct):
    slate_id: str


_ids = msgspec.json.Decoder(_Id)


@dataclass(slots=True)
class Crowd:
    """What came of it."""

    streams: int = 0
    opened: float = 0.0
    """Seconds until all were open."""
    alone: Latency | None = None
    """From handing a slate to the producer until a stream had it."""
    beside: Latency | None = None
    """The same, while others did not read."""
    memory: list[int] = field(default_factory=list)
    """Bytes of the gateway, second by second, once all streams were open and it was alone."""
    memory_beside: list[int] = field(default_factory=list)
    """The same while others did not read; what waits for them is in it."""
    slow_left: int = 0
    """Streams of those who do not read that were still open at the end."""


class _Heard:
    """When slates left and when streams had them."""

    def __init__(self) -> None:
        self.left: dict[str, float] = {}
        self.times: list[float] = []
        self.count: Counter[str] = Counter()

    def hear(self, data: bytes) -> None:
        slate_id = _ids.decode(data).slate_id
        if (left := self.left.get(slate_id)) is not None:
            self.times.append(time.perf_counter() - left)
            self.count[slate_id] += 1

    def latency(self) -> Latency:
        return Latency.of(self.times, sent=len(self.left) * STREAMS_EACH)


async def measure(
    broker: Broker, slate: Slate, *, port: int, pid: int, headers: Mapping[str, str]
) -> Crowd:
    """Open the streams, send slates, watch; about two minutes."""
    crowd = Crowd()
    outbox = Outbox(broker)
    await outbox.start()
    halves = (_Heard(), _Heard())

    def hear(data: bytes) -> None:
        for half in halves:
            half.hear(data)

    for k in range(USERS):  # a first slate each, so that every stream begins with something
        await _post(outbox, slate, f"crowd-{k}", f"slate-crowd-first-{k}")
    async with many_streams(f"http://127.0.0.1:{port}", headers) as session:
        began = time.perf_counter()
        streams = [
            (Stream(session, f"/slates/crowd-{k % USERS}/stream"), asyncio.Event())
            for k in range(USERS * STREAMS_EACH)
        ]
        following = [
            asyncio.create_task(stream.follow(hear, opened=opened)) for stream, opened in streams
        ]
        await asyncio.gather(*(opened.wait() for _, opened in streams))
        crowd.streams, crowd.opened = len(streams), time.perf_counter() - began
        async with _watched(pid, crowd.memory):
            await _send(outbox, slate, halves[0], name="alone")
        with _deaf(port, headers):
            flood = asyncio.create_task(_flood(outbox, slate))
            async with _watched(pid, crowd.memory_beside):
                await _send(outbox, slate, halves[1], name="beside")
            flood.cancel()
            open_now = await asyncio.to_thread(scrape, port)
            crowd.slow_left = int(open_now.total("headwater_gateway_streams")) - len(streams)
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
    await outbox.stop()
    crowd.alone, crowd.beside = (half.latency() for half in halves)
    return crowd


async def _send(outbox: Outbox, slate: Slate, heard: _Heard, *, name: str) -> None:
    began = time.perf_counter()
    for n in range(int(RATE * HALF)):
        await asyncio.sleep(max(began + n / RATE - time.perf_counter(), 0))
        slate_id = f"slate-{name}-{n}"
        heard.left[slate_id] = time.perf_counter()
        await _post(outbox, slate, f"crowd-{n % USERS}", slate_id)
    deadline = time.perf_counter() + GRACE
    while len(heard.times) < len(heard.left) * STREAMS_EACH and time.perf_counter() < deadline:
        await asyncio.sleep(0.1)


async def _post(outbox: Outbox, slate: Slate, user_id: str, slate_id: str) -> None:
    own = msgspec.structs.replace(slate, user_id=user_id, slate_id=slate_id, revision=1)
    name = topics.RECOMMENDATIONS.name
    await outbox.post(name, key=user_id.encode(), value=encode_slate(own))


async def _flood(outbox: Outbox, slate: Slate) -> None:
    n = 0
    while True:
        large = msgspec.structs.replace(slate, note=SLOW_NOTE)
        await _post(outbox, large, "crowd-slow", f"slate-slow-{n}")
        n += 1
        await asyncio.sleep(1 / SLOW_RATE)


@contextmanager
def _deaf(port: int, headers: Mapping[str, str]) -> Iterator[None]:
    """Clients that ask for a stream and never read."""
    lines: list[socket.socket] = []
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    try:
        for _ in range(SLOW):
            line = socket.socket()
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.connect(("127.0.0.1", port))
            request = f"GET /slates/crowd-slow/stream HTTP/1.1\r\nHost: x\r\n{head}\r\n"
            line.sendall(request.encode())
            lines.append(line)
        yield
    finally:
        for line in lines:
            line.close()


@asynccontextmanager
async def _watched(pid: int, memory: list[int]) -> AsyncIterator[None]:
    """Look at a process's memory every second while the block lasts."""
    process = psutil.Process(pid)

    async def watch() -> None:
        with suppress(psutil.NoSuchProcess):
            while True:
                memory.append(process.memory_info().rss)
                await asyncio.sleep(1)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


def thirds(memory: Sequence[int]) -> tuple[float, float, float]:
    """MiB in the mean of the first, the middle and the last third."""
    third = max(len(memory) // 3, 1)
    parts = (memory[:third], memory[third : 2 * third], memory[-third:])
    first, middle, last = (sum(part) / max(len(part), 1) / 2**20 for part in parts)
    return first, middle, last
