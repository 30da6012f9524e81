"""The gateway on Apache Kafka: what it said it accepted is on the log, whatever the broker does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest

from benchmarks.apache_kafka import ApacheKafka
from streams import topics
from streams.kafka import Broker, declare_topics, read_to_end
from streams.topics import Topics
from tests.support.gateways import GatewayProgram
from tests.support.processes import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

PREFIX = "gateway-away."
AWAY = 8.0
"""Seconds; longer than the gateway waits for the broker's word."""


@pytest.fixture
async def settings(kafka: ApacheKafka, tmp_path: Path) -> Mapping[str, str]:
    broker = Broker(kafka.bootstrap)
    await declare_topics(broker, dict(Topics(PREFIX, 4)), partitions=4, replication=1)
    return {
        "HEADWATER_BROKER": kafka.bootstrap,
        "HEADWATER_TOPIC_PREFIX": PREFIX,
        "HEADWATER_STATE_DIR": str(tmp_path / "state"),
        "HEADWATER_GATEWAY__SEND_WITHIN": "3",
    }


@pytest.fixture
def program(settings: Mapping[str, str], tmp_path: Path) -> Iterator[GatewayProgram]:
    with GatewayProgram(settings=settings, log=tmp_path / "gateway.log") as gateway:
        yield gateway.wait_ready()


class Sending:
    """Sends an event after the other, and writes down what it was told of each."""

    def __init__(self, url: str) -> None:
        self.accepted: list[str] = []
        self.refused: list[httpx.Response] = []
        self.others: list[str] = []
        self._url = url
        self._end = Event()
        self._thread = Thread(target=self._run)

    def __enter__(self) -> Sending:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(60)

    def _run(self) -> None:
        n = 0
        with httpx.Client(base_url=self._url, timeout=60) as http:
            while not self._end.is_set():
                event = {"kind": "interaction", "user_id": "ann", "action": "click"}
                answer = http.post("/events", json={**event, "item_id": f"item-{n}"})
                if answer.status_code == 202:
                    self.accepted += answer.json()["ids"]
                elif answer.status_code == 503:
                    self.refused.append(answer)
                else:
                    self.others.append(answer.text)
                n += 1
                time.sleep(0.02)


async def test_nothing_that_was_accepted_is_lost_when_the_broker_crashes(
    kafka: ApacheKafka, program: GatewayProgram
) -> None:
    with Sending(program.url) as sending:
        wait_until(lambda: len(sending.accepted) >= 20, what="accepted events")
        kafka.kill()
        await asyncio.sleep(AWAY)
        wait_until(lambda: bool(sending.refused), what="a refusal")
        kafka.start()
        before = len(sending.accepted)
        wait_until(lambda: len(sending.accepted) >= before + 20, what="events again")
    found = {
        f"{record.topic}-{record.partition}-{record.offset}"
        async for records in read_to_end(
            Broker(kafka.bootstrap), Topics(PREFIX, 4).name(topics.EVENTS)
        )
        for record in records
    }
    assert set(sending.accepted) <= found
    assert len(set(sending.accepted)) == len(sending.accepted)
    assert sending.others == []
    assert all(int(answer.headers["retry-after"]) > 0 for answer in sending.refused)
