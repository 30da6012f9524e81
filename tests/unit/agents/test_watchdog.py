"""A coordinator's error that nobody looks at ends the worker instead of stopping it silently."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from agents.safety.watchdog import INTERVAL, Watchdog, coordinator_error
from agents.testing import SmallEnd, run_at_once

ERROR = RuntimeError("not authorised for the group")


def consumer(parked: BaseException | None = None) -> Any:
    """As Faust's consumer keeps aiokafka's coordinator in its thread."""
    coordinator = SimpleNamespace(_pending_exception=parked)
    return SimpleNamespace(
        _thread=SimpleNamespace(_consumer=SimpleNamespace(_coordinator=coordinator))
    )


def watch(app: Any, *, seconds: float, later: BaseException | None = None) -> list[str]:
    """The reasons given for an end within so many seconds."""

    async def main() -> list[str]:
        fatal = SmallEnd()
        watchdog = Watchdog(app, fatal=fatal)
        await watchdog.start()
        if later is not None:
            parked = app.consumer._thread._consumer._coordinator
            asyncio.get_running_loop().call_later(
                seconds / 2, setattr, parked, "_pending_exception", later
            )
        await asyncio.sleep(seconds)
        await watchdog.stop()
        return fatal.reasons

    return run_at_once(main())


def test_a_parked_error_ends_the_worker_and_is_named() -> None:
    reasons = watch(SimpleNamespace(consumer=consumer(ERROR)), seconds=2 * INTERVAL)
    assert reasons == [f"the group coordinator failed: {ERROR!r}"]


def test_an_error_that_is_parked_later_is_found() -> None:
    app = SimpleNamespace(consumer=consumer())
    assert len(watch(app, seconds=10 * INTERVAL, later=ERROR)) == 1


def test_a_healthy_coordinator_is_left_alone() -> None:
    assert watch(SimpleNamespace(consumer=consumer()), seconds=100 * INTERVAL) == []


@pytest.mark.parametrize(
    "early",
    [
        None,
        SimpleNamespace(),
        SimpleNamespace(_thread=None),
        SimpleNamespace(_thread=SimpleNamespace(_consumer=None)),
        SimpleNamespace(_thread=SimpleNamespace(_consumer=SimpleNamespace(_coordinator=None))),
    ],
    ids=["no consumer", "no thread", "no thread yet", "not connected", "no group"],
)
def test_before_the_worker_has_started_there_is_no_error(early: Any) -> None:
    assert coordinator_error(early) is None


async def test_the_error_is_looked_for_where_aiokafka_parks_it() -> None:
    """Its names are private: another version may move them."""
    from aiokafka.consumer.group_coordinator import GroupCoordinator

    assert "_pending_exception" in GroupCoordinator.__init__.__code__.co_names
