"""State is restored and offsets are sought while nothing flows, or events would be thrown away."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import faust
import pytest
from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped
from faust.types import TP

from agents.safety.recovery import SafeRecovery, SafeTableManager

GENERATION = 5
PATIENCE = 5.0


class Flow:
    """A consumer that has partitions, and messages flowing."""

    def __init__(self) -> None:
        self.diary: list[str] = []
        self.flowing = True

    def note(self, what: str) -> None:
        self.diary.append(f"{what} while flowing" if self.flowing else what)

    def stop_flow(self) -> None:
        self.flowing = False

    def resume_flow(self) -> None:
        self.flowing = True
        self.diary.append("flow resumed")

    def assignment(self) -> set[TP]:
        return {TP("events", 0), TP("events", 2), TP("co-visits", 1)}

    def resume_partitions(self, _: Any) -> None:
        pass

    async def perform_seek(self) -> None:
        self.note("seek")

    async def maybe_start(self) -> None:
        """As the fetcher."""


@dataclass
class Recovering:
    """An app that has just been given partitions, and what its recovery does."""

    app: Any
    flow: Flow
    mended: bool
    restoring: Callable[[], Awaitable[None]] | None = None
    """What restoring does; nothing where there is none."""
    restored: list[tuple[int, Mapping[str, set[int]]]] = field(default_factory=list)

    @property
    def recovery(self) -> Any:
        return self.app.tables.recovery

    async def restore(self, generation: int, owned: Mapping[str, set[int]]) -> None:
        self.flow.note("restore")
        self.restored.append((generation, owned))
        if self.restoring is not None:
            await self.restoring()

    def rebalance(self, generation: int) -> None:
        """As Faust does when partitions were assigned."""
        self.app.consumer_generation_id = self.recovery._generation_id = generation
        self.recovery.signal_recovery_start.set()

    async def until(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not what():
                await asyncio.sleep(0)


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
async def recovering(request: pytest.FixtureRequest, tmp_path: Path) -> Recovering:
    made = Recovering(app_of(tmp_path, request.param), Flow(), request.param is SafeTableManager)
    made.app._consumer = made.app._fetcher = made.flow
    made.app.tables.restore = made.restore
    return made


only_mended = pytest.mark.parametrize(
    "recovering", [SafeTableManager], ids=["mended"], indirect=True
)


async def test_the_flow_is_stopped_before_restore_and_seek_and_resumed_after_them(
    recovering: Recovering,
) -> None:
    await recovering.recovery._resume_streams(GENERATION)
    mended = ["restore", "seek", "flow resumed"]
    stock = ["seek while flowing", "flow resumed"]
    assert recovering.flow.diary == (mended if recovering.mended else stock)
    assert recovering.recovery.completed.is_set()


@only_mended
async def test_what_is_restored_is_what_was_assigned_in_this_generation(
    recovering: Recovering,
) -> None:
    await recovering.recovery._resume_streams(GENERATION)
    assert recovering.restored == [(GENERATION, {"events": {0, 2}, "co-visits": {1}})]


@only_mended
async def test_nothing_is_sought_and_nothing_flows_until_state_is_there(
    recovering: Recovering,
) -> None:
    there = asyncio.Event()

    async def restoring() -> None:
        await there.wait()

    recovering.restoring = restoring
    resuming = asyncio.create_task(recovering.recovery._resume_streams(GENERATION))
    await recovering.until(lambda: bool(recovering.restored))
    for _ in range(20):
        await asyncio.sleep(0)
    assert recovering.flow.diary == ["restore"]
    assert not recovering.recovery.completed.is_set()
    there.set()
    await resuming
    assert recovering.flow.diary == ["restore", "seek", "flow resumed"]


@only_mended
async def test_state_that_cannot_be_restored_lets_nothing_flow(recovering: Recovering) -> None:
    async def restoring() -> None:
        raise ConnectionError("the broker went away")

    recovering.restoring = restoring
    with pytest.raises(ConnectionError):
        await recovering.recovery._resume_streams(GENERATION)
    assert recovering.flow.diary == ["restore"]
    assert not recovering.flow.flowing


# -- rebalances that overtake


async def test_a_recovery_that_another_rebalance_overtook_leaves_the_flow_to_that_one(
    recovering: Recovering,
) -> None:
    await recovering.recovery._resume_streams(GENERATION - 1)
    assert recovering.flow.diary == (["restore"] if recovering.mended else [])
    assert recovering.flow.flowing is not recovering.mended
    assert not recovering.recovery.completed.is_set()


class Hanging:
    """Restoring that never ends of itself; only the first one hangs."""

    def __init__(self) -> None:
        self.begun = self.cancelled = 0

    async def __call__(self) -> None:
        self.begun += 1
        if self.begun > 1:
            return
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


@only_mended
async def test_a_rebalance_during_restore_cancels_it(recovering: Recovering) -> None:
    recovering.restoring = hanging = Hanging()
    resuming = asyncio.create_task(recovering.recovery._resume_streams(GENERATION))
    await recovering.until(lambda: hanging.begun == 1)
    recovering.rebalance(GENERATION + 1)
    with pytest.raises(RebalanceAgain):
        async with asyncio.timeout(PATIENCE):
            await resuming
    await recovering.until(lambda: hanging.cancelled == 1)
    assert recovering.flow.diary == ["restore"]
    assert not recovering.flow.flowing
    assert not recovering.recovery.completed.is_set()


@only_mended
async def test_after_a_cancelled_restore_the_next_generation_restores_and_lets_events_flow(
    recovering: Recovering,
) -> None:
    recovering.restoring = hanging = Hanging()
    running = asyncio.create_task(Recovery._restart_recovery(recovering.recovery))
    recovering.rebalance(GENERATION)
    await recovering.until(lambda: hanging.begun == 1)
    recovering.rebalance(GENERATION + 1)
    await recovering.until(recovering.recovery.completed.is_set)
    assert [generation for generation, _ in recovering.restored] == [GENERATION, GENERATION + 1]
    assert recovering.flow.diary == ["restore", "restore", "seek", "flow resumed"]
    running.cancel()


@only_mended
async def test_a_worker_that_stops_during_restore_does_not_wait_for_it(
    recovering: Recovering,
) -> None:
    recovering.restoring = hanging = Hanging()
    resuming = asyncio.create_task(recovering.recovery._resume_streams(GENERATION))
    await recovering.until(lambda: hanging.begun == 1)
    recovering.recovery._stopped.set()
    with pytest.raises(ServiceStopped):
        async with asyncio.timeout(PATIENCE):
            await resuming
    assert recovering.flow.diary == ["restore"]


# -- what is put in place of what


async def test_the_manager_makes_one_safe_recovery_and_keeps_it(tmp_path: Path) -> None:
    tables = app_of(tmp_path, SafeTableManager).tables
    assert isinstance(tables.recovery, SafeRecovery)
    assert tables.recovery is tables.recovery


async def test_stock_recovery_is_what_is_replaced(tmp_path: Path) -> None:
    assert type(app_of(tmp_path, TableManager).tables.recovery) is Recovery
