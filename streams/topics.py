"""
Every topic in one table: what it holds, how it is keyed, kept and cleaned.

`headwater topics create` declares them from here and `check` compares them with a broker.
All have the same number of partitions, so whoever owns a user's events owns everything of theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

MAX_MESSAGE_BYTES = 1_048_588
"""Kafka's own default for the largest record batch."""
DELETE_RETENTION = timedelta(days=1)
"""How long a compacted topic tells that a key was removed; Kafka's own default."""
SEGMENT = timedelta(hours=12)
"""
After how long a record of a user is in a file that is not written to any more.

Kafka neither compacts nor deletes by time what is in the newest file of a partition; by default
that is written to for a week, however short the retention.
"""
COMPACTION_LAG = timedelta(days=1)
"""
After how long the cleaner must remove what has been replaced by newer records of the same user.

By default it waits until half of the log is new, which may take a small topic for ever.
"""


@dataclass(frozen=True, slots=True)
class Topic:
    """One row of the table."""

    name: str
    """Without the prefix."""
    key: str
    """What the key is: user, item, strategy, or as the source."""
    holds: str
    """What a record is, in a few words."""
    compact: bool = False
    """Is only the newest record of a key kept?"""
    retention: timedelta | None = None
    """How long records are kept; None is for ever."""
    max_message_bytes: int = MAX_MESSAGE_BYTES

    @property
    def holds_users(self) -> bool:
        """May records tell of a user, who may want to be forgotten?"""
        return self.key not in ("item", "strategy")

    def config(self) -> Mapping[str, str]:
        """The topic's settings, as Kafka writes them."""
        policies = ["compact"] if self.compact else []
        if self.retention is not None or not self.compact:
            policies.append("delete")
        keep = "-1" if self.retention is None else _milliseconds(self.retention)
        removals = {"delete.retention.ms": _milliseconds(DELETE_RETENTION)} if self.compact else {}
        return {
            "cleanup.policy": ",".join(policies),
            "retention.ms": keep,
            "max.message.bytes": str(self.max_message_bytes),
            **removals,
            **self._forgetting(),
        }

    def _forgetting(self) -> Mapping[str, str]:
        """What bounds how long a user's removed records stay; nothing where they stay for ever."""
        if not self.holds_users or (self.retention is None and not self.compact):
            return {}
        if not self.compact and self.retention is not None:
            return {"segment.ms": _milliseconds(min(SEGMENT, self.retention))}
        segment = {"segment.ms": _milliseconds(SEGMENT)}
        return {**segment, "max.compaction.lag.ms": _milliseconds(COMPACTION_LAG)}


def _milliseconds(time: timedelta) -> str:
    return str(int(time.total_seconds() * 1000))


EVENTS = Topic("events", "user", "what users did; the source of truth")
ITEMS = Topic("items", "item", "the catalogue; no value: gone", compact=True)
ITEM_VECTORS = Topic("item-vectors", "item", "encoded items with their facts", compact=True)
CO_VISITS = Topic(
    "co-visits", "item", "one interaction, without the user", retention=timedelta(days=7)
)
ITEM_TRENDS = Topic("item-trends", "item", "popularity and visitors of an item", compact=True)
LESSONS = Topic(
    "lessons",
    "strategy",
    "what a choice taught, nobody named",
    retention=timedelta(days=7),
)
RANKERS = Topic("rankers", "strategy", "the weights a strategy has learned", compact=True)
PROFILES = Topic("profiles", "user", "what is known of a user (a changelog)", compact=True)
SLATE_REQUESTS = Topic("slate-requests", "user", "asks for a slate", retention=timedelta(days=1))
SLATE_DRAFTS = Topic(
    "slate-drafts",
    "user",
    "a slate that a language model may refine; of no use after seconds",
    retention=timedelta(hours=1),
)
RECOMMENDATIONS = Topic(
    "recommendations", "user", "slates", compact=True, retention=timedelta(days=7)
)
DEAD_LETTERS = Topic(
    "dead-letters",
    "as the source",
    "what was refused, with the reason in its headers",
    retention=timedelta(days=30),
    max_message_bytes=16 * MAX_MESSAGE_BYTES,
)

ALL = (
    EVENTS,
    ITEMS,
    ITEM_VECTORS,
    CO_VISITS,
    ITEM_TRENDS,
    LESSONS,
    RANKERS,
    PROFILES,
    SLATE_REQUESTS,
    SLATE_DRAFTS,
    RECOMMENDATIONS,
    DEAD_LETTERS,
)
"""The whole table, in the order in which data flows."""


@dataclass(frozen=True, slots=True)
class Topics:
    """The table under one prefix."""

    prefix: str
    partitions: int

    def name(self, topic: Topic) -> str:
        """
        The name on the broker.

        >>> Topics(prefix="shop.", partitions=4).name(EVENTS)
        'shop.events'
        """
        return f"{self.prefix}{topic.name}"

    def __iter__(self) -> Iterator[tuple[str, Topic]]:
        return ((self.name(topic), topic) for topic in ALL)

    def partition_counts(self) -> Mapping[str, int]:
        """Name on the broker to number of partitions."""
        return {name: self.partitions for name, _ in self}
