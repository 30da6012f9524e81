"""
The cost of one event in a large catalogue: all items ranked before it, then learned from.

    python -m benchmarks.scoring

Beside it, event by event, the sum in plain numpy that the engine is to beat (`evaluation.peers`).
That sum keeps two matrices of items by items, which for 60,000 would take 29 GB: it is told of an
item when somebody comes to it, and ranks those alone.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from threadpoolctl import threadpool_limits

from agents.settings import load_settings
from benchmarks.building import clustered
from evaluation.contender import Contender, Observation
from evaluation.engine import Engine
from evaluation.peers.blended import make_numpy_sum
from evaluation.peers.options import Options
from streams.items import Item

SIZES = (10_000, 60_000)
WARM = 30_000
"""Events that are learned before one is timed."""
TIMED = 1_000
USERS = 600
POPULAR = 1.0
"""Exponent of Zipf's law, by which items are come to."""
START = 1_600_000_000.0
SECONDS = 20.0
"""Between two events of the stream."""


@dataclass(slots=True)
class Scoring:
    """What one event costs in a catalogue."""

    items: int
    visited: int
    """Items that somebody has come to: all that the numpy sum knows."""
    seconds: defaultdict[str, list[tuple[float, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """Contender to the seconds of each event: to rank, to learn."""

    def p50(self, name: str) -> tuple[float, float, float]:
        """Milliseconds to rank, to learn, and both."""
        both = np.array(self.seconds[name]) * 1000
        rank, learn = np.median(both, axis=0).tolist()
        return rank, learn, float(np.median(both.sum(axis=1)))

    @property
    def ratio(self) -> float:
        """Of both, the engine's to the numpy sum's."""
        return self.p50(Engine.name)[2] / self.p50("numpy-sum")[2]


def measure(items: int, *, warm: int = WARM, timed: int = TIMED, seed: int = 1) -> Scoring:
    """Learn the warm events, then time the others, each contender in turn, on one thread."""
    with threadpool_limits(1):
        return _measure(items, warm=warm, timed=timed, seed=seed)


def _measure(items: int, *, warm: int, timed: int, seed: int) -> Scoring:
    stream = list(_stream(items, warm + timed, seed=seed))
    engine, reference = _engine(items, seed=seed), make_numpy_sum(Options(events=len(stream)))
    found = Scoring(items, visited=len({event.item_id for event in stream}))
    for event in stream[:warm]:
        engine.learn(event)
        reference.learn(event)
    for event in stream[warm:]:
        for contender in (engine, reference):
            found.seconds[contender.name].append(_time(contender, event))
    return found


def _time(contender: Contender, event: Observation) -> tuple[float, float]:
    began = time.perf_counter()
    contender.rank(event.user_id, now=event.at, n=10)
    ranked = time.perf_counter()
    contender.learn(event)
    return ranked - began, time.perf_counter() - ranked


def _stream(items: int, events: int, *, seed: int) -> Iterator[Observation]:
    """Few items are come to by most, most by few; who acts is drawn evenly."""
    rng = np.random.default_rng(seed)
    odds = 1.0 / np.arange(1, items + 1) ** POPULAR
    chosen = rng.choice(items, size=events, p=odds / odds.sum()).tolist()
    users = rng.integers(0, USERS, events).tolist()
    for k, (user, item) in enumerate(zip(users, chosen, strict=True)):
        yield Observation(str(user), str(item), at=START + k * SECONDS)


def _engine(items: int, *, seed: int) -> Engine:
    """As a worker is set up, with its index; texts are clustered directions."""
    rng = np.random.default_rng(seed)
    engine = Engine(load_settings(), lambda texts: clustered(rng, len(texts)), items=items)
    genres = rng.integers(0, 20, (items, 3)).astype(str).tolist()
    engine.announce(
        [
            Item(item_id=str(n), title=f"Film {n}", attributes={"genres": tuple(mine)})
            for n, mine in enumerate(genres)
        ]
    )
    return engine


def section(found: Sequence[Scoring]) -> str:
    """As it stands in docs/benchmarks.md."""
    lines = [
        "## Scoring and learning one event",
        "",
        f"After {WARM:,} events of {USERS} users, who come to items by Zipf's law, {TIMED:,} more:",
        "all items are ranked before each, then it is learned from.  Beside it, event by event,",
        "the numpy sum of [quality.md](quality.md), which is told of the items that were come to",
        "and of no others: its matrices of 60,000 would take 29 GB.  p50 in milliseconds, on one",
        "thread.",
        "",
        "| items | come to | rank | learn | both | numpy sum, both | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in found:
        rank, learn, both = each.p50(Engine.name)
        lines.append(
            f"| {each.items:,} | {each.visited:,} | {rank:.2f} | {learn:.2f} | {both:.2f} "
            f"| {each.p50('numpy-sum')[2]:.2f} | {each.ratio:.1f} |"
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    print(section([measure(items) for items in SIZES]))
