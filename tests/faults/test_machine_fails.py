"""A clock that jumps, a disk that is full, and one that is slow."""

from __future__ import annotations

import asyncio
import resource
import shutil
import struct
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from agents.keeping import SUFFIX, Place
from agents.kept import KeptFile
from streams import topics
from streams.kafka import LogReader
from tests.support.drills import Drill
from tests.support.processes import wait_until
from tests.support.streaming import RATE, Moment
from tests.support.supervising import Supervised

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

HOUR = 3_600
ROOM = 262_144
"""Bytes a file may have on the full disk: enough for a log, too little for a snapshot."""
NOT_WRITTEN = "snapshot not written"
SLOW = 200
"""Milliseconds that each write and each sync takes longer on the slow disk."""

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")


def compiled(name: str, folder: Path) -> str:
    """What stands between a worker and the system."""
    library = folder / f"{name}.so"
    source = Path(__file__).with_name(f"{name}.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    return str(library)


class SteppedClock:
    """The time of day as one worker sees it."""

    def __init__(self, folder: Path) -> None:
        """It is right."""
        self._step = folder / "step"
        self.set(0)
        library = compiled("clock", folder)
        self.settings = {"LD_PRELOAD": library, "CLOCK_STEP": str(self._step)}

    def set(self, seconds: int) -> None:
        """So far ahead of the true time."""
        with self._step.open("r+b" if self._step.exists() else "wb") as file:
            file.write(struct.pack("@l", seconds))  # in place: the worker has it mapped


@needs_compiler
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
    return worker.figures().by("headwater_snapshot_age_seconds", "replica")["item-vectors"]


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


class SlowDisk:
    """The state folder as one worker has it."""

    def __init__(self, folder: Path, *, state: Path) -> None:
        """It is fast."""
        self._disk = folder / "disk"
        self._disk.write_bytes(struct.pack("@4l", 0, 0, 0, 0))
        library = compiled("slow", folder)
        self.settings = {"LD_PRELOAD": library, "SLOW": str(self._disk), "SLOW_FOLDER": f"{state}/"}

    def set(self, milliseconds: int) -> None:
        """So much longer does a call take."""
        with self._disk.open("r+b") as file:
            file.write(struct.pack("@l", milliseconds))  # in place: the worker has it mapped

    def slowed(self) -> tuple[int, int, int]:
        """Writes and syncs that took longer, and how many of both the event loop waited for."""
        _, writes, syncs, held_up = struct.unpack("@4l", self._disk.read_bytes())
        return writes, syncs, held_up


async def ends_kept(drill: Drill) -> list[tuple[int, int]]:
    """Up to where each partition's profiles are kept in the worker's folder, and on the log."""
    reader = LogReader(drill.broker, drill.name(topics.PROFILES))
    await reader.start()
    await reader.stop()
    found = []
    for partition, end in sorted(reader.ends.items()):
        place = Place(reader.topic, partition)
        (path,) = drill.state_of("one").glob(f"*/tables/{place}{SUFFIX}")
        with closing(KeptFile(path, log=str(place))) as kept:
            kept.read(now=time.time())
            found.append((kept.mark.end if kept.mark is not None else 0, end))
    return found


@needs_compiler
async def test_a_slow_disk(drill: Drill, tmp_path: Path) -> None:
    """Each write and sync of the state folder takes 0.2 s longer for 10 s."""
    disk = SlowDisk(tmp_path, state=drill.state_of("one"))
    hnsw = {"HEADWATER_INDEX__KIND": "hnsw", "HEADWATER_INDEX__SNAPSHOT_EVERY": "1"}
    worker = await drill.ready("one", **hnsw, **disk.settings)
    await drill.stream(rate=RATE, seconds=2)
    await drill.settle()  # a deploy takes longer than the delay that is allowed here
    await asyncio.to_thread(worker.redeploy)  # copies are kept of what is there at a start
    await asyncio.to_thread(worker.wait_ready)
    ages: list[float] = []

    def recover() -> None:
        ages.append(snapshot_age(worker))
        disk.set(0)

    async def announce() -> None:
        for seed in range(2, 20):
            await drill.announce(20, seed=seed, prefix=f"new-{seed}")
            await asyncio.sleep(1.0)

    timeline = [Moment(3, lambda: disk.set(SLOW)), Moment(13, recover)]
    await asyncio.gather(
        drill.stream(rate=RATE, seconds=20, timeline=timeline),
        announce(),
    )
    wait_until(lambda: 0 <= snapshot_age(worker) < 5, what="new snapshot", patience=10)
    assert worker.figures().total("headwater_local_state_failures_total") == 0
    outcome = await drill.finish()
    writes, syncs, held_up = disk.slowed()
    assert writes > 20
    assert syncs > 0
    assert held_up == 0  # no event waits for the disk
    assert ages[0] > 3  # snapshots were late, too
    assert all(kept == end for kept, end in await ends_kept(drill))
    assert set(outcome.damage) <= {"repeats that differ, and nobody knows why"}  # not exact here
    assert outcome.exits == (0,)
    assert outcome.longest_delay < 5.0
