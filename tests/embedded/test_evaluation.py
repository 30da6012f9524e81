"""What is evaluated is what is served: the engine and a worker agree, event for event."""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import TypeAlias

import pytest

from agents.commands.surroundings import EMBEDDED_FETCH_WAIT
from agents.following import follow
from agents.settings import Settings
from agents.testing import HashEncoder
from evaluation.contender import Observation
from evaluation.engine import Engine
from indexes.embedding import fingerprint
from slates.slate import Slate, decode_slate
from streams.embedded import EmbeddedBroker, address_file
from streams.events import Interaction, encode_event
from streams.items import Item, content_hash
from streams.kafka import Broker, Outbox, Record
from streams.origins import Origin
from streams.rankers import Ranker, decode_ranker
from streams.requests import SlateRequest, Trigger, encode_request
from streams.topics import Topics
from streams.trends import decode_trend
from streams.vectors import VectorRecord, encode_vector
from tests.support.processes import PATIENCE, WorkerProgram
from tests.support.wire import send

ROLES = "profiling,trending,learning,recommending"
STRATEGY = """
[by-score]  # what changes the order of scores is no part of the engine
caps = {}
calibration = 0.0
diversity = 0.0
explore_share = 0.0
rotation = 0.0
"""
START_AT = 1_700_000_000.0
N = 10
SAME = 2e-6
"""Slates and rankers round at the sixth place, after sums in an order of their own."""

Shown: TypeAlias = list[tuple[str, float]]
"""Items in their order, with their scores."""


