"""One embedded broker and one worker for all tests that only look at what comes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from streams.embedded import EmbeddedBroker
from streams.kafka import Broker
from streams.topics import Topics
from tests.support.processes import WorkerProgram


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    with EmbeddedBroker() as embedded:
        for name, partitions in Topics(prefix="", partitions=4).partition_counts().items():
            embedded.declare(name, partitions)
        yield Broker(embedded.bootstrap, fetch_wait=0.01)


@pytest.fixture(scope="session")
def settings(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return {
        "HEADWATER_BROKER": broker.bootstrap,
        "HEADWATER_STATE_DIR": str(tmp_path_factory.mktemp("state")),
        "HEADWATER_COMMIT_INTERVAL": "0.2",
    }


@pytest.fixture(scope="session")
def worker(
    settings: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WorkerProgram]:
    log: Path = tmp_path_factory.mktemp("worker") / "worker.log"
    with WorkerProgram(settings=settings, log=log) as program:
        yield program.wait_ready()
