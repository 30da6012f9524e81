"""
Does a language model touch the first revision?  `python -m benchmarks.refining`

Two workers on one Apache Kafka, one without a model and one whose model answers, hangs or fails in
each way that a model can.  All take turns at the same stream of events, several rounds of short
measurements, while the other worker is idle.  What counts is how many times as long it takes from
an event to revision 1; the times of all rounds are put together, for a p99 needs many.

The breaker opens as it does for everybody, so a model that fails is soon left alone; each way
begins with it closed.  With `--shut` it never opens, and a model that fails is asked all the time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.commands.processes import free_port
from agents.scraping import Figures, scrape
from benchmarks.apache_kafka import VERSION, ApacheKafka
from benchmarks.latency import idle, interactions, load, triggers_of, worker
from benchmarks.pacing import Answered, each_answer
from examples import books_file
from slates.testing.script import Script, Step, after, answering, cut, failing, hang, say
from slates.testing.server import ModelServer
from streams import topics
from streams.errors import SetupError
from streams.files import read_items
from streams.items import Item
from streams.kafka import Broker, declare_topics
from streams.rows import BadRow
from streams.topics import Topics

ROUNDS = 4
SECONDS = 10.0
"""Of each measurement: 300 events at the rate below, 1,200 over all rounds."""
REST = 5.0
"""Seconds for which the breaker rests, in place of 30: a model in trouble is asked more often."""
RATE = 30.0
"""Events a second, a fifth to a third of what one worker can answer."""
OFF = "off"
DEAD = "dead"
MODELS: Mapping[str, Step] = {
    "answering in 1 s": after(1.0, say(answering)),
    "hanging": hang,
    "slow, 30 s": after(30.0, say(answering)),
    "429 at every call": failing(429, retry_after="1"),
    "garbage": say("I am a teapot."),
    "cut stream": cut,
}
"""What the model does; `DEAD` beside these is a port where nobody listens."""
WAYS = (OFF, *MODELS, DEAD)
HEALING, HEALING_RATE = -2, 5.0
"""Seed and events a second of what is sent until a model is trusted again."""
HEALED_WITHIN = 60
"""Seconds of such events, at most."""
RESAMPLED = 1_000
SHUT = 1_000_000
"""Failures in a row that open the breaker where it is kept shut: more than there will be."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, and how hard."""

    rounds: int = ROUNDS
    seconds: float = SECONDS
    rate: float = RATE
    always: bool = False
    """Refine every slate, not only where it pays."""
    apart: bool = False
    """Refine in a process of its own."""
    shut: bool = False
    """Keep the breaker shut."""


@dataclass(frozen=True, slots=True)
class Way:
    """What came of one way, all rounds together."""

    name: str
    sent: int
    answered: int
    p50: float
    """Milliseconds."""
    p99: float
    p50_ratio: float
    """How many times as long as with the model off."""
    p99_ratio: float
    p99_low: float
    """The interval of 95 % of that ratio, by bootstrap over events."""
    p99_high: float
    outcomes: Mapping[str, float] = field(default_factory=dict)
    """Drafts by what became of them."""


