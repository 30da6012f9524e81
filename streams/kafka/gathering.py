"""Records that can wait, sent together: each request to a broker costs as much as a slate."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

from aiokafka import AIOKafkaProducer

from streams.kafka.brokers import partition_of

LATER = 0.1
"""Seconds that a record waits at most for others to be sent with."""

Send = Callable[[Any, str, int], Awaitable[None]]
"""Sends a batch to a partition of a topic; never fails, but remembers what went wrong."""

_place = lru_cache(maxsize=65_536)(partition_of)


class Gathering:
    """Batches that are being filled, one for each partition of a topic."""

    def __init__(self, producer: AIOKafkaProducer, *, send: Send) -> None:
        self._producer = producer
        self._send = send
        self._batches: dict[tuple[str, int], Any] = {}
        self._turn = asyncio.Lock()
        self._timer: asyncio.Task[None] | None = None

    async def add(
        self, topic: str, *, key: bytes, value: bytes | None, partition: int | None
    ) -> None:
        """Take a record; it is sent within `LATER`, in order with others of its partition."""
        if partition is None:
            partition = _place(key, len(await self._producer.partitions_for(topic)))
        place = (topic, partition)
        while self._batch(place).append(timestamp=None, key=key, value=value) is None:
            await self._send_one(place)
        if self._timer is None:
            self._timer = asyncio.create_task(self._send_soon())

    def _batch(self, place: tuple[str, int]) -> Any:
        if place not in self._batches:
            self._batches[place] = self._producer.create_batch()
        return self._batches[place]

    async def _send_soon(self) -> None:
        await asyncio.sleep(LATER)
        self._timer = None
        await self.send_all()

    async def send_all(self) -> None:
        """Hand everything taken so far to the producer, also what another call is busy with."""
        for place in list(self._batches):
            await self._send_one(place)
        async with self._turn:
            pass

    async def _send_one(self, place: tuple[str, int]) -> None:
        await asyncio.shield(self._take_turn(place))  # a batch holds records of many callers

    async def _take_turn(self, place: tuple[str, int]) -> None:
        async with self._turn:  # whoever has to know that all was sent waits for its turn
            batch = self._batches.pop(place, None)
            if batch is not None:
                await self._send(batch, *place)
