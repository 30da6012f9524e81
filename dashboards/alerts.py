"""When somebody is woken, as data; each alert has its section in docs/runbook.md."""

from __future__ import annotations

from typing import NamedTuple


class Alert(NamedTuple):
    """One alert."""

    name: str
    query: str
    wait: str
    """How long it must be so."""
    severity: str
    """`page` wakes somebody, `ticket` waits for the morning."""
    summary: str


ALERTS = (
    Alert(
        "HeadwaterSlatesSlow",
        "histogram_quantile(0.99, sum by (le) (rate(headwater_event_to_slate_seconds_bucket[5m])))"
        " > 1",
        "10m",
        "page",
        "The slowest hundredth of slates takes more than a second",
    ),
    Alert(
        "HeadwaterLagGrows",
        "sum by (topic) (headwater_consumer_lag) > 1000"
        " and sum by (topic) (deriv(headwater_consumer_lag[10m])) > 0",
        "15m",
        "page",
        "Topic {{ $labels.topic }} gets more than its workers deal with",
    ),
    Alert(
        "HeadwaterNoCommits",
        "rate(headwater_commits_total[5m]) == 0",
        "5m",
        "page",
        "Worker {{ $labels.instance }} makes nothing durable",
    ),
    Alert(
        "HeadwaterReplicaNotReady",
        "headwater_replica_ready == 0",
        "10m",
        "page",
        "{{ $labels.instance }} has not caught up with {{ $labels.replica }}",
    ),
    Alert(
        "HeadwaterDeadLetters",
        "sum by (topic, reason) (increase(headwater_dead_letters_total[15m])) > 10",
        "0m",
        "ticket",
        "Records of {{ $labels.topic }} are refused: {{ $labels.reason }}",
    ),
    Alert(
        "HeadwaterItemsLate",
        "histogram_quantile(0.99, sum by (le) "
        "(rate(headwater_item_to_findable_seconds_bucket[10m]))) > 5",
        "15m",
        "ticket",
        "New items can be found only after more than 5 seconds",
    ),
    Alert(
        "HeadwaterDegraded",
        "sum by (kind) (rate(headwater_degraded_total[10m]))"
        " / on () group_left sum(rate(headwater_slates_total[10m])) > 0.05",
        "15m",
        "ticket",
        "More than 5 % of slates are degraded: {{ $labels.kind }}",
    ),
    Alert(
        "HeadwaterReasonsUnproven",
        "increase(headwater_reasons_unproven_total[1h]) > 0",
        "0m",
        "ticket",
        "A reason on a slate says what cannot be proven",
    ),
    Alert(
        "HeadwaterIndexRebuildFails",
        "headwater_index_rebuild_failures > 0",
        "0m",
        "ticket",
        "{{ $labels.instance }} has thrown away a rebuilt index",
    ),
    Alert(
        "HeadwaterSnapshotOld",
        "headwater_snapshot_age_seconds > 3600",
        "10m",
        "ticket",
        "The snapshot of {{ $labels.replica }} is over an hour old",
    ),
    Alert(
        "HeadwaterLoopLag",
        "histogram_quantile(0.99, sum by (le, instance) "
        "(rate(headwater_loop_lag_seconds_bucket[5m]))) > 0.25",
        "10m",
        "ticket",
        "The event loop of {{ $labels.instance }} is held up",
    ),
    Alert(
        "HeadwaterGatewayErrors",
        'sum(rate(headwater_gateway_requests_total{status="5xx"}[5m]))'
        " / sum(rate(headwater_gateway_requests_total[5m])) > 0.01",
        "5m",
        "page",
        "More than 1 % of HTTP requests fail",
    ),
)
"""All of them."""
