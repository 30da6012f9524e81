"""
Write the dashboards and the alerts: `python -m dashboards`.

The only module that imports the Grafana foundation SDK.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import yaml
from grafana_foundation_sdk.builders import dashboard, prometheus, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from dashboards.alerts import ALERTS
from dashboards.panels import DASHBOARDS, Panel

HERE = Path(__file__).parent
SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")
HEIGHT, WIDTH = 8, 12
"""Of 24 columns: two graphs a row."""
RUNBOOK = "docs/runbook.md"


def main() -> None:
    """Write all files."""
    for path, text in generated().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(HERE.parent)}\n")


def generated() -> dict[Path, str]:
    """Path to content of everything that is written."""
    boards = {
        HERE / "grafana" / f"{title.lower()}.json": _dashboard(title, panels)
        for title, panels in DASHBOARDS.items()
    }
    return {**boards, HERE / "prometheus" / "alerts.yml": _alerts()}


def _dashboard(title: str, panels: Sequence[Panel]) -> str:
    board = (
        dashboard.Dashboard(f"Headwater: {title}")
        .uid(f"headwater-{title.lower()}")
        .tags(["headwater"])
        .refresh("10s")
        .time("now-30m", "now")
    )
    for panel in panels:
        board = board.with_panel(_graph(panel))
    return JSONEncoder(sort_keys=True, indent=2).encode(board.build()) + "\n"


def _graph(panel: Panel) -> Any:
    graph = (
        timeseries.Panel()
        .title(panel.title)
        .unit(panel.unit)
        .min(0)
        .height(HEIGHT)
        .span(WIDTH)
        .datasource(SOURCE)
    )
    for letter, (legend, query) in zip(ascii_uppercase, panel.queries.items(), strict=False):
        target = prometheus.Dataquery().ref_id(letter).expr(query).legend_format(legend)
        graph = graph.with_target(target.exemplar(True))
    return graph


def _alerts() -> str:
    rules = [
        {
            "alert": alert.name,
            "expr": alert.query,
            "for": alert.wait,
            "labels": {"severity": alert.severity},
            "annotations": {
                "summary": alert.summary,
                "runbook": f"{RUNBOOK}#{alert.name.lower()}",
            },
        }
        for alert in ALERTS
    ]
    groups = {"groups": [{"name": "headwater", "rules": rules}]}
    head = "# Written by `python -m dashboards`; do not edit.\n"
    return head + str(yaml.safe_dump(groups, sort_keys=False, width=1000))


if __name__ == "__main__":
    main()