def _catalogue() -> list[Item]:
    """Each as old as no other, so that no two have the same score."""
    genres = ("sea", "law", "war", "love", "space")
    return [
        Item(
            item_id=f"item-{n}",
            title=f"Item {n}",
            attributes={"genres": (genres[n % 5], genres[n // 7 % 5]), "author": f"author-{n % 9}"},
            published_at=START_AT + 3_000.0 * (n * 23 % 60 - 50),
        )
        for n in range(60)
    ]


def _observations() -> list[Observation]:
    """Eight users over some days; some come back, some rate what they like or do not like."""
    rng, at = random.Random(5), START_AT
    found = []
    for _ in range(60):
        at += rng.choice([3.0, 20.0, 400.0, 5_000.0, 20_000.0])
        user_id, item_id = f"user-{rng.randrange(8)}", f"item-{int(60 * rng.random() ** 2)}"
        found.append(Observation(user_id, item_id, at, rng.choice([None, None, None, 5.0, 1.0])))
    return found


ITEMS, OBSERVATIONS = _catalogue(), _observations()


class Service:
    """A worker, as those see it who send it events and ask it for slates."""

    def __init__(
        self, outbox: Outbox, topics: Mapping[str, AsyncGenerator[Record, None]], log: Path
    ) -> None:
        self._outbox = outbox
        self._topics = topics
        self._log = log
        self._asked = 0
        self._trends: dict[int, int] = {}
        """Partition of `item-trends` to the offset after the last trend that came back."""

    async def tell(self, event: Interaction) -> None:
        """Send an event; returns once its slate is there and its trend has come back."""
        origin = await self._post("events", event.user_id, encode_event(event))

        def contains_it(record: Record) -> bool:
            applied = decode_trend(record.value or b"").applied.get(origin.partition, -1)
            return record.key == event.item_id.encode() and applied >= origin.offset

        await self._slate(str(origin))
        record = await self._next("item-trends", contains_it)
        self._trends[record.partition] = record.offset + 1

    async def learned(self, lessons: int) -> Ranker:
        """The ranker with so many lessons in it."""

        def is_it(record: Record) -> bool:
            return decode_ranker(record.value or b"").lessons >= lessons

        return decode_ranker((await self._next("rankers", is_it)).value or b"")

    async def ask(self, user_id: str, *, now: float) -> Slate:
        """The slate of somebody, from a worker that has read every trend."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self._asked += 1
            trigger = Trigger(f"ask-{self._asked}", "request", now, time.time())
            request = SlateRequest(user_id=user_id, n=N, trigger=trigger)
            await self._post("slate-requests", user_id, encode_request(request))
            slate = await self._slate(trigger.id)
            read = slate.versions.trends
            if all(read.get(p, 0) >= offset for p, offset in self._trends.items()):
                return slate
            assert time.monotonic() < deadline, f"trends read up to {read}, not {self._trends}"

    async def _post(self, topic: str, user_id: str, value: bytes) -> Origin:
        place = await (await self._outbox.post(topic, key=user_id.encode(), value=value))
        return Origin(place.topic, place.partition, place.offset)

    async def _slate(self, trigger: str) -> Slate:
        def answers(record: Record) -> bool:
            return decode_slate(record.value or b"").trigger.id == trigger

        return decode_slate((await self._next("recommendations", answers)).value or b"")

    async def _next(self, topic: str, wanted: Callable[[Record], bool]) -> Record:
        """The next record of a topic that is the one; those before it are not looked at again."""
        try:
            async with asyncio.timeout(PATIENCE):
                async for record in self._topics[topic]:
                    if wanted(record):
                        return record
        except TimeoutError:
            pass
        raise AssertionError(f"nothing wanted on {topic}; the worker: {self._log.read_text()}")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """One for each test: nobody knows anything; announced, so that workers do not wait for it."""
    with EmbeddedBroker() as embedded:
        for name, partitions in Topics(prefix="", partitions=4).partition_counts().items():
            embedded.declare(name, partitions)
        announced = {"bootstrap": embedded.bootstrap, "pid": os.getpid()}
        address_file(tmp_path).write_text(json.dumps(announced))
        yield Broker(embedded.bootstrap, fetch_wait=EMBEDDED_FETCH_WAIT)


@pytest.fixture
def lessons() -> float:
    """How many a second; none, where a test does not say."""
    return 0.0


@pytest.fixture
def strategies(tmp_path: Path) -> Path:
    path = tmp_path / "strategies.toml"
    path.write_text(STRATEGY)
    return path


@pytest.fixture
def engine(strategies: Path, lessons: float) -> Engine:
    settings = Settings(strategies=strategies, strategy="by-score", lessons_per_second=lessons)
    made = Engine(settings, HashEncoder())
    made.announce(ITEMS)
    return made


@pytest.fixture
def worker(
    broker: Broker, tmp_path: Path, strategies: Path, lessons: float
) -> Iterator[WorkerProgram]:
    settings = {
        "HEADWATER_STATE_DIR": str(tmp_path),
        "HEADWATER_COMMIT_INTERVAL": "0.05",
        "HEADWATER_INDEX__KIND": "exact",
        "HEADWATER_LESSONS_PER_SECOND": str(lessons),
        "HEADWATER_STRATEGIES": str(strategies),
        "HEADWATER_STRATEGY": "by-score",
    }
    program = WorkerProgram(settings=settings, log=tmp_path / "worker.log", roles=ROLES)
    with program:
        yield program.wait_ready()


@pytest.fixture
async def service(broker: Broker, worker: WorkerProgram) -> AsyncIterator[Service]:
    await send(broker, "item-vectors", *map(_vector, ITEMS))
    worker.wait_until(
        lambda: worker.figures().total("headwater_index_items") == len(ITEMS), what="items"
    )
    async with AsyncExitStack() as stack:
        topics = {
            topic: await stack.enter_async_context(
                aclosing(follow(broker, topic, from_start=True, stopped=lambda: False))
            )
            for topic in ("recommendations", "item-trends", "rankers")
        }
        outbox = Outbox(broker)
        await outbox.start()
        stack.push_async_callback(outbox.stop)
        yield Service(outbox, topics, worker.log)


def _vector(item: Item) -> tuple[bytes, bytes]:
    row, digest = HashEncoder()([item.text()])[0], content_hash(item.text())
    record = VectorRecord(fingerprint(), digest, row, item.facts(), 0, 0, 0.0)
    return item.item_id.encode(), encode_vector(record)


def _event(seen: Observation) -> Interaction:
    return Interaction(
        user_id=seen.user_id,
        item_id=seen.item_id,
        at=seen.at,
        action="click" if seen.value is None else "rating",
        value=seen.value,
    )


def _served(slate: Slate) -> Shown:
    assert slate.degraded == ()
    return [(item.item_id, item.score) for item in slate.items]


def _evaluated(engine: Engine, user_id: str, *, now: float) -> Shown:
    ranked = engine.rank(user_id, now=now, n=N)
    shortlist = engine.prepare(user_id, now=now).shortlist
    scores = dict(zip(shortlist.candidates.item_ids, shortlist.scores.tolist(), strict=True))
    return [(item_id, scores[item_id]) for item_id in ranked]


def _same(some: Shown, others: Shown) -> bool:
    ids, scores = zip(*some, strict=True)
    other_ids, other_scores = zip(*others, strict=True)
    return bool(ids == other_ids and scores == pytest.approx(other_scores, abs=SAME))


async def test_without_lessons_every_slate_is_what_the_engine_ranks(
    engine: Engine, service: Service
) -> None:
    for k, seen in enumerate(OBSERVATIONS):
        engine.learn(seen)
        await service.tell(_event(seen))
        now = seen.at + 1.0
        expected = _evaluated(engine, seen.user_id, now=now)
        found = _served(await service.ask(seen.user_id, now=now))
        assert len(found) == N
        assert _same(found, expected), (k, seen, found, expected)
    assert engine.ranker == Ranker()


@pytest.mark.parametrize("lessons", [1_000.0])
async def test_with_lessons_every_ranker_and_every_slate_is_the_engine_s(
    engine: Engine, service: Service
) -> None:
    taught = 0
    for k, seen in enumerate(OBSERVATIONS):
        engine.rank(seen.user_id, now=seen.at, n=N)  # what was asked for teaches, as in a replay
        engine.learn(seen)
        await service.tell(_event(seen))
        if engine.ranker.lessons > taught:
            taught = engine.ranker.lessons
            learned = await service.learned(taught)
            assert learned.lessons == taught
            assert learned.weights == pytest.approx(engine.ranker.weights, abs=SAME), (k, seen)
        found, expected = await _answers(engine, service, seen.user_id, now=seen.at + 1.0)
        assert _same(found, expected), (k, seen, found, expected)
    assert taught > len(OBSERVATIONS) / 2


async def _answers(
    engine: Engine, service: Service, user_id: str, *, now: float
) -> tuple[Shown, Shown]:
    """The worker's and the engine's; no slate tells which ranker it was made with, so wait."""
    expected = _evaluated(engine, user_id, now=now)
    deadline = time.monotonic() + PATIENCE / 3
    while True:
        found = _served(await service.ask(user_id, now=now))
        if _same(found, expected) or time.monotonic() > deadline:
            return found, expected
