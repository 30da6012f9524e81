"""`headwater replay` as a user runs it, beside a worker that goes on folding a stream."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.embedded import EmbeddedBroker
from streams.events import Event, Forget, Interaction, encode_event
from streams.kafka import Broker, Outbox, partition_of
from streams.profiles import decode_profile, encode_profile
from streams.topics import Topics
from tests.support.processes import Program, WorkerProgram
from tests.support.wire import everything, first

ROLES = "profiling,trending,recommending"
USERS, ITEMS = 40, 12
NOBODY_WORKS = ("--verify", "--patience", "0.5")
"""There is nothing to wait for then."""


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """One for these tests alone: they plant what is wrong."""
    with EmbeddedBroker() as embedded:
        for name, partitions in Topics(prefix="", partitions=4).partition_counts().items():
            embedded.declare(name, partitions)
        yield Broker(embedded.bootstrap, fetch_wait=0.01)


@pytest.fixture(scope="module")
def worker(
    broker: Broker, settings: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WorkerProgram]:
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    with WorkerProgram(settings=settings, log=log, roles=ROLES) as program:
        yield program.wait_ready()


@pytest.fixture(scope="module")
def settings(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return {
        "HEADWATER_BROKER": broker.bootstrap,
        "HEADWATER_STATE_DIR": str(tmp_path_factory.mktemp("state")),
        "HEADWATER_COMMIT_INTERVAL": "0.2",
    }


async def replay(
    settings: Mapping[str, str], log: Path, *arguments: str
) -> tuple[int, dict[str, Any], str]:
    """Run it while everything else goes on: its exit code, its JSON, and all it wrote."""
    return await asyncio.to_thread(_replay, settings, log, arguments)


def _replay(
    settings: Mapping[str, str], log: Path, arguments: Sequence[str]
) -> tuple[int, dict[str, Any], str]:
    log.unlink(missing_ok=True)
    with Program("replay", *arguments, "--json", settings=settings, log=log) as program:
        code = program.wait()
    text = log.read_text()
    lines = [line for line in text.splitlines() if line.startswith("{")]
    return code, json.loads(lines[0]) if lines else {}, text


def _event(chance: random.Random) -> Event:
    user = f"user-{chance.randrange(USERS)}"
    if chance.random() < 0.03:
        return Forget(user_id=user)
    action = chance.choice(["click", "like", "dislike"])
    at = time.time() - chance.choice([0.0, 5.0, 90_000.0])
    return Interaction(user_id=user, item_id=f"i-{chance.randrange(ITEMS)}", action=action, at=at)


@asynccontextmanager
async def stream(broker: Broker) -> AsyncIterator[None]:
    """Events go on arriving, some unreadable and some where another partitioner puts them."""
    chance = random.Random(7)
    outbox = Outbox(broker)
    await outbox.start()

    async def go_on() -> None:
        while True:
            event = _event(chance)
            key, value = event.user_id.encode(), encode_event(event)
            if chance.random() < 0.02:
                value = b"no event"
            elsewhere = (partition_of(key, 4) + 1) % 4 if chance.random() < 0.2 else None
            await outbox.post("events", key=key, value=value, partition=elsewhere)
            await asyncio.sleep(0.01)

    flow = asyncio.create_task(go_on())
    try:
        yield
    finally:
        flow.cancel()
        await asyncio.gather(flow, return_exceptions=True)
        await outbox.stop()


async def test_beside_a_stream_there_is_never_a_difference(
    broker: Broker, worker: WorkerProgram, settings: Mapping[str, str], tmp_path: Path
) -> None:
    async with stream(broker):
        await first(broker, "profiles", lambda record: record.offset > 20)
        for _ in range(2):
            code, found, text = await replay(settings, tmp_path / "log", "--verify")
            assert (code, found["verify"]["differences"]) == (0, []), text
            assert (found["verify"]["older"], found["verify"]["newer"]) == ([], [])
            assert found["verify"]["trends_settled"]
    assert found["rejected"] > 0
    assert found["verify"]["compared"]["profiles"] > USERS / 2
    assert found["verify"]["compared"]["item-trends"] == ITEMS


async def test_nor_right_after_a_worker_was_killed_nor_when_another_has_gone_on(
    broker: Broker, worker: WorkerProgram, settings: Mapping[str, str], tmp_path: Path
) -> None:
    async with stream(broker):
        await asyncio.sleep(1.0)
        worker.kill()
        code, found, text = await replay(settings, tmp_path / "log", *NOBODY_WORKS)
        assert (code, found["verify"]["differences"]) == (0, []), text
        assert found["verify"]["uncommitted"] > 0
    with WorkerProgram(settings=settings, log=tmp_path / "second.log", roles=ROLES) as second:
        second.wait_ready()
        async with stream(broker):
            await asyncio.sleep(1.0)
            code, found, text = await replay(settings, tmp_path / "log", "--verify")
            assert (code, found["verify"]["differences"]) == (0, []), text


async def test_a_part_of_the_log_can_be_looked_at_as_of_then(
    broker: Broker, settings: Mapping[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "state"
    code, found, text = await replay(
        settings, tmp_path / "log", "--to", "9", "--out", str(out), *NOBODY_WORKS
    )
    assert (code, found["verify"]["differences"]) == (0, []), text
    assert found["events"] + found["rejected"] == 36
    assert len(found["verify"]["newer"]) > 0
    rows = [json.loads(line) for line in (out / "profiles.jsonl").read_text().splitlines()]
    assert len(rows) == found["profiles"]
    assert all(row["profile"]["offset"] < 9 for row in rows)
    code, _, text = await replay(settings, tmp_path / "log", "--out", str(out))
    assert (code, "is there already" in text) == (2, True)


@pytest.mark.parametrize("places", [("--from", "soon"), ("--from", "2", "--to", "1")])
async def test_a_place_that_cannot_be_meant_ends_it(
    broker: Broker, settings: Mapping[str, str], tmp_path: Path, places: tuple[str, ...]
) -> None:
    code, found, text = await replay(settings, tmp_path / "log", *places)
    assert (code, found) == (2, {})
    assert text.startswith("headwater: --from")


async def test_a_wrong_profile_and_one_that_should_be_gone_are_found(
    broker: Broker, settings: Mapping[str, str], tmp_path: Path
) -> None:
    newest = {(r.partition, r.key): r for r in await everything(broker, "profiles")}
    held = next(r for r in newest.values() if r.value is not None)
    right = decode_profile(held.value or b"")
    wrong = msgspec.structs.replace(right, counters={**right.counters, "click": 1_000})
    await _plant(broker, held.key or b"", encode_profile(wrong), partition=held.partition)
    await _plant(broker, b"ghost", encode_profile(wrong), partition=held.partition)
    code, found, _ = await replay(settings, tmp_path / "log", *NOBODY_WORKS)
    assert code == 1
    differences = {d["key"]: d for d in found["verify"]["differences"]}
    assert set(differences) == {"ghost", (held.key or b"").decode()}
    assert not differences["ghost"]["in_replayed"]
    altered = differences[(held.key or b"").decode()]["fields"]
    assert altered["counters"]["live"]["click"] == 1_000
    assert altered["counters"]["replayed"] == dict(right.counters)


async def _plant(broker: Broker, key: bytes, value: bytes, *, partition: int) -> None:
    outbox = Outbox(broker)
    await outbox.start()
    await outbox.post("profiles", key=key, value=value, partition=partition)
    await outbox.stop()
