"""A loop that is held up is seen."""

from __future__ import annotations

import asyncio
import time

from agents.looplag import INTERVAL, LoopLag
from agents.metrics import Metrics


async def test_what_holds_the_loop_up_is_measured() -> None:
    metrics = Metrics()
    watch = LoopLag(metrics)
    await watch.start()
    await asyncio.sleep(0.01)
    time.sleep(INTERVAL + 0.3)  # noqa: ASYNC251 - this is what is to be seen
    await asyncio.sleep(0.01)
    await watch.stop()
    samples = {s.name: s.value for m in metrics.loop_lag.collect() for s in m.samples}
    assert samples["headwater_loop_lag_seconds_sum"] >= 0.25
