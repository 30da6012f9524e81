"""A drill for each test on one Apache Kafka, and a table of all that came out."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from benchmarks.apache_kafka import ApacheKafka
from streams.kafka import Broker
from tests.faults.reliability import Row, write_report
from tests.support.apache import running_kafka
from tests.support.drills import Drill

_rows = pytest.StashKey[list[Row]]()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    """A running broker; whoever kills or pauses it leaves it running."""
    yield from running_kafka(tmp_path_factory.mktemp("kafka"))


@pytest.fixture
async def drill(
    kafka: ApacheKafka, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Drill]:
    """Topics of the test's own, a catalogue, and a place in the table."""
    broker = Broker(kafka.bootstrap)
    async with Drill(broker, prefix=_prefix(request.node), folder=tmp_path) as drill:
        await drill.declare()
        await drill.announce()
        yield drill
    _collect(request, drill)


def _collect(request: pytest.FixtureRequest, drill: Drill) -> None:
    """Keep what came out; a test without an outcome has failed in another way."""
    if drill.outcome is not None:
        rows = request.config.stash.setdefault(_rows, [])
        done = " ".join((request.function.__doc__ or request.node.name).split())
        rows.append(Row(done, drill.outcome))


def _prefix(node: pytest.Item) -> str:
    return re.sub(r"\W+", "-", node.name.removeprefix("test_"))[:60] + "."


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the table where HEADWATER_RELIABILITY says."""
    rows = session.config.stash.get(_rows, [])
    if rows and (path := os.environ.get("HEADWATER_RELIABILITY")):
        write_report(Path(path), rows)