@dataclass(slots=True)
class _Bench:
    """Two workers and a model."""

    broker: Broker
    items: Sequence[Item]
    ports: Mapping[str, int]
    """Prefix of topics to the worker's metrics."""
    refiner: int
    """Where the metrics of whoever refines are."""
    model: int
    """The port of the model server."""
    plan: Plan
    seconds: dict[str, list[float]] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, dict[str, float]] = field(default_factory=dict)

    async def round(self, number: int) -> None:
        """Each way in turn, another one first each time: what comes later may find another day."""
        turn = number % len(WAYS)
        for name in (*WAYS[turn:], *WAYS[:turn]):
            await self.measure(name, seed=number)

    async def measure(self, name: str, *, seed: int) -> None:
        """Time the events of one way."""
        if name != OFF:
            await self._heal()
        before = self._outcomes()
        if name == DEAD:
            await self._time(name, seed=seed)
        else:
            script = Script(then=MODELS.get(name, hang))
            async with ModelServer(script, port=self.model):
                await self._time(name, seed=seed)
        known = self.outcomes.setdefault(name, {})
        for what, count in self._outcomes().items():
            known[what] = known.get(what, 0.0) + count - before.get(what, 0.0)

    async def _heal(self) -> None:
        """
        Let the model answer until the breaker that it opened before is closed again.

        Raises:
            SetupError: It stays open.
        """
        before = self._outcomes().get("refined", 0.0)
        async with ModelServer(Script(then=say(answering)), port=self.model):
            for _ in range(HEALED_WITHIN):
                if self._outcomes().get("refined", 0.0) > before:
                    return
                await self._answers("on.", seed=HEALING, rate=HEALING_RATE, seconds=1.0)
                await self._unasked()
        raise SetupError(f"no slate was refined by a healthy model in {HEALED_WITHIN} s or more")

    async def _time(self, name: str, *, seed: int) -> None:
        prefix = "off." if name == OFF else "on."
        rate, seconds = self.plan.rate, self.plan.seconds
        found = await self._answers(prefix, seed=seed, rate=rate, seconds=seconds)
        self.seconds.setdefault(name, []).extend(found.seconds)
        self.sent[name] = self.sent.get(name, 0) + found.sent
        await idle(self.ports[prefix])
        await self._unasked()

    async def _answers(self, prefix: str, *, seed: int, rate: float, seconds: float) -> Answered:
        return await each_answer(
            self.broker,
            source=f"{prefix}{topics.EVENTS.name}",
            target=f"{prefix}{topics.RECOMMENDATIONS.name}",
            make=interactions(self.items, seed=seed),
            answers=triggers_of,
            rate=rate,
            seconds=seconds,
        )

    async def _unasked(self) -> None:
        """Until no draft waits for a model any more; a draft's deadline ends every wait."""
        while self._figures().total("headwater_drafts_in_flight"):
            await asyncio.sleep(0.2)

    def _figures(self) -> Figures:
        return scrape(self.refiner)

    def _outcomes(self) -> Mapping[str, float]:
        return self._figures().by("headwater_refinements_total", "outcome")

    def ways(self) -> list[Way]:
        """All of it, summed up."""
        off = np.array(self.seconds[OFF])
        return [self._way(name, off) for name in WAYS]

    def _way(self, name: str, off: NDArray[np.float64]) -> Way:
        own = np.array(self.seconds[name])
        low, high = _interval(own, off)
        p50, p99 = np.quantile(own, (0.5, 0.99))
        off50, off99 = np.quantile(off, (0.5, 0.99))
        return Way(
            name=name,
            sent=self.sent[name],
            answered=len(own),
            p50=float(p50) * 1000,
            p99=float(p99) * 1000,
            p50_ratio=float(p50 / off50),
            p99_ratio=float(p99 / off99),
            p99_low=low,
            p99_high=high,
            outcomes={what: count for what, count in self.outcomes[name].items() if count},
        )


def _interval(own: NDArray[np.float64], off: NDArray[np.float64]) -> tuple[float, float]:
    rng = np.random.default_rng(1)
    of_own, of_off = (
        np.quantile(rng.choice(times, (RESAMPLED, len(times))), 0.99, axis=1)
        for times in (own, off)
    )
    low, high = np.quantile(of_own / of_off, (0.025, 0.975))
    return float(low), float(high)


async def measure(broker: Broker, plan: Plan, *, home: Path) -> list[Way]:
    """
    Measure every way.

    Args:
        broker: An Apache Kafka.
        plan: How long, and how hard.
        home: A folder for the state of the workers.
    """
    declared = {name: topic for prefix in ("off.", "on.") for name, topic in Topics(prefix, 4)}
    await declare_topics(broker, declared, partitions=4, replication=1)
    await asyncio.sleep(2)  # a fresh broker elects leaders; that is not what is timed
    items = [item for item in read_items(books_file()) if not isinstance(item, BadRow)]
    ports = {"off.": free_port(0), "on.": free_port(0)}
    refiner = free_port(0) if plan.apart else ports["on."]
    bench = _Bench(broker, items, ports, refiner, free_port(0), plan)
    with ExitStack() as workers:
        for one in _workers(bench, home):
            workers.enter_context(one)
        for prefix, port in ports.items():
            await load(broker, items, port=port, prefix=prefix)
        for name in WAYS[:2]:
            await bench.measure(name, seed=-1)
        bench.seconds, bench.sent, bench.outcomes = {}, {}, {}
        for number in range(plan.rounds):
            await bench.round(number)
    return bench.ways()


