"""
One embedded broker and one worker for the tests of a module that only look at what comes out.

These tests start programs; `make test` runs them, `make check` does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from streams.embedded import EmbeddedBroker
from streams.kafka import Broker
from streams.topics import Topics
from tests.support.processes import WorkerProgram

TIMEOUT = 420
"""Seconds a test may take: two of those for which it waits patiently, and some."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say how long they may take."""
    for item in items:
        if Path(__file__).parent not in item.path.parents:
            continue
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT))


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with EmbeddedBroker() as embedded:
        for name, partitions in Topics(prefix="", partitions=4).partition_counts().items():
            embedded.declare(name, partitions)
        yield Broker(embedded.bootstrap, fetch_wait=0.01)


@pytest.fixture(scope="module")
def settings(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return {
        "HEADWATER_BROKER": broker.bootstrap,
        "HEADWATER_STATE_DIR": str(tmp_path_factory.mktemp("state")),
        "HEADWATER_COMMIT_INTERVAL": "0.2",
    }


@pytest.fixture(scope="module")
def worker(
    settings: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WorkerProgram]:
    log: Path = tmp_path_factory.mktemp("worker") / "worker.log"
    with WorkerProgram(settings=settings, log=log) as program:
        yield program.wait_ready()
