"""Reads what is sent and what is answered, as it happens."""

from __future__ import annotations

import time

import msgspec

from benchmarks.soak.waits import Answer, Waits
from streams import topics
from streams.kafka import Broker, LogReader

READ_WAIT = 0.2

_decoder = msgspec.json.Decoder(Answer)


async def watch_events(broker: Broker, waits: Waits) -> None:
    """Note every event, as of when it was handed to the producer, until cancelled."""
    reader = LogReader(broker, topics.EVENTS.name)
    await reader.start()
    try:
        while True:
            for record in await reader.read(wait=READ_WAIT):
                waits.note_event(record.partition, record.offset, at=record.received_at)
    finally:
        await reader.stop()


async def watch_slates(broker: Broker, waits: Waits) -> None:
    """Note every slate, as of when it was read here, until cancelled."""
    reader = LogReader(broker, topics.RECOMMENDATIONS.name)
    await reader.start()
    try:
        while True:
            records = await reader.read(wait=READ_WAIT)
            now = time.time()
            for record in records:
                if record.value is not None:
                    waits.note_slate(_decoder.decode(record.value), at=now)
    finally:
        await reader.stop()
