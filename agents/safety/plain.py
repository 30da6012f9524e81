"""
From a message to what an agent is handed: its bytes, and nothing asked on the way.

For each message Faust looks for serializers of bytes, asks its settings which class events are of,
and waits for room in the buffer of a producer through which nothing is sent here.
"""

from __future__ import annotations

from typing import Any

import faust
from faust.transport.drivers.aiokafka import Producer
from faust.types import AppT, Message


class PlainBytes(faust.Schema):  # type: ignore[misc]
    """Key and value as they came, whatever they are."""

    def compile(self, app: AppT, **_: Any) -> Any:
        """The function that makes an event of a message."""

        async def decode(message: Message, *, propagate: bool = True) -> faust.Event:  # noqa: ARG001
            return faust.Event(app, message.key, message.value, message.headers, message)

        return decode


class IdleProducer(Producer):  # type: ignore[misc]
    """Never has anything to send: outputs go through `streams.kafka.Outbox`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.buffer.wait_until_ebb = _at_once


async def _at_once() -> None:
    pass