def _workers(bench: _Bench, home: Path) -> Iterator[AbstractContextManager[float]]:
    """One without a model, one with, and one more where refining is apart."""
    broker, apart = bench.broker, bench.plan.apart
    roles = "profiling,trending,learning,cataloguing,recommending" if apart else ""
    asking = _asking(f"http://127.0.0.1:{bench.model}/v1", bench.plan)
    off, on = (bench.ports[prefix] for prefix in ("off.", "on."))
    yield worker(broker, port=off, state_dir=str(home / "off"), prefix="off.")
    state = str(home / "on")
    yield worker(broker, port=on, state_dir=state, prefix="on.", more=asking, roles=roles)
    if apart:
        state = str(home / "refining")
        yield worker(
            broker,
            port=bench.refiner,
            state_dir=state,
            prefix="on.",
            more=asking,
            roles="refining",
        )


def _asking(url: str, plan: Plan) -> Mapping[str, str]:
    """Settings of a worker with a model."""
    always = {"HEADWATER_SLATES__REFINE_WHEN": '["always"]'} if plan.always else {}
    failures = {"HEADWATER_MODEL__BREAKER_FAILURES": str(SHUT)} if plan.shut else {}
    return {
        "HEADWATER_MODEL__BASE_URL": url,
        "HEADWATER_MODEL__SMALL": "small",
        "HEADWATER_MODEL__BREAKER_REST": f"{REST:g}",
        "HEADWATER_SLATES__REFINEMENT": "rerank",
        "HEADWATER_BUDGET__USER_TOKENS": "100000000",
        "HEADWATER_BUDGET__HOUR_TOKENS": "100000000",
        **always,
        **failures,
    }


def section(ways: Sequence[Way]) -> str:
    """A part of `docs/benchmarks.md`."""
    lines = [
        "## With a language model in trouble, and without one",
        "",
        "Event to revision 1, as above, on one worker without a model and on one with, in turns;",
        f"{RATE:g} events/s, all rounds together, `rerank` where it pays.",
        f"The breaker is closed at first and rests for {REST:g} s; of slates without a draft the",
        "first revision says `breaker-open`.",
        "In brackets the interval of 95 % of the ratio, by bootstrap over events.",
        "",
        "| model | p50 ms | p99 ms | p50 / off | p99 / off | answered | drafts |",
        "|---|---|---|---|---|---|---|",
    ]
    for way in ways:
        drafts = ", ".join(f"{count:.0f} {what}" for what, count in way.outcomes.items())
        interval = "" if way.name == OFF else f" [{way.p99_low:.2f}, {way.p99_high:.2f}]"
        lines.append(
            f"| {way.name} | {way.p50:.1f} | {way.p99:.1f} | {way.p50_ratio:.2f} "
            f"| {way.p99_ratio:.2f}{interval} | {way.answered} of {way.sent} | {drafts} |"
        )
    return "\n".join([*lines, ""])


def main() -> None:
    """Measure and print; about ten minutes."""
    parser = argparse.ArgumentParser(description="Event to revision 1, with and without a model.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument(
        "--always", action="store_true", help="Refine every slate, not only where it pays."
    )
    parser.add_argument("--shut", action="store_true", help="Keep the breaker shut.")
    parser.add_argument("--apart", action="store_true", help="Refine in a process of its own.")
    plan = Plan(**vars(parser.parse_args()))
    home = Path(tempfile.mkdtemp(prefix="headwater-refining-"))
    try:
        with ApacheKafka(home / "kafka") as kafka:
            ways = asyncio.run(measure(Broker(kafka.bootstrap), plan, home=home))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    said = {"kafka": VERSION, **asdict(plan), "ways": [asdict(way) for way in ways]}
    print(json.dumps(said, indent=1))


if __name__ == "__main__":
    main()
