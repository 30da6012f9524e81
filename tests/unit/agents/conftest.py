"""Doubles that several modules of tests are handed."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import faust
import pytest
from faust.transport.drivers.aiokafka import Transport
from faust.types import TP

import agents.restoring
import agents.tails
from agents.safety.consumer import SafeTransport
from streams.errors import SetupError
from tests.support.changelogs import Changelogs
from tests.support.offline import (
    ELSEWHERE,
    EVENTS,
    GENERATION,
    URLS,
    OfflineSafe,
    OfflineStock,
    Reading,
)


@pytest.fixture(params=[True, False], ids=["mended", "stock"])
async def reading(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Reading]:
    made = Reading(None, None, [], mended=request.param)
    made.app = _app_in(tmp_path)
    made.consumer = _consumer_of(made)
    made.consumer.assigned = {EVENTS, ELSEWHERE}
    made.consumer.diary = made.diary
    made.app._consumer = made.consumer
    yield made
    if not made.mended:  # ours runs on this very loop
        made.consumer._thread.thread_loop.close()


def _app_in(folder: Path) -> faust.App:
    app = faust.App(
        "reading",
        broker=str(URLS[0]),
        store="memory://",
        datadir=str(folder),
        web_enabled=False,
        stream_wait_empty=False,
    )
    app.consumer_generation_id = GENERATION
    app.topics._acking_topics.add("events")
    return app


def _consumer_of(made: Reading) -> Any:
    async def revoked(partitions: set[TP]) -> None:
        if made.revoked is not None:
            await made.revoked(partitions)

    async def assigned(*_: Any) -> None:
        if made.assigned is not None:
            made.assigned()

    async def nothing(*_: Any) -> None:
        pass

    stock = Transport(URLS, made.app, loop=None)
    kind, transport = (OfflineSafe, _safe(made)) if made.mended else (OfflineStock, stock)
    return kind(transport, nothing, on_partitions_revoked=revoked, on_partitions_assigned=assigned)


def _safe(made: Reading) -> SafeTransport:
    async def settle() -> None:
        made.diary.append("settle")
        if made.settle is not None:
            await made.settle()

    def refuse(error: SetupError) -> None:
        raise error

    return SafeTransport(
        URLS,
        made.app,
        settle=settle,
        contained=lambda _: {},
        refuse=refuse,
        lease=made.lease,
        fetch_wait=0.05,
        loop=None,
    )


@pytest.fixture
async def logs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Changelogs]:
    made = Changelogs(tmp_path / "tables")
    monkeypatch.setattr(agents.tails, "LogReader", made.open)
    monkeypatch.setattr(agents.restoring, "partition_counts", made.counts)
    yield made
    for keeping in made.keepings:
        await keeping.close()
