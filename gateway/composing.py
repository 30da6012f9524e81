"""From settings to the parts of one gateway."""

from __future__ import annotations

import logging

from agents.catalogue import Catalogue
from agents.drafts import new_index
from agents.lookup import Log
from agents.metrics import Metrics
from agents.replicas import RankerReplica
from agents.settings import Settings
from gateway.access import Access
from gateway.board import Board
from gateway.limits import Limits
from gateway.parts import Parts
from gateway.searching import Encode, Searching
from gateway.trends import Trends
from gateway.vectors import Vectors
from indexes.embedding import Encoder, fingerprint
from slates.config import DAY
from streams import topics
from streams.kafka import Broker, LogReader, Sender
from streams.topics import Topic

log = logging.getLogger("headwater")


def compose(settings: Settings, broker: Broker, access: Access, metrics: Metrics) -> Parts:
    """Make every part once and hand it to those that need it."""
    names = settings.topics()

    def reader(topic: Topic) -> LogReader:
        return LogReader(broker, names.name(topic))

    catalogue = Catalogue(
        new_index(settings.index.kind, on_alarm=lambda text: log.error("index: %s", text)),
        half_life=settings.slates.popularity_half_life_days * DAY,
    )
    board = Board(reader(topics.RECOMMENDATIONS), metrics)
    replicas = (
        board,
        Vectors(
            reader(topics.ITEM_VECTORS), metrics, catalogue=catalogue, fingerprint=fingerprint()
        ),
        Trends(reader(topics.ITEM_TRENDS), metrics, catalogue=catalogue),
        RankerReplica(reader(topics.RANKERS), metrics, catalogue=catalogue),
    )
    return Parts(
        settings=settings,
        access=access,
        limits=Limits(settings.gateway),
        board=board,
        catalogue=catalogue,
        searching=Searching(catalogue, _make_encode),
        replicas=replicas,
        log=Log(broker, names),
        sender=Sender(broker, patience=settings.gateway.send_within.total_seconds()),
        metrics=metrics,
        strategies=settings.known_strategies(),
    )


def _make_encode() -> Encode:
    return Encoder().encode
