"""An index rebuilt from a topic on Apache Kafka, and swapped in by a worker that goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.apache_kafka import ApacheKafka
from streams.kafka import Broker, declare_topics
from streams.topics import Topics
from tests.support.processes import Program, WorkerProgram, wait_until
from tests.support.streaming import vectors
from tests.support.wire import send

pytestmark = pytest.mark.kafka

PREFIX = "rebuilding."


async def test_a_worker_takes_the_index_that_the_command_has_built(
    kafka: ApacheKafka, tmp_path: Path
) -> None:
    broker = Broker(kafka.bootstrap)
    names = Topics(prefix=PREFIX, partitions=4)
    await declare_topics(broker, dict(names), partitions=4, replication=1)
    settings = {
        "HEADWATER_BROKER": kafka.bootstrap,
        "HEADWATER_TOPIC_PREFIX": PREFIX,
        "HEADWATER_STATE_DIR": str(tmp_path / "state"),
        "HEADWATER_INDEX__KIND": "exact",
    }
    topic = f"{PREFIX}item-vectors"
    await send(broker, topic, *vectors(500, seed=1), (b"item-7", None))
    log = tmp_path / "worker.log"
    with WorkerProgram(settings=settings, log=log, roles="profiling,recommending") as worker:
        worker.wait_ready()
        command = ("rebuild", "index", "--json")
        with Program(*command, settings=settings, log=tmp_path / "log") as program:
            code = program.process.wait(60)
        text = (tmp_path / "log").read_text()
        assert code == 0, text + log.read_text()
        report = json.loads(text.splitlines()[-1])
        assert (report["taken"], report["records"], report["items_now"]) == (True, 501, 499)
        await send(broker, topic, *vectors(1, seed=2, prefix="late"))
        wait_until(lambda: worker.figures().total("headwater_index_items") == 500, what="one more")
        assert worker.figures().total("headwater_index_generation") == 2
