"""Looks at worker, broker and answers every few seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from agents.scraping import Figures, scrape
from benchmarks.soak.footprint import Footprint, disk_use, footprint
from benchmarks.soak.measured import EVERY, Measured, Sample
from benchmarks.soak.waits import quantiles_ms
from benchmarks.soak.worker import KeptWorker


class Sampling:
    """Adds samples to a run until cancelled."""

    def __init__(
        self,
        run: Measured,
        worker: KeptWorker,
        *,
        state: Path,
        log: Path,
        show: Callable[[Sample, Measured], None],
    ) -> None:
        """
        Look at nothing yet.

        Args:
            run: What is measured.
            worker: Whose memory and lag.
            state: Its state folder.
            log: The broker's data.
            show: Gets every sample.
        """
        self._run = run
        self._worker = worker
        self._state = state
        self._log = log
        self._show = show
        self._last: tuple[int, float, float] | None = None
        """Process, moment and processor time of the last look."""

    async def go_on(self) -> None:
        """Sample at the full tens of seconds since the run began."""
        while True:
            passed = time.time() - self._run.began
            await asyncio.sleep(EVERY - passed % EVERY)
            await self.take()

    async def take(self) -> None:
        """Sample once, unless that was done just now."""
        samples = self._run.samples
        if samples and time.time() - self._run.began - samples[-1].at < EVERY / 2:
            return
        sample = await self._sample()
        samples.append(sample)
        self._show(sample, self._run)

    async def _sample(self) -> Sample:
        pid, waits = self._worker.pid, self._run.waits
        p50, p99, _ = quantiles_ms(waits.take_fresh())
        found = None if pid is None else await asyncio.to_thread(footprint, pid)
        figures = await asyncio.to_thread(scrape, self._worker.port)
        return Sample(
            at=time.time() - self._run.began,
            sent=self._run.sent,
            slates=waits.slates,
            superseded=waits.superseded,
            p50=p50,
            p99=p99,
            lag=lag_by_topic(figures),
            waiting=waiting(figures),
            footprint=found,
            cpu=self._cpu(pid, found),
            state=await asyncio.to_thread(disk_use, self._state),
            log=await asyncio.to_thread(disk_use, self._log),
        )

    def _cpu(self, pid: int | None, found: Footprint | None) -> float | None:
        last, self._last = self._last, None
        if pid is None or found is None:
            return None
        self._last = (pid, time.monotonic(), found.cpu)
        if last is None or last[0] != pid:
            return None
        return (found.cpu - last[2]) / (self._last[1] - last[1])


def lag_by_topic(figures: Figures) -> Mapping[str, int]:
    """Topic to records not committed, as the worker says; empty while it does not answer."""
    return {t: int(n) for t, n in figures.by("headwater_consumer_lag", "topic").items()}


def waiting(figures: Figures) -> int | None:
    """Users in line for a slate, as the worker says; None while it does not answer."""
    return int(figures.total("headwater_slate_requests_waiting")) if figures.samples else None
