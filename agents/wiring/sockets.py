"""What every role is connected to: settings, topics, state, outputs, metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from mode import Service

from agents.consuming import Consuming
from agents.metrics import Metrics
from agents.safety.plain import PlainBytes
from agents.settings import Settings
from agents.tables import Commits, FoldTable
from agents.turns import Turns
from agents.waiting import MANY, waiting_in
from agents.written import Written
from slates.config import DAY
from slates.strategies import Menu
from streams import topics
from streams.kafka import Broker, LogReader, Outbox
from streams.topics import Topic, Topics

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Sockets:
    """Made once for each worker, before its roles."""

    settings: Settings
    menu: Menu
    names: Topics
    app: Any
    """Faust's."""
    broker: Broker
    outbox: Outbox
    commits: Commits
    consuming: Consuming
    metrics: Metrics
    services: list[Service] = field(default_factory=list)
    """What is started with the app, in this order."""
    turns: Turns = field(default_factory=Turns)
    """For questions to a model."""

    @property
    def half_life(self) -> float:
        """Of popularity, in seconds."""
        return self.settings.slates.popularity_half_life_days * DAY

    def table(
        self,
        source: Topic,
        changelog: Topic,
        *,
        encode: Callable[[V], bytes],
        decode: Callable[[bytes], V],
        contained: Callable[[Any, int], int] | None = None,
        glance: Callable[[bytes], Any] | None = None,
        written: Written[V] | None = None,
    ) -> FoldTable[V]:
        """State that is made durable with every commit; see `FoldTable`."""
        table: FoldTable[V] = FoldTable(
            source=self.names.name(source),
            changelog=self.names.name(changelog),
            encode=encode,
            decode=decode,
            contained=contained,
            glance=glance,
            written=written,
        )
        self.commits.tables.append(table)
        return table

    def source(self, topic: Topic) -> Any:
        """A topic as Faust reads it: bytes, whatever they are."""
        return self.app.topic(
            self.names.name(topic),
            schema=PlainBytes(),
            partitions=self.settings.partitions,
        )

    def unfolded(self) -> int:
        """
        What was fetched and waits to be folded; 0 in a worker that folds nothing.

        Of co-visits only those beyond many: a slate need not know the newest trends, but trends
        must not stay behind for the sake of slates.
        """
        events, co_visits = (
            waiting_in(self.app, self.names.name(topic))
            for topic in (topics.EVENTS, topics.CO_VISITS)
        )
        return events + max(co_visits - MANY, 0)

    def reader(self, topic: Topic) -> LogReader:
        """A topic read as a log, outside of the group."""
        return LogReader(self.broker, self.names.name(topic))
