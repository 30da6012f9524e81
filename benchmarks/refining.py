"""
Does a language model touch the first revision?  `python -m benchmarks.refining`

Three workers on one Apache Kafka, with the model off, answering and hanging, each on topics of its
own.  They take turns at the same stream of events, several rounds of short measurements, while the
others are idle; what counts are the ratios within a round.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from agents.commands.processes import free_port
from agents.scraping import Figures, scrape
from benchmarks.apache_kafka import VERSION, ApacheKafka
from benchmarks.latency import idle, interactions, load, triggers_of, worker
from benchmarks.pacing import Latency, time_answers
from examples import books_file
from slates.testing.script import Script, after, answering, hang, say
from slates.testing.server import ModelServer
from streams import topics
from streams.files import read_items
from streams.items import Item
from streams.kafka import Broker, declare_topics
from streams.rows import BadRow
from streams.topics import Topics

ROUNDS = 5
SECONDS = 10.0
"""Of each measurement: 300 events at the rate below, whose p99 is the third from the top."""
RATE = 30.0
"""Events a second, about a tenth of what one worker can answer."""
THINKS = 1.0
"""Seconds that the model takes which answers."""
WAYS = ("off", "answering", "hanging")


@dataclass(frozen=True, slots=True)
class Way:
    """One worker, and what its model does."""

    name: str
    port: int

    @property
    def prefix(self) -> str:
        """Of its topics."""
        return f"{self.name}."


@dataclass(frozen=True, slots=True)
class Round:
    """One turn of each, in the order of `WAYS`."""

    latencies: Mapping[str, Latency]

    def ratio(self, name: str, quantile: str) -> float:
        """How many times as long as with the model off."""
        own: float = getattr(self.latencies[name], quantile)
        off: float = getattr(self.latencies["off"], quantile)
        return own / off


def main() -> None:
    """Measure and print; about five minutes."""
    parser = argparse.ArgumentParser(description="Event to revision 1, with and without a model.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument(
        "--always", action="store_true", help="Refine every slate, not only where it pays."
    )
    parser.add_argument("--apart", action="store_true", help="Refine in a process of its own.")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="headwater-refining-"))
    try:
        with ApacheKafka(home / "kafka") as kafka:
            asyncio.run(_measure(Broker(kafka.bootstrap), home, options))
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def _measure(broker: Broker, home: Path, options: argparse.Namespace) -> None:
    ways = [Way(name, free_port(0)) for name in WAYS]
    declared = {n: t for way in ways for n, t in Topics(way.prefix, 4)}
    await declare_topics(broker, declared, partitions=4, replication=1)
    await asyncio.sleep(2)  # a fresh broker elects leaders; that is not what is timed
    items = [item for item in read_items(books_file()) if not isinstance(item, BadRow)]
    async with _models() as urls:
        with ExitStack() as workers:
            for way in ways:
                environment = _environment(urls[way.name], always=options.always)
                for one in _workers(broker, way, home, environment, apart=options.apart):
                    workers.enter_context(one)
                await load(broker, items, port=way.port, prefix=way.prefix)
            await _warm(broker, ways, items, options)
            rounds = [
                await _round(broker, ways, items, options, seed) for seed in range(options.rounds)
            ]
            figures = {way.name: scrape(way.port) for way in ways}
    _say(rounds, figures, options)


@asynccontextmanager
async def _models() -> AsyncIterator[Mapping[str, str]]:
    """Way to where its model is; empty for none."""
    answers, hangs = Script(then=after(THINKS, say(answering))), Script(then=hang)
    async with ModelServer(answers) as one, ModelServer(hangs) as other:
        yield {"off": "", "answering": one.base_url, "hanging": other.base_url}


def _environment(url: str, *, always: bool) -> Mapping[str, str]:
    if not url:
        return {}
    environment = {
        "HEADWATER_MODEL__BASE_URL": url,
        "HEADWATER_MODEL__SMALL": "small",
        "HEADWATER_SLATES__REFINEMENT": "rerank",
        "HEADWATER_BUDGET__USER_TOKENS": "100000000",
        "HEADWATER_BUDGET__HOUR_TOKENS": "100000000",
    }
    return {**environment, "HEADWATER_SLATES__REFINE_WHEN": '["always"]'} if always else environment


def _workers(
    broker: Broker, way: Way, home: Path, environment: Mapping[str, str], *, apart: bool
) -> Iterator[AbstractContextManager[float]]:
    """What makes slates, and beside it what refines them where that is asked for."""
    state = str(home / way.name)
    making = "profiling,trending,learning,cataloguing,recommending"
    roles = making if apart and environment else ""
    yield worker(
        broker, port=way.port, state_dir=state, prefix=way.prefix, more=environment, roles=roles
    )
    if roles:
        yield worker(
            broker,
            port=free_port(0),
            state_dir=f"{state}-refining",
            prefix=way.prefix,
            more=environment,
            roles="refining",
        )


async def _warm(
    broker: Broker, ways: list[Way], items: list[Item], options: argparse.Namespace
) -> None:
    for way in ways:
        await _time(broker, way, items, options, seed=-1)


async def _round(
    broker: Broker, ways: list[Way], items: list[Item], options: argparse.Namespace, seed: int
) -> Round:
    """Each in turn, another one first each time: what comes later may find another machine."""
    turn = seed % len(ways)
    order = [*ways[turn:], *ways[:turn]]
    return Round({way.name: await _time(broker, way, items, options, seed=seed) for way in order})


async def _time(
    broker: Broker, way: Way, items: list[Item], options: argparse.Namespace, *, seed: int
) -> Latency:
    names = Topics(way.prefix, 4)
    latency = await time_answers(
        broker,
        source=names.name(topics.EVENTS),
        target=names.name(topics.RECOMMENDATIONS),
        make=interactions(items, seed=seed),
        answers=triggers_of,
        rate=options.rate,
        seconds=options.seconds,
    )
    await idle(way.port)
    return latency


def _say(rounds: list[Round], figures: Mapping[str, Figures], options: argparse.Namespace) -> None:
    """One JSON object: medians over rounds, and what the models were asked."""
    table = {}
    for name in WAYS:
        found = figures[name]
        table[name] = {
            "p50_ms": round(median(r.latencies[name].p50 for r in rounds), 2),
            "p99_ms": round(median(r.latencies[name].p99 for r in rounds), 2),
            "p50_ratio": round(median(r.ratio(name, "p50") for r in rounds), 3),
            "p99_ratio": round(median(r.ratio(name, "p99") for r in rounds), 3),
            "sent": sum(r.latencies[name].sent for r in rounds),
            "answered": sum(r.latencies[name].answered for r in rounds),
            "drafts": found.by("headwater_drafts_total", "reason"),
            "refinements": found.by("headwater_refinements_total", "outcome"),
            "degraded": found.by("headwater_degraded_total", "kind"),
        }
    setting = {"kafka": VERSION, "always": options.always, "apart": options.apart}
    rows = [{name: asdict(r.latencies[name]) for name in WAYS} for r in rounds]
    print(json.dumps({**setting, "rate": options.rate, "ways": table, "rounds": rows}, indent=1))


if __name__ == "__main__":
    main()
