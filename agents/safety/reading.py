"""
The aiokafka consumer of a worker, on the worker's own event loop.

Faust gives it a thread.  Every fetch then crosses between two threads that fight for one
interpreter, twice, and costs as much again as the fetch.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from mode import Service
from mode.utils.futures import maybe_async


class LoopReader(AIOKafkaConsumerThread):  # type: ignore[misc]
    """Has the interface of a thread and is none; fetches wait as long as we say."""

    wait_for_shutdown = False

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust hard-codes 1,500 ms: every join and leave would wait that long for its last fetch.
        consumer._fetch_max_wait_ms = int(transport.fetch_wait * 1000)
        # Faust's own assignor gives partition n of all topics to one worker, and moves few.  But
        # it is only taken for an app with Faust tables; the other gives a user's events to one
        # worker and the requests to another as soon as there are three.
        self._assignor = self.app.assignor
        consumer._partition_assignment_strategy = [self.app.assignor]
        return consumer

    async def on_start(self) -> None:
        """Connect, and listen to the heartbeats from the first one on."""
        await super().on_start()
        self.transport.lease.watch(self._ensure_consumer()._coordinator)

    async def on_stop(self) -> None:
        """Leave the group and disconnect."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def maybe_start(self) -> bool:
        """As any service that is no thread."""
        if self._started.is_set():
            return False
        await self.start()
        return True

    async def start(self) -> None:
        """As any service that is no thread."""
        await Service.start(self)

    async def stop(self) -> None:
        """As any service that is no thread."""
        await Service.stop(self)

    async def crash(self, reason: BaseException) -> None:
        """As any service that is no thread."""
        await Service.crash(self, reason)

    async def _stop_children(self) -> None:
        await self._default_stop_children()

    async def _stop_futures(self) -> None:
        await self._default_stop_futures()

    async def _stop_exit_stacks(self) -> None:
        await self._default_stop_exit_stacks()

    async def call_thread(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call it here and now."""
        return await maybe_async(fun(*args, **kwargs))

    async def partition_counts(self, topics: Collection[str]) -> Mapping[str, int]:
        """Ask the broker; what the consumer knows may be five minutes old."""
        client = self._ensure_consumer()._client
        found = type(client.cluster)()
        await client._metadata_update(found, topics)
        counts = {topic: len(found.partitions_for_topic(topic) or ()) for topic in topics}
        return {topic: count for topic, count in counts.items() if count}

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Do nothing: Faust would log what it takes for a stall, `Watchdog` ends the worker."""
