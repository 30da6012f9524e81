"""The metrics, as a worker or gateway has them at `/metrics`."""

from __future__ import annotations

from prometheus_client.registry import Collector

from agents.metrics import Metrics
from docs_reference.tables import code, document, table

INTRO = """
# Metrics

A worker serves them at `/metrics` on `HEADWATER_METRICS__PORT`, a gateway on its own port.
Labels come from closed sets, never from ids.
What to do about each stands in [the runbook](../runbook.md#what-you-see-metric-by-metric).
A histogram has the series `…_bucket`, `…_sum` and `…_count`.
Beside these there are the `process_…` and `python_…` metrics of the Prometheus client.
"""


def page() -> str:
    """The page."""
    rows = sorted(map(_row, _ours()))
    return document(INTRO, table(["metric", "kind", "labels", "what it is"], rows))


def _ours() -> list[Collector]:
    registry = Metrics().registry
    return [
        collector
        for collector, names in registry._collector_to_names.items()
        if any(name.startswith("headwater_") for name in names)
    ]


def _row(collector: Collector) -> list[str]:
    (family,) = collector.describe()  # type: ignore[attr-defined]
    name = f"{family.name}_total" if family.type == "counter" else family.name
    labels: tuple[str, ...] = getattr(collector, "_labelnames", ())
    return [code(name), family.type, ", ".join(map(code, labels)), family.documentation]
