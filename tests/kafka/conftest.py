"""One Apache Kafka for the whole run, or a reason why there is none."""

import os
from collections.abc import Iterator

import pytest

from benchmarks.apache_kafka import ApacheKafka, ToolMissing


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    """
    A running broker; whoever kills or pauses it leaves it running.

    Without Java or Maven the tests are skipped, unless HEADWATER_REQUIRE_KAFKA=1.
    """
    broker = ApacheKafka(tmp_path_factory.mktemp("kafka"))
    try:
        broker.start()
    except ToolMissing as exc:
        if os.environ.get("HEADWATER_REQUIRE_KAFKA") == "1":
            raise
        pytest.skip(f"no Apache Kafka: {exc}")
    yield broker
    broker.stop()
