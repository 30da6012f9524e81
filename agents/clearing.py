"""
When Kafka removes what is left in a log, in words, from what the topic is set to.

Kafka's rules, each seen on Apache Kafka 4.3 (tests/kafka/test_forgetting.py): the newest file of a
partition is neither compacted nor, while it is written to, deleted; a new one is begun only when a
record comes after `segment.ms` or `max.compaction.lag.ms`; what says that a key was removed stays
for `delete.retention.ms` after the older records went, until the cleaner runs again.
"""

from __future__ import annotations

from collections.abc import Mapping

from agents.traces import Trace
from agents.wording import ago, moment

EMBEDDED = "when the embedded broker ends: it keeps all in memory, and compacts nothing"
UNTOLD = "not to be said: the broker does not tell what the topic is set to"
NO_LIMIT = 10 * 365 * 86_400.0
"""Seconds; a longer time is somebody's "never", as Kafka's own 292 million years are."""


def when_gone(trace: Trace, settings: Mapping[str, str]) -> str:
    """
    When the records that are left go.

    Args:
        trace: What was found on the topic.
        settings: The topic's, its broker's defaults included; empty where the broker cannot tell.

    >>> kept = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
    >>> when_gone(Trace("events", left=1), kept)[:27]
    'never: retention.ms is -1. '
    """
    if not trace.left:
        return ""
    if not settings:
        return UNTOLD
    policies = settings["cleanup.policy"].split(",")
    ways = []
    if "compact" in policies:
        ways.append(_compacted(trace, settings))
    if "delete" in policies:
        ways.append(_deleted(trace, settings))
    return "; at the latest ".join(ways)


def _deleted(trace: Trace, settings: Mapping[str, str]) -> str:
    retention, segment = _seconds(settings, "retention.ms"), _seconds(settings, "segment.ms")
    if retention is None or segment is None:
        return _kept(trace, settings)
    by = moment(trace.newest + retention + segment)
    return f"by {by}: retention.ms {ago(retention)} + segment.ms {ago(segment)}"


def _kept(trace: Trace, settings: Mapping[str, str]) -> str:
    if (size := int(settings.get("retention.bytes", "-1"))) >= 0:
        return f"when {size:,} bytes newer ones are in the partition (retention.bytes)"
    way_out = "give the topic a retention.ms"
    if trace.last is not None:
        before = f"{trace.last.topic}-{trace.last.partition} before offset {trace.last.offset + 1}"
        way_out += f", or delete all records of {before} (kafka-delete-records.sh)"
    return f"never: retention.ms is -1. To end that, {way_out}; see docs/forgetting.md"


def _compacted(trace: Trace, settings: Mapping[str, str]) -> str:
    stays = _seconds(settings, "delete.retention.ms") or 0.0
    if trace.left == trace.removals:
        after = f"{ago(stays)} after the rest (delete.retention.ms)"
        return f"what says so: {after}, at the next clean-up"
    lag = _seconds(settings, "max.compaction.lag.ms")
    if lag is None:
        share = settings.get("min.cleanable.dirty.ratio", "0.5")
        return (
            f"at no set time: when {share} of the log is new (min.cleanable.dirty.ratio), which a "
            "small topic may never see. Set max.compaction.lag.ms (`headwater topics check`)"
        )
    return (
        f"from {moment(trace.newest + lag)} on (max.compaction.lag.ms {ago(lag)}), once another "
        f"record has come to the partition; what says so {ago(stays)} later (delete.retention.ms)"
    )


def _seconds(settings: Mapping[str, str], name: str) -> float | None:
    """A time; None where it is not set, or is longer than anybody means."""
    value = int(settings.get(name, "-1")) / 1000
    return None if value < 0 or value > NO_LIMIT else value
