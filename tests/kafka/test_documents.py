"""What the documents say of a Kafka of your own, on Apache Kafka."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.apache_kafka import ApacheKafka
from tests.support.documents import PAGES, ROOT, Block, blocks_of
from tests.support.readers import Reader

UPGRADING = ROOT / "docs/upgrading.md"
BEFORE = Block(
    UPGRADING, 0, "sh", "export HEADWATER_BROKER=localhost:9092\nheadwater topics create"
)
"""What an older version has left behind."""
FOR_KAFKA = [page for page in PAGES if any(block.kafka for block in blocks_of(page))]


@pytest.mark.kafka
@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", FOR_KAFKA, ids=lambda page: page.name)
def test_every_command_does_what_the_page_says(
    page: Path, kafka: ApacheKafka, tmp_path: Path
) -> None:
    settings = {
        "HEADWATER_TOPIC_PREFIX": f"{page.stem.lower()}.",
        "HEADWATER_STATE_DIR": str(tmp_path / "state"),
    }
    with Reader(tmp_path, settings=settings, broker=kafka.bootstrap) as reader:
        if page == UPGRADING:
            reader.read(BEFORE)
        for block in blocks_of(page):
            if block.kafka:
                reader.read(block)
        reader.finish()
