"""Recovery seeks only after the flow has stopped, or what was fetched in between is thrown away."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import faust
import pytest
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery

from agents.safety.recovery import SafeRecovery, SafeTableManager

GENERATION = 5


class Flow:
    """A consumer that has partitions, and messages flowing."""

    def __init__(self) -> None:
        self.diary: list[str] = []
        self.flowing = True

    def stop_flow(self) -> None:
        self.flowing = False

    def resume_flow(self) -> None:
        self.flowing = True
        self.diary.append("flow resumed")

    def assignment(self) -> set[Any]:
        return {faust.types.TP("events", 0)}

    def resume_partitions(self, _: Any) -> None:
        pass

    async def perform_seek(self) -> None:
        self.diary.append("seek while flowing" if self.flowing else "seek")

    async def maybe_start(self) -> None:
        """As the fetcher."""


def app_of(folder: Path, manager: type[TableManager]) -> Any:
    app = faust.App(
        "recovering",
        broker="kafka://127.0.0.1:1",
        store="memory://",
        datadir=str(folder),
        web_enabled=False,
        TableManager=manager,
    )
    app.consumer_generation_id = GENERATION
    return app


@pytest.fixture(params=[SafeTableManager, TableManager], ids=["mended", "stock"])
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    yield app_of(tmp_path, request.param)


async def test_the_flow_is_stopped_before_the_seek_and_resumed_after_it(app: Any) -> None:
    flow = Flow()
    app._consumer = app._fetcher = flow
    await app.tables.recovery.on_recovery_completed(GENERATION)
    mended = isinstance(app.tables, SafeTableManager)
    assert flow.diary == ["seek" if mended else "seek while flowing", "flow resumed"]
    assert app.tables.recovery.completed.is_set()


async def test_a_recovery_that_another_rebalance_overtook_leaves_the_flow_to_that_one(
    app: Any,
) -> None:
    flow = Flow()
    app._consumer = app._fetcher = flow
    await app.tables.recovery.on_recovery_completed(GENERATION - 1)
    assert flow.diary == []
    assert not app.tables.recovery.completed.is_set()


async def test_the_manager_makes_one_safe_recovery_and_keeps_it(tmp_path: Path) -> None:
    tables = app_of(tmp_path, SafeTableManager).tables
    assert isinstance(tables.recovery, SafeRecovery)
    assert tables.recovery is tables.recovery


async def test_stock_recovery_is_what_is_replaced(tmp_path: Path) -> None:
    assert type(app_of(tmp_path, TableManager).tables.recovery) is Recovery
