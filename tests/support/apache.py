"""One Apache Kafka for a whole run, or a reason why there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.apache_kafka import ApacheKafka, ToolMissing


def running_kafka(home: Path) -> Iterator[ApacheKafka]:
    """
    A broker until the run ends; whoever kills or pauses it leaves it running.

    Without Java or Maven the tests are skipped, unless HEADWATER_REQUIRE_KAFKA=1.
    """
    broker = ApacheKafka(home)
    try:
        broker.start()
    except ToolMissing as exc:
        if os.environ.get("HEADWATER_REQUIRE_KAFKA") == "1":
            raise
        pytest.skip(f"no Apache Kafka: {exc}")
    yield broker
    broker.stop()
