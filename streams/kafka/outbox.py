"""
Everything a program sends, and the proof that it arrived.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from streams.errors import DeliveryFailed
from streams.kafka.brokers import Broker
from streams.origins import Origin

LATER_MS = 100
"""How long `post` may keep a record that nobody waits for, to send it with others."""


class Outbox:
    """
    Everything a worker sends, and the proof that it arrived.

    No linger: a record leaves at once, and batches form by themselves while one is under way.
    What can wait is sent by a second producer, for each request costs as much as a slate, and
    what is much by a third, so that no slate stands behind it.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._failure: BaseException | None = None

    async def start(self) -> None:
        """Connect."""
        self._producer = self._new_producer(linger_ms=0)
        self._later = self._new_producer(linger_ms=LATER_MS)
        self._bulk = self._new_producer(linger_ms=0)
        for producer in self._producers:
            await producer.start()

    @property
    def _producers(self) -> tuple[AIOKafkaProducer, ...]:
        return self._producer, self._later, self._bulk

    def _new_producer(self, *, linger_ms: int) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            **self._broker.options(),
            acks="all",
            linger_ms=linger_ms,
            max_batch_size=131_072,
            max_request_size=self._broker.max_request,
        )

    async def stop(self) -> None:
        """Send what is left and disconnect."""
        for producer in self._producers:
            await producer.stop()

    async def post(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        partition: int | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
        later: bool = False,
    ) -> asyncio.Future[Any]:
        """
        Send a record, at once or within `LATER_MS`; `settle` proves that it arrived.

        Raises:
            DeliveryFailed: It cannot be sent at all, or something before it could not.
        """
        self._raise_failure()
        try:
            producer = self._later if later else self._producer
            sent: asyncio.Future[Any] = await producer.send(
                topic, value=value, key=key, partition=partition, headers=list(headers)
            )
        except KafkaError as exc:
            raise DeliveryFailed(f"topic {topic!r}, key {key!r}: {exc!r}") from exc
        sent.add_done_callback(self._remember_failure)
        return sent

    async def post_many(
        self, topic: str, partition: int, records: Iterable[tuple[bytes, bytes | None]]
    ) -> None:
        """
        Send keys and values to one partition, in as few batches as they fit into.

        Raises:
            DeliveryFailed: As `post`.
        """
        self._raise_failure()
        batch = self._bulk.create_batch()
        for key, value in records:
            if batch.append(key=key, value=value, timestamp=None) is None:
                await self._send_batch(batch, topic, partition)
                batch = self._bulk.create_batch()
                batch.append(key=key, value=value, timestamp=None)
        await self._send_batch(batch, topic, partition)

    async def _send_batch(self, batch: Any, topic: str, partition: int) -> None:
        if not batch.record_count():
            return
        try:
            sent = await self._bulk.send_batch(batch, topic, partition=partition)
        except KafkaError as exc:
            raise DeliveryFailed(f"topic {topic!r}, partition {partition}: {exc!r}") from exc
        sent.add_done_callback(self._remember_failure)

    async def offer(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> asyncio.Future[Origin | None]:
        """
        Send a record that the broker may find too large, which fails nothing else.

        Returns:
            What becomes the record's place after `settle`; None where it was too large.

        Raises:
            DeliveryFailed: As `post`.
        """
        self._raise_failure()
        taken: asyncio.Future[Origin | None] = asyncio.get_running_loop().create_future()
        try:
            sent = await self._producer.send(topic, value=value, key=key, headers=list(headers))
        except MessageSizeTooLargeError:
            taken.set_result(None)
        except KafkaError as exc:
            raise DeliveryFailed(f"topic {topic!r}, key {key!r}: {exc!r}") from exc
        else:
            sent.add_done_callback(partial(self._tell, taken))
        return taken

    def _tell(self, taken: asyncio.Future[Origin | None], sent: asyncio.Future[Any]) -> None:
        if sent.cancelled() or taken.cancelled():
            taken.cancel()
        elif (error := sent.exception()) is None:
            place = sent.result()
            taken.set_result(Origin(place.topic, place.partition, place.offset))
        elif isinstance(error, MessageSizeTooLargeError):
            taken.set_result(None)
        else:
            self._remember_failure(sent)
            taken.set_exception(DeliveryFailed(f"the broker refused a record: {error!r}"))
            taken.exception()  # who does not ask hears it from `settle`

    async def settle(self) -> None:
        """
        Wait until the broker has acknowledged everything posted so far.

        Raises:
            DeliveryFailed: Some of it was not taken, now or earlier.
        """
        for producer in self._producers:
            await producer.flush()
        self._raise_failure()

    def _remember_failure(self, sent: asyncio.Future[Any]) -> None:
        if self._failure is None and not sent.cancelled():
            self._failure = sent.exception()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise DeliveryFailed(f"the broker refused a record: {self._failure!r}")
