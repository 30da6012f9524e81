"""
Everything a program sends, and the proof that it arrived.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from streams.errors import DeliveryFailed
from streams.kafka.brokers import Broker
from streams.kafka.gathering import Gathering
from streams.origins import Origin


class Run:
    """Records that were sent to one partition, one after another."""

    def __init__(self) -> None:
        self._batches: list[tuple[asyncio.Future[Any], int]] = []

    def add(self, sent: asyncio.Future[Any], count: int) -> None:
        """A batch of so many records, which is acknowledged later."""
        self._batches.append((sent, count))

    def offsets(self) -> range | None:
        """
        Where they stand, to be asked after `Outbox.settle`.

        Returns:
            None where there are none, or records of others stand between them.
        """
        ranges = [range(b.result().offset, b.result().offset + n) for b, n in self._batches]
        if not ranges or any(a.stop != b.start for a, b in pairwise(ranges)):
            return None
        return range(ranges[0].start, ranges[-1].stop)


class Outbox:
    """
    Everything a worker sends, and the proof that it arrived.

    No linger: a record leaves at once, and batches form by themselves while one is under way.
    What can wait is gathered, and sent with what is much by a second producer, so that no slate
    stands behind it.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._failure: BaseException | None = None

    async def start(self) -> None:
        """Connect."""
        self._producer = self._new_producer()
        self._bulk = self._new_producer()
        self._gathering = Gathering(self._bulk, send=self._send_gathered)
        for producer in (self._producer, self._bulk):
            await producer.start()

    def _new_producer(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            **self._broker.options(),
            acks="all",
            max_batch_size=131_072,
            max_request_size=self._broker.max_request,
        )

    async def stop(self) -> None:
        """Send what is left and disconnect."""
        await self._gathering.send_all()
        for producer in (self._producer, self._bulk):
            await producer.stop()

    async def post(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        partition: int | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> asyncio.Future[Any]:
        """
        Send a record; `settle` proves that it arrived.

        Raises:
            DeliveryFailed: It cannot be sent at all, or something before it could not.
        """
        self._raise_failure()
        try:
            sent: asyncio.Future[Any] = await self._producer.send(
                topic, value=value, key=key, partition=partition, headers=list(headers)
            )
        except KafkaError as exc:
            raise DeliveryFailed(f"topic {topic!r}, key {key!r}: {exc!r}") from exc
        sent.add_done_callback(self._remember_failure)
        return sent

    async def post_later(
        self, topic: str, *, key: bytes, value: bytes, partition: int | None = None
    ) -> None:
        """
        Send a record that nobody waits for together with others, within a tenth of a second.

        Raises:
            DeliveryFailed: As `post`.
        """
        self._raise_failure()
        await self._gathering.add(topic, key=key, value=value, partition=partition)

    async def post_many(
        self, topic: str, partition: int, records: Iterable[tuple[bytes, bytes | None]]
    ) -> Run:
        """
        Send keys and values to one partition, in as few batches as they fit into.

        Returns:
            What tells, after `settle`, where they stand.

        Raises:
            DeliveryFailed: As `post`.
        """
        self._raise_failure()
        run = Run()
        batch = self._bulk.create_batch()
        for key, value in records:
            if batch.append(key=key, value=value, timestamp=None) is None:
                await self._send_batch(batch, topic, partition, run=run)
                batch = self._bulk.create_batch()
                batch.append(key=key, value=value, timestamp=None)
        await self._send_batch(batch, topic, partition, run=run)
        return run

    async def _send_gathered(self, batch: Any, topic: str, partition: int) -> None:
        try:
            await self._send_batch(batch, topic, partition)
        except Exception as exc:  # noqa: BLE001 - nobody waits for it; `settle` says it
            self._failure = self._failure or exc

    async def _send_batch(
        self, batch: Any, topic: str, partition: int, *, run: Run | None = None
    ) -> None:
        if not batch.record_count():
            return
        try:
            sent = await self._bulk.send_batch(batch, topic, partition=partition)
        except KafkaError as exc:
            raise DeliveryFailed(f"topic {topic!r}, partition {partition}: {exc!r}") from exc
        sent.add_done_callback(self._remember_failure)
        if run is not None:
            run.add(sent, batch.record_count())

    async def offer(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        partition: int | None = None,
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
            sent = await self._producer.send(
                topic, value=value, key=key, partition=partition, headers=list(headers)
            )
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
        await self._gathering.send_all()
        for producer in (self._producer, self._bulk):
            await producer.flush()
        self._raise_failure()

    def _remember_failure(self, sent: asyncio.Future[Any]) -> None:
        if self._failure is None and not sent.cancelled():
            self._failure = sent.exception()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise DeliveryFailed(f"the broker refused a record: {self._failure!r}")
