"""`headwater up --model-test-server`: both revisions of slates, as a user sees them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

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
