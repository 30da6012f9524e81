"""Looks at workers, broker and answers every few seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from agents.scraping import Figures, scrape
from benchmarks.soak.footprint import Footprint, disk_use, footprint
from benchmarks.soak.measured import EVERY, Look, Measured, Sample
from benchmarks.soak.waits import quantiles_ms
from benchmarks.soak.worker import KeptWorker


class Sampling:
    """Adds samples to a run until cancelled."""

    def __init__(
        self,
        run: Measured,
        workers: Sequence[KeptWorker],
        *,
        log: Path,
        show: Callable[[Sample, Measured], None],
    ) -> None:
        """
        Look at nothing yet.

        Args:
            run: What is measured.
            workers: Whose memory, lag and state.
            log: The broker's data.
            show: Gets every sample.
        """
        self._run = run
        self._workers = workers
        self._log = log
        self._show = show
        self._last: dict[KeptWorker, tuple[int, float, float]] = {}
        """Process, moment and processor time of the last look at each."""

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
        waits = self._run.waits
        p50, p99, _ = quantiles_ms(waits.take_fresh())
        looks = [await self._look(worker) for worker in self._workers]
        states = [await asyncio.to_thread(disk_use, worker.state) for worker in self._workers]
        return Sample(
            at=time.time() - self._run.began,
            sent=self._run.sent,
            slates=waits.slates,
            superseded=waits.superseded,
            p50=p50,
            p99=p99,
            looks=looks,
            state=sum(states),
            log=await asyncio.to_thread(disk_use, self._log),
        )

    async def _look(self, worker: KeptWorker) -> Look:
        pid = worker.pid
        found = None if pid is None else await asyncio.to_thread(footprint, pid)
        figures = await asyncio.to_thread(scrape, worker.port)
        return Look(lag_by_topic(figures), waiting(figures), found, self._cpu(worker, pid, found))

    def _cpu(self, worker: KeptWorker, pid: int | None, found: Footprint | None) -> float | None:
        last = self._last.pop(worker, None)
        if pid is None or found is None:
            return None
        now = time.monotonic()
        self._last[worker] = (pid, now, found.cpu)
        return (found.cpu - last[2]) / (now - last[1]) if last and last[0] == pid else None


def lag_by_topic(figures: Figures) -> Mapping[str, int]:
    """Topic to records not committed, as a worker says; empty while it does not answer."""
    return {t: int(n) for t, n in figures.by("headwater_consumer_lag", "topic").items()}


def waiting(figures: Figures) -> int | None:
    """Users in line for a slate, as a worker says; None while it does not answer."""
    return int(figures.total("headwater_slate_requests_waiting")) if figures.samples else None
