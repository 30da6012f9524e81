"""Dashboards and alerts name metrics that exist, and are what the code says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.metrics import Metrics
from dashboards.__main__ import generated
from dashboards.alerts import ALERTS
from dashboards.panels import DASHBOARDS

ROOT = Path(__file__).parents[3]
OF_THE_CLIENT = {"process_cpu_seconds_total", "process_resident_memory_bytes"}
"""What `prometheus_client` adds."""


def _names() -> set[str]:
    """The names of all series that our metrics may have."""
    names = set(OF_THE_CLIENT)
    for family in Metrics().registry.collect():
        ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
        names |= {family.name + end for end in ends.get(family.type, ("",))}
    return names


def _asked() -> Iterator[tuple[str, str]]:
    for title, panels in DASHBOARDS.items():
        for panel in panels:
            for query in panel.queries.values():
                yield f"{title}: {panel.title}", query
    for alert in ALERTS:
        yield alert.name, alert.query


@pytest.mark.parametrize(("place", "query"), list(_asked()))
def test_every_metric_asked_for_exists(place: str, query: str) -> None:
    asked = set(re.findall(r"\b(?:headwater|process)_\w+", query))
    assert asked
    assert asked <= _names(), place


@pytest.mark.parametrize("path", list(generated()), ids=lambda path: path.name)
def test_the_files_are_what_the_code_says(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generated()[path], "run `python -m dashboards`"


def test_every_alert_has_its_section_in_the_runbook() -> None:
    text = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    sections = set(re.findall(r"^### (Headwater\w+)$", text, re.MULTILINE))
    assert sections == {alert.name for alert in ALERTS}


@pytest.fixture
def promtool() -> str:
    """Where it is; without it tests are skipped, unless HEADWATER_REQUIRE_PROMTOOL=1."""
    found = shutil.which("promtool")
    if found is None and os.environ.get("HEADWATER_REQUIRE_PROMTOOL") != "1":
        pytest.skip("no promtool (Debian: apt install prometheus)")
    assert found is not None
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts_test.yml"),
        ("check", "config", "--syntax-only", "prometheus.yml"),
    ],
    ids=" ".join,
)
def test_prometheus_takes_them(promtool: str, arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [promtool, *arguments],
        cwd=ROOT / "dashboards" / "prometheus",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
