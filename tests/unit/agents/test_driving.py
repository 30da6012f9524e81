"""What drives a running system is not stopped by what others put on its topics."""

import logging

import pytest

from agents.driving import Driver
from agents.tally import Tally
from streams.kafka import Broker, Record
from streams.topics import Topics


@pytest.mark.parametrize("value", [b"\xff\xfe", b"{}", b"", b"[" * 100])
async def test_what_is_no_slate_is_named_and_passed_over(
    value: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    tally = Tally()
    driver = Driver(Broker("nowhere:9092"), Topics(prefix="", partitions=1), tally)
    with caplog.at_level(logging.WARNING, "headwater"):
        await driver._hear_slate(Record("recommendations", 0, 7, b"ann", value, 0.0))
    assert "recommendations-0-7 is no slate" in caplog.text
    assert tally.slates == 0
