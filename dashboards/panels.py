"""What each dashboard shows, as data: a title, a query, a unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

SECONDS, PERCENT, RATE, COUNT, BYTES = "s", "percentunit", "ops", "short", "bytes"


class Panel(NamedTuple):
    """One graph."""

    title: str
    queries: Mapping[str, str]
    """Legend to PromQL."""
    unit: str = COUNT


def quantiles(metric: str, by: str = "") -> Mapping[str, str]:
    """The median and the slowest hundredth of a histogram."""
    groups = f"le, {by}" if by else "le"
    label = f" {{{{{by}}}}}" if by else ""
    return {
        f"p{q * 100:g}{label}": (
            f"histogram_quantile({q}, sum by ({groups}) (rate({metric}_bucket[$__rate_interval])))"
        )
        for q in (0.5, 0.99)
    }


def rate(metric: str, by: str) -> Mapping[str, str]:
    """Events a second of a counter, by a label."""
    return {f"{{{{{by}}}}}": f"sum by ({by}) (rate({metric}[$__rate_interval]))"}


DASHBOARDS: Mapping[str, Sequence[Panel]] = {
    "Feed": (
        Panel("Event to slate", quantiles("headwater_event_to_slate_seconds"), SECONDS),
        Panel("Slates a second", rate("headwater_slates_total", "strategy"), RATE),
        Panel("Users in line", {"users": "sum(headwater_slate_requests_waiting)"}),
        Panel(
            "Click-through",
            {
                "of items shown": "avg(headwater_click_through)",
                "of items probably seen": "avg(headwater_click_through_seen)",
            },
            PERCENT,
        ),
        Panel(
            "Choices the last slate had",
            {"hit rate": "avg(headwater_hit_rate)", "NDCG@10": "avg(headwater_ndcg)"},
            PERCENT,
        ),
        Panel("Poorer answers a second", rate("headwater_degraded_total", "kind"), RATE),
        Panel("Time of a slate by stage", quantiles("headwater_slate_seconds", "stage"), SECONDS),
        Panel("HTTP requests a second", rate("headwater_gateway_requests_total", "status"), RATE),
        Panel("HTTP latency", quantiles("headwater_gateway_request_seconds", "route"), SECONDS),
        Panel("Open streams", {"streams": "sum(headwater_gateway_streams)"}),
    ),
    "Catalogue": (
        Panel("Item to findable", quantiles("headwater_item_to_findable_seconds"), SECONDS),
        Panel("Items a second", rate("headwater_items_catalogued_total", "outcome"), RATE),
        Panel("Time of an encoder batch", quantiles("headwater_encoder_seconds"), SECONDS),
        Panel(
            "Index",
            {
                "findable": "max(headwater_index_items)",
                "dead entries": "max(headwater_index_tombstones)",
            },
        ),
        Panel("Index generation", {"{{instance}}": "headwater_index_generation"}),
        Panel("Rebuilds thrown away", {"{{instance}}": "headwater_index_rebuild_failures"}),
        Panel("Age of snapshots", {"{{replica}}": "headwater_snapshot_age_seconds"}, SECONDS),
    ),
    "Streams": (
        Panel("Lag by topic", {"{{topic}}": "sum by (topic) (headwater_consumer_lag)"}),
        Panel("Events a second", rate("headwater_events_folded_total", "kind"), RATE),
        Panel(
            "Repeats recognised a second",
            {"repeats": "sum(rate(headwater_events_repeated_total[$__rate_interval]))"},
            RATE,
        ),
        Panel("Commits a second", rate("headwater_commits_total", "instance"), RATE),
        Panel("Dead letters a second", rate("headwater_dead_letters_total", "reason"), RATE),
        Panel("Profile update", quantiles("headwater_profile_update_seconds"), SECONDS),
        Panel("Replicas ready", {"{{replica}}": "min by (replica) (headwater_replica_ready)"}),
        Panel("State restored in", {"{{changelog}}": "headwater_state_restore_seconds"}, SECONDS),
    ),
    "Worker": (
        Panel(
            "Processor",
            {"{{instance}}": "rate(process_cpu_seconds_total[$__rate_interval])"},
            PERCENT,
        ),
        Panel("Memory", {"{{instance}}": "process_resident_memory_bytes"}, BYTES),
        Panel("Lag of the event loop", quantiles("headwater_loop_lag_seconds"), SECONDS),
        Panel("Versions", {"{{version}} {{python}}": "headwater_build_info"}),
    ),
}
"""Title to panels, in the order shown."""
