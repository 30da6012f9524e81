"""
What the gateway costs: `python -m benchmarks.gateway`, and a part of `make bench`.

A cached slate beside a bare FastAPI endpoint with the same bytes, a thousand streams, and clicks on
the page in a browser, on one Apache Kafka with one worker and one gateway.  Servers that are timed
run on one core, the client on the others.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from agents.commands.processes import free_port
from agents.scraping import is_ready
from benchmarks import clicking, crowding, latency
from benchmarks.apache_kafka import ApacheKafka
from benchmarks.asking import Asked, time_requests
from examples import books_file
from gateway.keys import make_key, write_keys
from slates.slate import decode_slate
from streams import topics
from streams.errors import SetupError
from streams.files import read_items
from streams.items import Item
from streams.kafka import Broker, declare_topics, read_to_end
from streams.rows import BadRow
from streams.topics import Topics

RATE = 500.0
"""Requests a second."""
SECONDS = 10.0
ROUNDS = 5
"""Of each way, in turn; ratios are of one round."""
WAYS = ("bare FastAPI endpoint", "cached slate", "cached slate, gzip")
START_WITHIN = 300.0
"""Seconds."""
PLENTY = {
    "HEADWATER_GATEWAY__PER_SECOND": "1000000",
    "HEADWATER_GATEWAY__STREAMS": "5000",
    "HEADWATER_GATEWAY__STREAMS_EACH": "5000",
}
"""One client is all callers here."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One measurement of one way."""

    asked: Asked
    processor: float
    """Seconds of processor time that the server took for a request."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """The figures of one run."""

    size: int
    """Bytes of the slate that was asked for."""
    rounds: Sequence[Mapping[str, Turn]]
    """By way."""
    crowd: crowding.Crowd
    clicks: clicking.Clicks | None


@dataclass(frozen=True, slots=True)
class _Server:
    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def main() -> None:
    """Measure and print; about six minutes."""
    from benchmarks.showing import of_gateway  # it imports this module

    parser = argparse.ArgumentParser(description="What the gateway costs.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    options = parser.parse_args()
    items = [item for item in read_items(books_file()) if not isinstance(item, BadRow)]
    with (
        tempfile.TemporaryDirectory(prefix="headwater-gateway-") as home,
        ApacheKafka(Path(home) / "kafka") as kafka,
    ):
        broker = Broker(kafka.bootstrap)
        asyncio.run(_prepare(broker))
        port = free_port(0)
        with latency.worker(broker, port=port, state_dir=f"{home}/state"):
            asyncio.run(latency.load(broker, items, port=port))
            asyncio.run(_warm(broker, items, port=port))
            found = measure(broker, home=Path(home), rounds=options.rounds, seconds=options.seconds)
    print(of_gateway(found))


async def _prepare(broker: Broker) -> None:
    await declare_topics(broker, dict(Topics("", 4)), partitions=4, replication=1)
    await asyncio.sleep(2)  # a fresh broker elects leaders


async def _warm(broker: Broker, items: Sequence[Item], *, port: int) -> None:
    """A slate or more for every user of the benchmark."""
    await latency.slate_latency(broker, latency.interactions(items, seed=1), rate=50)
    await latency.idle(port)


def measure(
    broker: Broker, *, home: Path, rounds: int = ROUNDS, seconds: float = SECONDS
) -> Gateway:
    """
    Measure all of it, beside a worker that runs and has made slates for `latency.USERS`.

    Args:
        broker: Where the worker is.
        home: A folder for keys.
        rounds: How often each way is measured.
        seconds: How long, each time.
    """
    slates = asyncio.run(_slates(broker))
    body = home / "slate.json"
    body.write_bytes(max(slates.values(), key=len))
    shown, kept = make_key("bench", ("admin",), now=time.time())
    write_keys(home / "keys.json", [kept])
    key = {"Authorization": f"Bearer {shown}"}
    some = decode_slate(body.read_bytes())
    with (
        gateway(broker, {**PLENTY, "HEADWATER_GATEWAY__KEYS": str(home / "keys.json")}) as ours,
        _bare(body) as bare,
    ):
        turns = [
            _round(ours, bare, key, users=sorted(slates), seconds=seconds) for _ in range(rounds)
        ]
        crowd = asyncio.run(
            crowding.measure(broker, some, port=ours.port, pid=ours.pid, headers=key)
        )
        clicks = clicking.measure(ours.url, key=shown)
    return Gateway(body.stat().st_size, turns, crowd, clicks)


async def _slates(broker: Broker) -> Mapping[str, bytes]:
    """The newest slate of each user of the benchmark."""
    return {
        (record.key or b"").decode(): record.value
        async for records in read_to_end(broker, topics.RECOMMENDATIONS.name)
        for record in records
        if record.value is not None and (record.key or b"").startswith(b"bench-")
    }


def _round(
    ours: _Server, bare: _Server, key: Mapping[str, str], *, users: Sequence[str], seconds: float
) -> Mapping[str, Turn]:
    """Each way in turn; the bare one has the same headers to read."""
    packed = {**key, "Accept-Encoding": "gzip"}
    plain = {**key, "Accept-Encoding": "identity"}
    ways = zip(WAYS, (bare, ours, ours), (plain, plain, packed), strict=True)
    return {
        name: _time(server, headers, users=users, seconds=seconds) for name, server, headers in ways
    }


def _time(
    server: _Server, headers: Mapping[str, str], *, users: Sequence[str], seconds: float
) -> Turn:
    def path(n: int) -> str:
        return f"/slates/{users[n % len(users)]}"

    process = psutil.Process(server.pid)
    before = process.cpu_times()
    asked = asyncio.run(
        time_requests(server.url, path=path, headers=headers, rate=RATE, seconds=seconds)
    )
    after = process.cpu_times()
    spent = after.user + after.system - before.user - before.system
    return Turn(asked, spent / max(asked.latency.sent, 1))


@contextmanager
def gateway(broker: Broker, more: Mapping[str, str]) -> Iterator[_Server]:
    """A gateway that has caught up."""
    port = free_port(0)
    command = [sys.executable, "-m", "agents", "gateway", "--with-parent"]
    settings = {
        "HEADWATER_BROKER": broker.bootstrap,
        "HEADWATER_GATEWAY__PORT": str(port),
        **more,
    }
    with _server(command, settings, port) as found:
        _wait(lambda: is_ready(port))
        yield found


@contextmanager
def _bare(body: Path) -> Iterator[_Server]:
    """The bare endpoint, by uvicorn as it comes."""
    port = free_port(0)
    app = ["--factory", "benchmarks.bare:make_app", "--port", str(port)]
    command = [sys.executable, "-m", "uvicorn", *app, "--no-access-log", "--log-level", "warning"]
    with _server(command, {"BODY": str(body)}, port) as found:
        _wait(lambda: _listens(found.pid))
        yield found


@contextmanager
def _server(command: Sequence[str], settings: Mapping[str, str], port: int) -> Iterator[_Server]:
    child = subprocess.Popen(command, env={**os.environ, **settings}, stderr=subprocess.DEVNULL)
    process = psutil.Process(child.pid)
    if hasattr(process, "cpu_affinity"):  # not on macOS; threads that it starts stay there too
        process.cpu_affinity(process.cpu_affinity()[:1])
    try:
        yield _Server(port, child.pid)
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(30)


def _listens(pid: int) -> bool:
    found = psutil.Process(pid).net_connections()
    return any(one.status == psutil.CONN_LISTEN for one in found)


def _wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_WITHIN
    while not done():
        if time.monotonic() > deadline:
            raise SetupError("a server did not start: run `headwater gateway` to see")
        time.sleep(0.05)


def middle(rounds: Sequence[Mapping[str, Turn]], way: str, quantile: str) -> tuple[float, float]:
    """
    Milliseconds of one way, and how many times as long as the bare endpoint of the same round.

    Both are medians over the rounds.
    """
    own = [float(getattr(turns[way].asked.latency, quantile)) for turns in rounds]
    bare = [float(getattr(turns[WAYS[0]].asked.latency, quantile)) for turns in rounds]
    return median(own), median(a / b for a, b in zip(own, bare, strict=True))


if __name__ == "__main__":
    main()
