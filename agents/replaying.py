"""
Fold the log once more, from nothing, with the very agents that fold it in a worker.

Only what surrounds them is other: state in memory, co-visits folded as soon as they are sent, and
nothing leaves the process.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from agents.metrics import Metrics
from agents.profiling import Profiling
from agents.trending import Trending
from streams import topics
from streams.errors import MalformedEvent, RejectedEvent
from streams.events import Gains
from streams.kafka import Broker, Outbox, Record
from streams.profiles import Profile
from streams.requests import SlateRequest
from streams.topics import Topics
from streams.trends import CoVisit, Trend, decode_co_visit

V = TypeVar("V")

_NOWHERE = Broker("nowhere:1")


class Watch(Protocol):
    """Looks on while the log is folded."""

    def folded(
        self, record: Record, user_id: str, before: Profile | None, after: Profile | None
    ) -> None:
        """An event was folded into what was known of its user; None is nothing."""

    def visited(self, item_id: str, visit: CoVisit) -> None:
        """A co-visit was folded into the item's trend."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the folds go by; other settings than the worker's give other state."""

    gains: Gains
    max_ahead: float
    """Seconds."""
    max_bytes: int
    half_life: float
    """Seconds."""


class Values(dict[str, V]):
    """
    An `agents.tables.State` in memory only.

    >>> values: Values[int] = Values()
    >>> values.put("ann", 1), values.put("eve", 2), values.put("ann", None)
    (None, None, None)
    >>> values
    {'eve': 2}
    """

    def peek(self, key: str) -> V | None:
        """The value of a key; None when there is none."""
        return self.get(key)

    def put(self, key: str, value: V | None) -> None:
        """Set the value of a key; None removes it."""
        if value is None:
            self.pop(key, None)
        else:
            self[key] = value


class Fresh(Generic[V]):
    """An `agents.tables.Sharded` with every partition, in memory only."""

    def __init__(self) -> None:
        self.shards: defaultdict[int, Values[V]] = defaultdict(Values)

    def shard(self, partition: int) -> Values[V]:
        """The state of a partition."""
        return self.shards[partition]

    def __len__(self) -> int:
        return sum(map(len, self.shards.values()))


class Replaying:
    """Profiles and trends, one record of `events` at a time."""

    def __init__(self, names: Topics, rules: Rules, *, watch: Watch | None = None) -> None:
        """Begin with nothing known."""
        self.folded = 0
        """Events that were folded."""
        self.rejected = 0
        """Records that are no events; a worker has made dead letters of them."""
        self.profiles: Fresh[Profile] = Fresh()
        self._trends: Fresh[Trend] = Fresh()
        self._max_bytes = rules.max_bytes
        self._watch = watch
        metrics = Metrics()
        trending = Trending(trends=self._trends, half_life=rules.half_life, metrics=metrics)
        self._profiling = Profiling(
            profiles=self.profiles,
            outbox=_Looped(names.name(topics.CO_VISITS), trending, self._watch),
            names=names,
            gains=rules.gains,
            max_ahead=rules.max_ahead,
            metrics=metrics,
            expect=_expect_nothing,
            slate_per_event=False,
        )

    @property
    def trends(self) -> Values[Trend]:
        """Item to trend."""
        return self._trends.shard(_Looped.PARTITION)

    async def fold(self, record: Record) -> None:
        """Fold the next record of its partition; one that is no event is counted."""
        user_id = (record.key or b"").decode(errors="replace")
        profiles = self.profiles.shard(record.partition)
        before = profiles.peek(user_id)
        try:
            self._check_size(record)
            await self._profiling.fold_event(record)
        except RejectedEvent:
            self.rejected += 1
        else:
            self.folded += 1
            if self._watch is not None:
                self._watch.folded(record, user_id, before, profiles.peek(user_id))

    def _check_size(self, record: Record) -> None:
        """As `Consuming.check_size`, which needs a worker around it."""
        if record.value is not None and len(record.value) > self._max_bytes:
            raise MalformedEvent(f"{len(record.value)} bytes, expected at most {self._max_bytes}")


class _Looped(Outbox):
    """Co-visits go straight into the trends; nobody else is told anything."""

    PARTITION = 0
    """One for the trends of all items: nobody else has a part of them."""

    def __init__(self, co_visits: str, trending: Trending, watch: Watch | None) -> None:
        super().__init__(_NOWHERE)
        self._co_visits = co_visits
        self._trending = trending
        self._watch = watch

    async def post_later(
        self,
        topic: str,
        *,
        key: bytes,
        value: bytes,
        partition: int | None = None,  # noqa: ARG002
    ) -> None:
        """Fold a co-visit, drop anything else; a co-visit that is refused fails no event."""
        if topic != self._co_visits:
            return
        try:
            await self._trending.fold_co_visit(Record(topic, self.PARTITION, -1, key, value, 0.0))
        except RejectedEvent:
            return
        if self._watch is not None:
            self._watch.visited(key.decode(), decode_co_visit(value))


def _expect_nothing(record: Record, request: SlateRequest) -> None:
    """No slates are made here."""
