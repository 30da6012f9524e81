"""A clock that jumps, and a disk that is full."""

from __future__ import annotations

import asyncio
import resource
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from tests.support.drills import Drill
from tests.support.processes import wait_until
from tests.support.streaming import RATE, Moment
from tests.support.supervising import Supervised

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

HOUR = 3_600
ROOM = 262_144
"""Bytes a file may have on the full disk: enough for a log, too little for a snapshot."""
NOT_WRITTEN = "snapshot not written"


class SteppedClock:
    """The time of day as one worker sees it."""

    def __init__(self, folder: Path) -> None:
        """Compile what stands between the worker and the clock."""
        self._step = folder / "step"
        self.set(0)
        library = folder / "clock.so"
        source = Path(__file__).with_name("clock.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
        self.settings = {"LD_PRELOAD": str(library), "CLOCK_STEP": str(self._step)}

    def set(self, seconds: int) -> None:
        """So far ahead of the true time."""
        with self._step.open("r+b" if self._step.exists() else "wb") as file:
            file.write(struct.pack("@l", seconds))  # in place: the worker has it mapped


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
async def test_a_clock_that_jumps(drill: Drill, tmp_path: Path) -> None:
    """The clock of the only worker goes back an hour, then ahead two, then is right again."""
    clock = SteppedClock(tmp_path)
    await drill.ready("one", **clock.settings)
    timeline = [
        Moment(4, lambda: clock.set(-HOUR)),
        Moment(10, lambda: clock.set(HOUR)),
        Moment(16, lambda: clock.set(0)),
    ]
    await drill.stream(rate=RATE, seconds=20, timeline=timeline)
    outcome = await drill.finish()
    wrong = {round((a.produced_at - a.at) / HOUR) for a in drill.ledger.answers}
    assert wrong == {-1, 0, 1}
    assert not outcome.damage
    assert not outcome.dead_letters
    assert not outcome.exits
    assert outcome.longest_delay < 5.0


def limit_files(worker: Supervised, limit: int) -> None:
    """Let no file of the worker grow beyond it, from now on."""
    _, hard = resource.prlimit(worker.program.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(worker.program.process.pid, resource.RLIMIT_FSIZE, (limit, hard))


def snapshot_age(worker: Supervised) -> float:
    return worker.figures().total("headwater_snapshot_age_seconds")


async def test_a_full_disk(drill: Drill) -> None:
    """Nothing larger than 256 KiB can be written for 10 s; snapshots are due every second."""
    worker = await drill.ready(
        "one", HEADWATER_INDEX__KIND="hnsw", HEADWATER_INDEX__SNAPSHOT_EVERY="1"
    )
    wait_until(lambda: snapshot_age(worker) >= 0, what="first snapshot")

    async def announce() -> None:
        for seed in range(2, 20):
            await drill.announce(20, seed=seed, prefix=f"new-{seed}")
            await asyncio.sleep(1.0)

    timeline = [
        Moment(3, lambda: limit_files(worker, ROOM)),
        Moment(13, lambda: limit_files(worker, resource.RLIM_INFINITY)),
    ]
    await asyncio.gather(
        drill.stream(rate=RATE, seconds=20, timeline=timeline),
        announce(),
    )
    assert NOT_WRITTEN in drill.log_of("one").read_text()
    wait_until(lambda: 0 <= snapshot_age(worker) < 5, what="new snapshot", patience=10)
    outcome = await drill.finish()
    assert set(outcome.damage) <= {"repeats that differ, and nobody knows why"}  # not exact here
    assert not outcome.exits
    assert outcome.longest_delay < 5.0
