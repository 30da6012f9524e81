"""
How far a worker is behind: records of its partitions that it has not committed yet.

The broker is asked where its logs end.  What the consumer remembers of that is as old as its last
fetch of a partition, and of a partition with a backlog it fetches seldom: lag would look smallest
when it is largest.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection
from typing import Any

from mode import Service

from agents.metrics import Metrics

INTERVAL = 1.0
"""Seconds between looks."""
PATIENCE = 5.0
"""Seconds for the broker to answer; until it does, the last figures stand."""


class LagWatch(Service):  # type: ignore[misc]
    """Keeps `headwater_consumer_lag` up to date."""

    def __init__(
        self, app: Any, *, topics: Collection[str], metrics: Metrics, **kwargs: Any
    ) -> None:
        """Look at nothing yet; `topics` are all that the worker may own partitions of."""
        super().__init__(**kwargs)
        self._app = app
        self._topics = topics
        self._metrics = metrics

    @Service.task  # type: ignore[untyped-decorator]
    async def _watch(self) -> None:
        while not self.should_stop:
            await asyncio.sleep(INTERVAL)
            await self.look()

    async def look(self) -> None:
        """Compare what is committed with the ends of the logs now."""
        consumer = self._app.consumer
        mine = consumer.assignment()
        try:
            async with asyncio.timeout(PATIENCE):
                ends = await consumer.highwaters(*mine) if mine else {}
        except Exception:  # noqa: BLE001 - however it fails, the broker has not answered
            return
        lag: Counter[str] = Counter()
        for tp, end in ends.items():
            lag[tp.topic] += max(end - (consumer._committed_offset.get(tp) or 0), 0)
        for topic in self._topics:  # one whose partitions have all gone to others has no lag here
            self._metrics.lag.labels(topic).set(lag[topic])
