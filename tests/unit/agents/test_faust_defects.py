"""
What Faust's own parts get wrong, where ours only help once they are put in place of them.

The rest is told beside each mend: test_safe_consumer, test_safe_commits, test_safe_rebalances,
test_safe_recovery, test_draining, test_watchdog.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import faust
import pytest
from faust.tables.manager import TableManager
from faust.transport.consumer import Consumer
from faust.transport.drivers.aiokafka import Producer

from agents.safety.consumer import SafeConsumer
from agents.safety.draining import FULL_WAIT, FastDrain
from agents.safety.plain import IdleProducer
from agents.safety.recovery import SafeTableManager
from agents.testing import run_at_once


def test_the_safe_consumer_delivers_with_our_loop() -> None:
    assert SafeConsumer._drain_messages is FastDrain._drain_messages
    assert SafeConsumer._drain_messages is not Consumer._drain_messages


def test_a_queue_that_was_full_is_looked_at_fifty_times_a_second() -> None:
    """Faust waits a second, with events of other partitions at hand."""

    async def patience() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        consumer = SimpleNamespace(
            _buffered_partitions={"events-0"}, _get_active_partitions=lambda: {"events-1"}
        )
        waits = await FastDrain._patience(consumer)
        began = loop.time()
        consumer._get_active_partitions = set
        await FastDrain._patience(consumer)
        return waits, loop.time() - began

    fetch, pause = run_at_once(patience())
    assert fetch == FULL_WAIT <= 0.02
    assert pause <= 0.03


@pytest.mark.parametrize("kind", [IdleProducer, Producer], ids=["mended", "stock"])
def test_no_message_waits_for_a_producer_that_sends_nothing(
    tmp_path: Path, kind: type[Producer]
) -> None:
    """Faust asks its settings twice for each whether there is room."""

    async def deliver() -> bool:
        app = faust.App("app", store="memory://", datadir=str(tmp_path), web_enabled=False)
        buffer = kind(app.transport).buffer
        for _ in range(buffer.max_messages + 1):
            buffer.pending.put_nowait(None)
        try:
            await buffer.wait_until_ebb()
        except RuntimeError:  # it does not run
            return False
        return True

    assert run_at_once(deliver()) is (kind is IdleProducer)


@pytest.mark.parametrize("kind", [SafeTableManager, TableManager], ids=["mended", "stock"])
def test_starting_does_not_wait_for_tables_that_are_not_there(
    tmp_path: Path, kind: type[TableManager]
) -> None:
    async def start() -> Mapping[str, float]:
        loop = asyncio.get_running_loop()
        app = faust.App(
            "starting",
            broker="kafka://127.0.0.1:1",
            store="memory://",
            datadir=str(tmp_path),
            web_enabled=False,
            TableManager=kind,
        )
        began = loop.time()
        started: dict[str, float] = {}

        async def recovery() -> None:
            started["recovery"] = loop.time() - began

        app.tables._recovery = SimpleNamespace(start=recovery)
        app._consumer = SimpleNamespace(assignment=set, pause_partitions=lambda _: None)
        await app.tables.on_start()
        return started

    seconds = run_at_once(start())["recovery"]
    assert (seconds < 0.5) is (kind is SafeTableManager)
