"""One Apache Kafka for the whole run, or a reason why there is none."""

from collections.abc import Iterator

import pytest

from benchmarks.apache_kafka import ApacheKafka
from tests.support.apache import running_kafka


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    """A running broker; whoever kills or pauses it leaves it running."""
    yield from running_kafka(tmp_path_factory.mktemp("kafka"))
