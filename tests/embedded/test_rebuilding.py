"""`headwater rebuild index` as a user runs it, beside a worker under a stream of events."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from agents.scraping import is_ready
from indexes.embedding import DIM, fingerprint
from indexes.testing import draw_vectors
from slates.slate import Slate, decode_slate
from streams.embedded import EmbeddedBroker
from streams.events import Interaction, encode_event
from streams.items import ItemFacts, content_hash
from streams.kafka import Broker, LogReader, Outbox, Record
from streams.topics import Topics
from streams.vectors import VectorRecord, encode_vector
from tests.support.processes import Program, WorkerProgram
from tests.support.wire import first, send

ITEMS = 3_000
"""Some 1.5 s of building: so long that much happens meanwhile."""
RATE = 20.0
"""Events a second; so few that a busy machine keeps up."""
GAP = 1.0
"""Seconds that may be between two slates; 0.05 is usual.  On a machine so busy that the command
takes long it may be a third of that: a worker that stood still meanwhile would show all of it."""
ROLES = "profiling,trending,recommending"
"""Without an encoder: vectors are sent as they are."""


def vectors(count: int, *, seed: int, prefix: str = "item") -> list[tuple[bytes, bytes]]:
    """Records for `item-vectors`, near each other as those of texts are."""
    rows = draw_vectors(count, dim=DIM, seed=seed, latent=24).astype("f2")
    names = [f"{prefix}-{n}" for n in range(count)]
    return [
        (
            name.encode(),
            encode_vector(
                VectorRecord(
                    fingerprint(), content_hash(name), row, ItemFacts(name), 0, n, time.time()
                )
            ),
        )
        for n, (name, row) in enumerate(zip(names, rows, strict=True))
    ]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Broker, Mapping[str, str]]]:
    """A broker of its own: here items are counted."""
    with EmbeddedBroker() as embedded:
        for name, partitions in Topics(prefix="", partitions=4).partition_counts().items():
            embedded.declare(name, partitions)
        settings = {
            "HEADWATER_BROKER": embedded.bootstrap,
            "HEADWATER_STATE_DIR": str(tmp_path / "state"),
        }
        yield Broker(embedded.bootstrap, fetch_wait=0.01), settings


PATIENTLY = ("--json", "--patience", "150")


def rebuild(settings: Mapping[str, str], log: Path, *arguments: str) -> Program:
    log.unlink(missing_ok=True)
    return Program("rebuild", "index", *arguments, settings=settings, log=log)


async def ended(program: Program) -> tuple[int, dict[str, Any], str]:
    """Its exit code, its JSON, and all it wrote."""
    code = await asyncio.to_thread(program.wait)
    text = program.log.read_text()
    found = [line for line in text.splitlines() if line.startswith("{")]
    return code, json.loads(found[0]) if found else {}, text


def more_vectors() -> Iterator[tuple[bytes, bytes]]:
    """Records of items that were not there before, without an end."""
    for n in itertools.count():
        yield from vectors(100, seed=2 + n, prefix=f"more-{n}")


@asynccontextmanager
async def stream(broker: Broker) -> AsyncIterator[list[float]]:
    """Events, with each an item more and one less, while the block lasts; when they were sent."""
    outbox = Outbox(broker)
    await outbox.start()
    more, sent = more_vectors(), list[float]()

    async def go_on() -> None:
        for n in itertools.count():
            user, item = f"user-{n % 200}", f"item-{n % 1_000}"
            event = Interaction(user_id=user, item_id=item, action="like", at=time.time())
            await outbox.post("events", key=user.encode(), value=encode_event(event))
            key, value = next(more)
            await outbox.post("item-vectors", key=key, value=value)
            await outbox.post("item-vectors", key=b"item-%d" % (ITEMS // 2 + n), value=None)
            sent.append(time.time())
            await asyncio.sleep(1 / RATE)

    going = asyncio.create_task(go_on())
    try:
        yield sent
    finally:
        going.cancel()
        with suppress(asyncio.CancelledError):
            await going  # what broke it fails the test
        await outbox.stop()


async def slates_from(reader: LogReader) -> list[tuple[float, Slate]]:
    """When the broker got them, and what they are, in order of time."""
    records: list[Record] = []
    while found := await reader.read(wait=1.0):
        records += found
    records.sort(key=lambda record: record.received_at)
    return [(r.received_at, decode_slate(r.value)) for r in records if r.value is not None]


async def shown_after(broker: Broker, liked: str) -> set[str]:
    """What is shown to a user who likes an item and no other."""
    event = Interaction(user_id=liked, item_id=liked, action="like", at=time.time())
    (cause,) = await send(broker, "events", (liked.encode(), encode_event(event)))

    def is_answer(record: Record) -> bool:
        return record.value is not None and decode_slate(record.value).trigger.id == cause

    found = await first(broker, "recommendations", is_answer)
    assert found.value is not None
    slate = decode_slate(found.value)
    return {item.item_id for item in slate.items}


async def test_slates_flow_while_the_index_is_rebuilt_and_swapped_in(
    own: tuple[Broker, Mapping[str, str]], tmp_path: Path
) -> None:
    broker, settings = own
    await send(broker, "item-vectors", *vectors(ITEMS, seed=1))
    log = tmp_path / "worker.log"
    with WorkerProgram(settings=settings, log=log, roles=ROLES) as worker:
        worker.wait_ready()
        reader = LogReader(broker, "recommendations")
        await reader.start(at_end=True)
        async with stream(broker) as sent:
            await asyncio.sleep(1.0)
            began = time.time()
            with rebuild(settings, tmp_path / "log", *PATIENTLY) as program:
                code, report, text = await ended(program)
            took = time.time() - began
            await asyncio.sleep(1.0)
        slates = await slates_from(reader)
        await reader.stop()
        figures = worker.figures()
        words = log.read_text()

    assert (code, report["taken"]) == (0, True), text + words
    assert report["generation"] == figures.total("headwater_index_generation") == 2
    assert figures.total("headwater_index_rebuild_seconds") > 0
    assert figures.total("headwater_index_rebuild_failures") == 0
    assert report["recall"] > 0.98
    assert figures.total("headwater_dead_letters_total") == 0

    times = [at for at, _ in slates]
    meanwhile = [slate for at, slate in slates if began < at < began + took]
    assert len(meanwhile) > sum(began < at < began + took for at in sent) / 2
    assert max(b - a for a, b in itertools.pairwise(times)) < max(GAP, took / 3)
    assert {len(slate.items) for _, slate in slates} == {10}
    assert [slate.degraded for _, slate in slates if slate.degraded] == []
    generations = [slate.versions.index_generation for _, slate in slates]
    assert generations == sorted(generations)
    assert {1, 2} == {*generations}


async def test_what_came_and_went_during_the_rebuild_is_there_and_gone(
    own: tuple[Broker, Mapping[str, str]], tmp_path: Path
) -> None:
    """For each item that goes two come with its vector, until the command has ended."""
    broker, settings = own
    few = vectors(1_500, seed=1)
    await send(broker, "item-vectors", *few)
    with WorkerProgram(settings=settings, log=tmp_path / "worker.log", roles=ROLES) as worker:
        worker.wait_ready()
        count = 0
        with rebuild(settings, tmp_path / "log", *PATIENTLY) as program:
            while program.process.poll() is None:
                twins = [(b"%s-%d" % (name, count), few[count][1]) for name in (b"one", b"two")]
                await send(broker, "item-vectors", *twins, (b"item-%d" % count, None))
                count += 1
                await asyncio.sleep(0.05)
            code, report, text = await ended(program)
        assert (code, report["taken"]) == (0, True), text
        assert report["items"] < report["items_now"] <= len(few) + count
        worker.wait_until(
            lambda: worker.figures().total("headwater_index_items") == len(few) + count,
            what="each item that has come",
        )
        assert worker.figures().total("headwater_index_generation") == 2
        for n in (0, count // 2, count - 1):
            shown = await shown_after(broker, f"one-{n}")
            assert f"two-{n}" in shown
            assert f"item-{n}" not in shown


async def test_without_a_worker_it_says_so_at_once_and_the_next_start_takes_it(
    own: tuple[Broker, Mapping[str, str]], tmp_path: Path
) -> None:
    broker, settings = own
    await send(broker, "item-vectors", *vectors(100, seed=1))
    began = time.monotonic()
    with rebuild(settings, tmp_path / "log") as program:
        code, _, text = await ended(program)
    assert code == 0
    assert "built: 100 items out of 100 records" in text
    assert "the next start takes it" in text
    assert time.monotonic() - began < 30
    with WorkerProgram(settings=settings, log=tmp_path / "worker.log", roles=ROLES) as worker:
        worker.wait_ready()
        figures = worker.figures()
        assert figures.total("headwater_index_generation") == 2
        assert figures.total("headwater_index_items") == 100
    assert [*(tmp_path / "state").glob("*/item-vectors.rebuilt")] == []


async def test_a_worker_that_will_not_have_it_goes_on_with_the_old_one(
    own: tuple[Broker, Mapping[str, str]], tmp_path: Path
) -> None:
    broker, settings = own
    await send(broker, "item-vectors", *vectors(100, seed=1))
    with WorkerProgram(settings=settings, log=tmp_path / "worker.log", roles=ROLES) as worker:
        worker.wait_ready()
        other = {**settings, "HEADWATER_INDEX__KIND": "exact"}
        with rebuild(other, tmp_path / "log", "--json") as program:
            code, report, text = await ended(program)
        assert (code, report["taken"]) == (1, False), text
        assert "it is of kind ExactIndex, the worker has HnswIndex" in report["verdict"]
        assert is_ready(worker.port)
        figures = worker.figures()
        assert figures.total("headwater_index_rebuild_failures") == 1
        assert figures.total("headwater_index_items") == 100
        assert figures.total("headwater_index_generation") == 1


async def test_bad_surroundings_are_named_with_what_to_do(
    own: tuple[Broker, Mapping[str, str]], tmp_path: Path
) -> None:
    broker, settings = own
    wrongs = {
        "has no items": settings,
        "topic 'shop.item-vectors' is missing": {**settings, "HEADWATER_TOPIC_PREFIX": "shop."},
        "no Kafka broker answers at 127.0.0.1:1": {
            **settings,
            "HEADWATER_BROKER": "127.0.0.1:1",
            "HEADWATER_BROKER_PATIENCE": "0.5",
        },
    }
    for words, wrong in wrongs.items():
        with rebuild(wrong, tmp_path / "log") as program:
            code, _, text = await ended(program)
        assert (code, words in text) == (2, True), text
        assert "Traceback" not in text
    await send(broker, "item-vectors", *vectors(10, seed=1))
    shutil.rmtree(tmp_path / "state", ignore_errors=True)
    (tmp_path / "state").touch()
    with rebuild(settings, tmp_path / "log") as program:
        code, _, text = await ended(program)
    assert code == 2
    assert "the new index cannot be written to" in text
    assert "nothing was changed" in text
