"""Records that somebody waits for one by one: what fails is that record's failure alone."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.errors import DeliveryFailed
from streams.kafka.brokers import Broker
from streams.origins import Origin


class Sender:
    """
    Sends for callers that wait for the broker's word on each record.

    An `Outbox` refuses everything after a failure, because a worker must end then; here the next
    caller may have more luck.
    """

    def __init__(self, broker: Broker, *, patience: float) -> None:
        """A record that was not acknowledged after `patience` seconds is given up."""
        self._broker = broker
        self._patience = patience

    async def start(self) -> None:
        """Connect."""
        self._producer = AIOKafkaProducer(
            **self._broker.options(),
            acks="all",
            enable_idempotence=False,
            request_timeout_ms=int(self._patience * 1000),
            max_request_size=self._broker.max_request,
        )
        await self._producer.start()

    async def stop(self) -> None:
        """Send what is left and disconnect."""
        await self._producer.stop()

    async def send(self, topic: str, *, key: bytes, value: bytes | None) -> Origin:
        """
        Send a record and wait until the broker has it.

        Returns:
            Where it stands.

        Raises:
            DeliveryFailed: The broker did not say so in time; it may still have taken it.
        """
        try:
            async with asyncio.timeout(self._patience):
                sent = await self._producer.send_and_wait(topic, value=value, key=key)
        except (KafkaError, TimeoutError) as exc:
            raise DeliveryFailed(f"topic {topic!r}, key {key!r}: {exc!r}") from exc
        return Origin(sent.topic, sent.partition, sent.offset)
