"""
From fetched records to the queues of the agents, without two tasks for each record.

Faust wraps the delivery of every single message into a task, and a second one that waits for a
rebalance, although a delivery has to wait only when an agent's queue is full.  And while queues are
full it waits a second for other partitions, although they are empty again after a fraction of it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from faust.types import Message

YIELD_EVERY = 100
"""Messages delivered before others may use the event loop."""
IDLE_WAIT = 1.0
"""Seconds to wait for records of partitions that all have room."""
FULL_WAIT = 0.02
"""Seconds to wait while a queue is full, which may end at any time."""


class FastDrain:
    """Replaces the loop of `faust.transport.consumer.Consumer` that delivers messages."""

    async def _drain_messages(self: Any, fetcher: Any) -> None:
        """Deliver until this consumer or its fetcher stops."""
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                await asyncio.sleep(0)
                count = 0
                async for tp, message in self.getmany(timeout=await self._patience()):
                    count += 1
                    if count % YIELD_EVERY == 0:
                        await asyncio.sleep(0)
                    read = self._read_offset[tp]
                    if read is None or message.offset >= read:
                        await self._note_gap(message, read)
                        await self._deliver(message)
                        self._read_offset[tp] = message.offset
        except (*self.consumer_stopped_errors, asyncio.CancelledError):
            if not self.app.should_stop:
                raise

    async def _patience(self: Any) -> float:
        """How long a fetch may wait; after a pause if there is nothing to be fetched for."""
        if not self._buffered_partitions:
            return IDLE_WAIT
        if not self._get_active_partitions():
            await asyncio.sleep(FULL_WAIT)
        return FULL_WAIT

    async def _deliver(self: Any, message: Message) -> None:
        """Wait for room in a queue, but never through a rebalance: that empties the queue."""
        delivery = self.callback(message)
        if self._has_room(message):
            await delivery
        else:
            await self.wait_first(delivery, self.suspend_flow.wait())

    def _has_room(self: Any, message: Message) -> bool:
        channels = self.app.topics._tp_index[message.tp]
        return self.app.flow_control.is_active() and not any(c.queue.full() for c in channels)

    async def _note_gap(self: Any, message: Message, read: int | None) -> None:
        """Offsets that compaction or a transaction left without a record need no acknowledging."""
        if read and message.offset - read > 1 and self.app.topics.acks_enabled_for(message.topic):
            await self._add_gap(message.tp, read + 1, message.offset)
