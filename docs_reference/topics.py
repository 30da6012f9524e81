"""The topics, from the one table of them."""

from __future__ import annotations

from datetime import timedelta

from docs_reference.tables import code, document, table
from streams.topics import ALL, Topic

INTRO = """
# Topics

`headwater topics create` declares them on Apache Kafka, `headwater topics check` compares.
Every topic has the number of partitions that `HEADWATER_PARTITIONS` says, the same for all,
and `HEADWATER_REPLICATION` copies; `HEADWATER_TOPIC_PREFIX` is put before every name.
Keys are the id in UTF-8, placed by the partitioner of the Java client (murmur2).
What stands in a record: [events and other records](events.md).
"""


def page() -> str:
    """The page."""
    rows = [
        [code(topic.name), topic.key, topic.holds, code(_cleanup(topic)), _kept(topic.retention)]
        for topic in ALL
    ]
    parts = [
        INTRO,
        table(["topic", "key", "holds", "cleanup", "kept"], rows),
        "## Settings on the broker",
        "As `headwater topics create` sets them; times are in milliseconds, -1 is for ever.",
        table(["topic", "settings"], [[code(t.name), _config(t)] for t in ALL]),
    ]
    return document(*parts)


def _cleanup(topic: Topic) -> str:
    return topic.config()["cleanup.policy"]


def _config(topic: Topic) -> str:
    return " ".join(code(f"{name}={value}") for name, value in topic.config().items())


def _kept(retention: timedelta | None) -> str:
    """
    How long, in words.

    >>> _kept(timedelta(days=7)), _kept(timedelta(hours=1)), _kept(None)
    ('7 days', '1 hour', 'for ever')
    """
    if retention is None:
        return "for ever"
    hours = int(retention.total_seconds() // 3600)
    count, unit = (hours // 24, "day") if hours % 24 == 0 else (hours, "hour")
    return f"{count} {unit}{'' if count == 1 else 's'}"
