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

    async def settle() -> None:
        made.diary.append("settle")
        if made.settle is not None:
            await made.settle()

    async def revoked(partitions: set[TP]) -> None:
        if made.revoked is not None:
            await made.revoked(partitions)

    async def assigned(*_: Any) -> None:
        if made.assigned is not None:
            made.assigned()

    async def nothing(*_: Any) -> None:
        pass

    def refuse(error: SetupError) -> None:
        raise error

    app = faust.App(
        "reading",
        broker=str(URLS[0]),
        store="memory://",
        datadir=str(tmp_path),
        web_enabled=False,
        stream_wait_empty=False,
    )
    app.consumer_generation_id = GENERATION
    app.topics._acking_topics.add("events")
    transport = (
        SafeTransport(
            URLS,
            app,
            settle=settle,
            contained=lambda _: {},
            refuse=refuse,
            lease=made.lease,
            fetch_wait=0.05,
            loop=None,
        )
        if made.mended
        else Transport(URLS, app, loop=None)
    )
    kind = OfflineSafe if made.mended else OfflineStock
    made.app = app
    made.consumer = kind(
        transport, nothing, on_partitions_revoked=revoked, on_partitions_assigned=assigned
    )
    made.consumer.assigned = {EVENTS, ELSEWHERE}
    made.consumer.diary = made.diary
    app._consumer = made.consumer
    yield made
    if not made.mended:  # ours runs on this very loop
        made.consumer._thread.thread_loop.close()


@pytest.fixture
async def logs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Changelogs]:
    made = Changelogs(tmp_path / "tables")
    monkeypatch.setattr(agents.tails, "LogReader", made.open)
    monkeypatch.setattr(agents.restoring, "partition_counts", made.counts)
    yield made
    for keeping in made.keepings:
        await keeping.close()
