"""What Prometheus reads."""

from __future__ import annotations

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from agents.metrics import Metrics, exemplar_of
from agents.metrics_server import page


def _observed(accept: str) -> tuple[str, str]:
    metrics = Metrics()
    metrics.event_to_slate.observe(0.0042, exemplar_of("slate-events-3-77"))
    body, kind = page(metrics, accept=accept)
    return body.decode(), kind


def test_who_asks_for_openmetrics_is_told_which_slate_a_time_was_of() -> None:
    text, kind = _observed("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert kind.startswith("application/openmetrics-text")
    found = [
        (sample.labels["le"], sample.exemplar.labels, sample.exemplar.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.exemplar is not None
    ]
    assert found == [("0.005", {"slate_id": "slate-events-3-77"}, 0.0042)]


def test_others_are_given_text_without() -> None:
    text, kind = _observed("")
    assert kind.startswith("text/plain")
    assert "slate-events-3-77" not in text
