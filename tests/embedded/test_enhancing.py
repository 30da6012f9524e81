"""Items and users are written about by a worker on the embedded broker, with a model server."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from indexes.embedding import DIM
from slates.testing import Asked, ModelServer, Script
from slates.testing.script import say
from streams.embedded import EmbeddedBroker
from streams.events import Interaction, encode_event
from streams.items import Item, content_hash, encode_item
from streams.kafka import Broker, Record
from streams.topics import Topics
from streams.vectors import VectorRecord, decode_vector
from tests.support.processes import PATIENCE, Program, WorkerProgram
from tests.support.wire import everything, first, send

WHALE = Item(
    title="Moby-Dick",
    description=(
        "Captain Ahab of Nantucket hunts the white whale that maimed him on a voyage "
        "around the world, in 1851."
    ),
    attributes={"subjects": ("sea",)},
)
SUMMARY = "Captain Ahab hunts the white whale."


def clever(asked: Asked) -> str:
    """Says what is so of the whale, and invents a tag."""
    if "catalogue" in asked.messages[0].content:
        about = {"tags": ["white whale", "bestseller"], "summary": SUMMARY, "mood": "dark"}
        return json.dumps({"items": [{"id": 1, **about, "audience": "children"}]})
    return json.dumps({"text": "Likes the sea."})


class ServerInThread:
    """A model server on a loop of its own: worker and test are not kept waiting by each other."""

    def __init__(self) -> None:
        self.server = ModelServer(Script(then=say(clever)))
        self._ready, self._done = Event(), Event()
        self._thread = Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    async def _serve(self) -> None:
        async with self.server:
            self._ready.set()
            while not self._done.is_set():
                await asyncio.sleep(0.05)

    def __enter__(self) -> ModelServer:
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        return self.server

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(PATIENCE)


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with ServerInThread() as server:
        yield server


@pytest.fixture
def own_broker() -> Iterator[Broker]:
    with EmbeddedBroker() as embedded:
        for name, partitions in Topics(prefix="", partitions=4).partition_counts().items():
            embedded.declare(name, partitions)
        yield Broker(embedded.bootstrap, fetch_wait=0.01)


@pytest.fixture
def own(own_broker: Broker, model: ModelServer, tmp_path: Path) -> Mapping[str, str]:
    return {
        "HEADWATER_BROKER": own_broker.bootstrap,
        "HEADWATER_STATE_DIR": str(tmp_path / "state"),
        "HEADWATER_COMMIT_INTERVAL": "0.2",
        "HEADWATER_MODEL__BASE_URL": model.base_url,
        "HEADWATER_MODEL__SMALL": "small",
    }


def _is_warm(worker: WorkerProgram) -> None:
    """What is timed begins once texts can be encoded."""
    worker.wait_ready()

    def is_warm() -> bool:
        return worker.figures().total("headwater_encoder_ready") == 1

    worker.wait_until(is_warm, what="what encodes")


def _vector(record: Record) -> VectorRecord:
    assert record.value is not None
    return decode_vector("whale", record.value, dim=DIM)


async def test_an_item_is_found_first_asked_about_once_and_never_again_after_a_restart(
    own_broker: Broker, own: Mapping[str, str], model: ModelServer, tmp_path: Path
) -> None:
    def is_enhanced(record: Record) -> bool:
        return record.key == b"whale" and _vector(record).facts.enhanced is not None

    with WorkerProgram(settings=own, log=tmp_path / "log", hashing=True) as worker:
        _is_warm(worker)
        await send(own_broker, "items", (b"whale", encode_item(WHALE)))
        second = _vector(await first(own_broker, "item-vectors", is_enhanced))
        plain = _vector(await first(own_broker, "item-vectors", lambda r: r.key == b"whale"))
        assert plain.facts.enhanced is None
        assert plain.content_hash == content_hash(WHALE.text())
        assert (second.facts.summary, second.facts.tags) == (SUMMARY, ("white whale",))
        assert second.facts.attributes == {"subjects": ("sea",), "mood": "dark"}
        figures = worker.figures()
        assert figures.total("headwater_item_to_findable_seconds_count") == 1
        assert figures.total("headwater_enhancements_dropped_total") == 2
        worker.end()
    with WorkerProgram(settings=own, log=tmp_path / "log2", hashing=True) as worker:
        _is_warm(worker)
        await send(own_broker, "items", (b"whale", encode_item(WHALE)))
        worker.wait_until(
            lambda: worker.figures().total("headwater_items_catalogued_total") == 1, what="again"
        )
        await asyncio.sleep(1.0)  # for what must not happen
        last = _vector((await everything(own_broker, "item-vectors"))[-1])
    assert last.facts == second.facts
    assert (last.offset, last.content_hash) == (1, second.content_hash)
    assert len(model.requests) == 1


def _command(own: Mapping[str, str], log: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Run a command: its exit code, its JSON, and all it wrote."""
    log.unlink(missing_ok=True)
    with Program(*arguments, "--json", settings=own, log=log) as program:
        code = program.wait()
    text = log.read_text()
    lines = [line for line in text.splitlines() if line.startswith("{")]
    return code, json.loads(lines[0]) if lines else {}, text


async def test_preferences_are_written_changed_deleted_and_forgotten(
    own_broker: Broker, own: Mapping[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "out"

    def run(*arguments: str) -> tuple[int, dict[str, Any], str]:
        return _command(own, log, "preferences", "ann", *arguments)

    with WorkerProgram(settings=own, log=tmp_path / "log", hashing=True) as worker:
        _is_warm(worker)
        await send(own_broker, "items", (b"whale", encode_item(WHALE)))
        like = Interaction(user_id="ann", item_id="whale", action="like", at=time.time())
        await send(own_broker, "events", (b"ann", encode_event(like)))
        await first(own_broker, "profiles", lambda r: r.key == b"ann")
        worker.wait_until(
            lambda: worker.figures().total("headwater_index_items") == 1, what="the item"
        )

        code, told, text = run("--refresh")
        assert (code, told["text"], told["by"]) == (0, "Likes the sea.", "model"), text
        assert told["basis"] == 1
        code, told, text = run("--set", "No horror, please.")
        assert (code, told["text"], told["by"]) == (0, "No horror, please.", "user"), text
        code, _, text = run("--refresh")
        assert code == 1
        assert "they stand until" in text
        code, told, text = run("--delete")
        assert (code, told["text"], told["by"]) == (0, "", "user"), text
        code, told, text = run("--refresh")
        assert (code, told["text"], told["by"]) == (0, "Likes the sea.", "model"), text

        code, case, text = _command(own, log, "why", "ann")
        assert (code, case["profile"]["likes"]["by"]) == (0, "model"), text
        code, report, text = _command(own, log, "forget", "ann")
        assert (code, report["forgotten"]) == (0, True), text
        code, told, text = run()
        assert (code, told["by"]) == (0, None), text
