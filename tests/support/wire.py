"""Send records and wait for what they cause."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from streams.kafka import Broker, LogReader, Outbox, Record

PATIENCE = 120.0
"""Seconds of the wall clock, for what takes less than one where nothing else runs."""


async def send(
    broker: Broker, topic: str, *records: tuple[bytes | None, bytes | None]
) -> list[str]:
    """Put records on a topic; their ids."""
    outbox = Outbox(broker)
    await outbox.start()
    try:
        sent = [await outbox.post(topic, key=key, value=value) for key, value in records]
        places = [await each for each in sent]
    finally:
        await outbox.stop()
    return [f"{p.topic}-{p.partition}-{p.offset}" for p in places]


async def first(broker: Broker, topic: str, wanted: Callable[[Record], bool]) -> Record:
    """The first record of a topic, old or new, that is the one."""
    reader = LogReader(broker, topic)
    await reader.start()
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                for record in await reader.read(wait=0.2):
                    if wanted(record):
                        return record
    except TimeoutError:
        raise AssertionError(f"nothing wanted on {topic} within {PATIENCE:g} s") from None
    finally:
        await reader.stop()


async def everything(broker: Broker, topic: str) -> list[Record]:
    """All that is on a topic now."""
    reader = LogReader(broker, topic)
    await reader.start()
    records: list[Record] = []
    try:
        while reader.behind:
            records += await reader.read(wait=0.5)
    finally:
        await reader.stop()
    return records
