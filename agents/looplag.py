"""How long the event loop lets others wait, measured by waiting."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Any

from mode import Service

from agents.metrics import Metrics

INTERVAL = 0.25
"""Seconds between looks: enough for a histogram, and nothing beside the work."""


class LoopLag(Service):  # type: ignore[misc]
    """Sleeps, and looks how much longer it took."""

    def __init__(self, metrics: Metrics, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._metrics = metrics

    @Service.task  # type: ignore[untyped-decorator]
    async def _look(self) -> None:
        while not self.should_stop:
            began = perf_counter()
            await asyncio.sleep(INTERVAL)
            self._metrics.loop_lag.observe(max(perf_counter() - began - INTERVAL, 0.0))
