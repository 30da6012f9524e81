"""`headwater up --model-test-server`: both revisions of slates, as a user sees them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

PATIENCE = 400
"""Seconds; most of it is the encoder, on a busy machine."""


@pytest.mark.timeout(300)
def test_second_revisions_of_a_test_server_arrive_and_are_counted_apart(tmp_path: Path) -> None:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HEADWATER_")}
    done = subprocess.run(
        [sys.executable, "-m", "agents", "up", "--for", "8", "--json", "--model-test-server"],
        env={**clean, "HEADWATER_STATE_DIR": str(tmp_path), "HEADWATER_METRICS__PORT": "0"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["refined"] > 0
    assert found["revisions"] >= found["refined"]
    assert found["revisions"] < found["slates_out"] + 1
    assert found["tokens"] > 0
    assert found["event_to_revision_ms"]["p50"] > found["event_to_slate_ms"]["p50"]


def start_up(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HEADWATER_")}
    return subprocess.Popen(
        [sys.executable, "-m", "agents", "up", "--json", *arguments],
        env={**clean, "HEADWATER_STATE_DIR": str(folder), "HEADWATER_METRICS__PORT": "0"},
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def child_of(process: subprocess.Popen[str], command: str) -> psutil.Process:
    """The child that runs a command, once it reads events or is about to."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for child in psutil.Process(process.pid).children():
            if command in child.cmdline():
                return child
        time.sleep(0.1)
    raise AssertionError(f"no child runs {command}")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("victim", ["worker", "broker"])
def test_when_a_child_is_killed_it_is_named_and_the_others_are_ended(
    tmp_path: Path, victim: str
) -> None:
    process = start_up(tmp_path)
    children = [child_of(process, name) for name in ("broker", "worker")]
    time.sleep(2)
    child_of(process, victim).kill()
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert f"headwater: the {victim} ended by signal 9" in said
    assert psutil.wait_procs(children, timeout=5)[1] == []
