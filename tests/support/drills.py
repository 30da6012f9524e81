"""Workers, a stream, something that goes wrong, and the outcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from streams import topics
from streams.kafka import Broker, declare_topics
from streams.topics import Topic, Topics
from tests.support.auditing import audit
from tests.support.ledger import Ledger
from tests.support.outcomes import Outcome
from tests.support.processes import WorkerProgram
from tests.support.streaming import ITEMS, Moment, drive, vectors
from tests.support.supervising import Supervised
from tests.support.wire import send

ROLES = "profiling,trending,recommending"
"""Without the encoder a worker starts in two seconds."""
PARTITIONS = 4
INPUTS = (
    topics.EVENTS,
    topics.ITEMS,
    topics.ITEM_VECTORS,
    topics.CO_VISITS,
    topics.LESSONS,
    topics.SLATE_REQUESTS,
)
LARGEST = 11_000_000
"""Bytes that the broker takes on those; there are some who set it so."""
POLL = 0.5


class BrokersTime(Topic):
    """A topic whose records carry the broker's time, for a worker's clock may be wrong."""

    __slots__ = ()

    def config(self) -> Mapping[str, str]:
        return {**Topic.config(self), "message.timestamp.type": "LogAppendTime"}


class Drill:
    """One stream on topics of its own, and the workers that it has to live with."""

    def __init__(self, broker: Broker, *, prefix: str, folder: Path) -> None:
        self.broker = broker
        self.names = Topics(prefix, PARTITIONS)
        self.outcome: Outcome | None = None
        self._folder = folder
        self._workers: dict[str, Supervised] = {}
        self.ledger = Ledger(broker, self.names)
        """All that was on the topics, as of `finish`."""

    async def __aenter__(self) -> Drill:
        return self

    async def __aexit__(self, *_: object) -> None:
        """End what is left."""
        await asyncio.to_thread(self.stop)
        await self.ledger.stop()

    def name(self, topic: Topic) -> str:
        """The name on the broker."""
        return self.names.name(topic)

    async def declare(self) -> None:
        """Declare the topics."""
        declared = {
            **dict(self.names),
            **{self.name(t): replace(t, max_message_bytes=LARGEST) for t in INPUTS},
            self.name(topics.RECOMMENDATIONS): BrokersTime(**asdict(topics.RECOMMENDATIONS)),
        }
        await declare_topics(self.broker, declared, partitions=PARTITIONS, replication=1)

    async def announce(self, count: int = ITEMS, *, seed: int = 1, prefix: str = "item") -> None:
        """Put items into the catalogue."""
        records = vectors(count, seed=seed, prefix=prefix)
        await send(self.broker, self.name(topics.ITEM_VECTORS), *records)

    def worker(
        self, name: str, *, roles: str = ROLES, settings: Mapping[str, str] | None = None
    ) -> Supervised:
        """Start a worker; it is started again whenever it ends."""
        environment = {
            "HEADWATER_BROKER": self.broker.bootstrap,
            "HEADWATER_TOPIC_PREFIX": self.names.prefix,
            "HEADWATER_STATE_DIR": str(self.state_of(name)),
            "HEADWATER_SESSION_TIMEOUT": "6",
            # Graphs differ between workers; so the same state would not give the same slate.
            "HEADWATER_INDEX__KIND": "exact",
            **(settings or {}),
        }
        log = self.log_of(name)
        worker = Supervised(lambda: WorkerProgram(settings=environment, log=log, roles=roles))
        self._workers[name] = worker
        return worker

    def dismiss(self, name: str) -> None:
        """End a worker in order, for good, as soon as it has come to work at all."""
        self._workers[name].wait_ready()
        self._workers[name].stop()

    def state_of(self, name: str) -> Path:
        """Where the worker of that name keeps its state."""
        return self._folder / name

    def log_of(self, name: str) -> Path:
        """Where the worker of that name writes."""
        return self._folder / f"{name}.log"

    async def ready(self, name: str, *, roles: str = ROLES, **settings: str) -> Supervised:
        """Start a worker and wait until it answers."""
        worker = self.worker(name, roles=roles, settings=settings)
        await asyncio.to_thread(worker.wait_ready)
        return worker

    async def stream(self, *, rate: float, seconds: float, timeline: Sequence[Moment] = ()) -> None:
        """Send interactions, whatever happens."""
        topic = self.name(topics.EVENTS)
        await drive(self.broker, topic, rate=rate, seconds=seconds, timeline=timeline)

    async def settle(self, *, patience: float = 60.0) -> None:
        """Wait until all that was sent is folded and answered."""
        if missing := await self._missing_after(patience):
            pytest.fail(f"after {patience:g} s: {missing}\n{self._last_words()}")

    async def finish(self, *, patience: float = 60.0) -> Outcome:
        """Wait until all is folded and answered, end the workers, and compare."""
        missing = await self._missing_after(patience)
        await asyncio.to_thread(self.stop)
        await self.ledger.read()
        exits = [code for worker in self._workers.values() for code in worker.exits]
        self.outcome = audit(self.ledger, exits=exits)
        if missing:
            pytest.fail(f"after {patience:g} s: {missing}; {self.outcome}\n{self._last_words()}")
        return self.outcome

    async def _missing_after(self, patience: float) -> str:
        """What is still missing when nobody waits any longer; empty as soon as nothing is."""
        deadline = time.monotonic() + patience
        while True:
            await self.ledger.read()
            missing = self.ledger.missing()
            if not missing or time.monotonic() > deadline:
                return missing
            await asyncio.sleep(POLL)

    def _last_words(self) -> str:
        logs = sorted(self._folder.glob("*.log"))
        return "\n".join(f"{log.name}: …{log.read_text()[-1500:]}" for log in logs)

    def dead_letters(self) -> set[str]:
        """The ids of the records that were refused, as of `finish`."""
        headers = (dict(letter.headers) for letter in self.ledger.dead_letters)
        return {header["origin"].decode() for header in headers}

    def stop(self) -> None:
        """End the workers in order."""
        for worker in self._workers.values():
            worker.stop()
