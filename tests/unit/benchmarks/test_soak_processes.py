"""What a run looks at and starts outside itself, as far as no Kafka is needed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.soak.footprint import disk_use, footprint
from benchmarks.soak.worker import KeptWorker
from streams.errors import SetupError

PAGES = 50_000_000


def test_memory_and_time_of_a_process_are_seen() -> None:
    found = footprint(os.getpid())
    assert found is not None
    assert 10e6 < found.resident < 10e9
    assert found.share > 0
    assert found.cpu > 0


def test_the_memory_of_a_child_counts_to_its_parent() -> None:
    before = footprint(os.getpid())
    code = f"held = bytearray(b'x') * {PAGES}; print('held', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        after = footprint(os.getpid())
        child.kill()
    assert before is not None
    assert after is not None
    assert after.share - before.share > 0.9 * PAGES
    assert after.resident - before.resident < 0.1 * PAGES


def test_of_a_process_that_has_ended_nothing_is_left() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    assert footprint(child.pid) is None


def test_holes_in_a_file_take_no_room(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "full").write_bytes(os.urandom(100_000))
    with (tmp_path / "holes").open("wb") as file:
        file.truncate(50_000_000)
    os.sync()
    assert 100_000 <= disk_use(tmp_path) < 1_000_000


def test_a_folder_that_is_not_there_takes_no_room(tmp_path: Path) -> None:
    assert disk_use(tmp_path / "nothing") == 0


async def test_a_worker_that_does_not_start_says_why(tmp_path: Path) -> None:
    settings = {"HEADWATER_PARTITIONS": "none"}
    began = time.monotonic()
    with pytest.raises(SetupError, match="HEADWATER_PARTITIONS"):
        async with KeptWorker(settings, port=1, home=tmp_path):
            pass
    assert time.monotonic() - began < 60
