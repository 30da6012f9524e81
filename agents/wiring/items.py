"""What a worker knows of all items, and the role cataloguing that adds to it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agents import cataloguing
from agents.catalogue import Catalogue
from agents.cataloguing import Cataloguing
from agents.drafts import new_index
from agents.handover import Handover
from agents.replicas import RankerReplica, Replica, VectorReplica
from agents.shared_encoder import SharedEncoder
from agents.snapshotting import Snapshotting
from agents.takeover import Takeover
from agents.trend_replica import TrendReplica
from agents.trend_snapshots import Ours
from agents.trend_snapshotting import TrendSnapshotting
from agents.underway import Underway
from agents.wanting import Wanting
from agents.wiring.sockets import Sockets
from agents.wordbook import Wordbook
from agents.written import Written
from indexes.embedding import fingerprint
from streams import topics
from streams.trends import Trend

log = logging.getLogger("headwater")


@dataclass(frozen=True, slots=True)
class Knowing:
    """A full copy of what is known of items, and what keeps it up to date."""

    catalogue: Catalogue
    replicas: tuple[Replica, ...]
    written: Written[Trend]
    """Trends that this worker has written itself, to be told by who folds them."""


def know_items(
    sockets: Sockets,
    snapshots: Snapshotting,
    *,
    wanting: Wanting | None = None,
    wordbook: Wordbook | None = None,
) -> Knowing:
    """Make the copy; it is empty until its replicas are started."""
    index = new_index(sockets.settings.index.kind, on_alarm=_alarm)
    catalogue = Catalogue(
        index,
        half_life=sockets.half_life,
        alarm=_alarm,
        wanting=wanting,
        wordbook=wordbook,
    )
    vectors = VectorReplica(
        sockets.reader(topics.ITEM_VECTORS),
        sockets.metrics,
        catalogue=catalogue,
        fingerprint=fingerprint(),
        snapshots=snapshots,
        takeover=Takeover(
            Handover(snapshots.folder),
            catalogue=catalogue,
            fingerprint=fingerprint(),
            new_reader=partial(sockets.reader, topics.ITEM_VECTORS),
            metrics=sockets.metrics,
        ),
    )
    written: Written[Trend] = Written()
    trends = _follow_trends(sockets, catalogue, written, folder=snapshots.folder)
    rankers = RankerReplica(sockets.reader(topics.RANKERS), sockets.metrics, catalogue=catalogue)
    replicas = (vectors, trends, rankers)
    sockets.services.extend(replicas)
    return Knowing(catalogue, replicas, written)


def _follow_trends(
    sockets: Sockets, catalogue: Catalogue, written: Written[Trend], *, folder: Path
) -> TrendReplica:
    return TrendReplica(
        sockets.reader(topics.ITEM_TRENDS),
        sockets.metrics,
        catalogue=catalogue,
        snapshots=TrendSnapshotting(
            folder.with_name("item-trends"),
            ours=Ours(sockets.names.name(topics.ITEM_TRENDS), sockets.half_life),
            every=sockets.settings.index.snapshot_every.total_seconds(),
            metrics=sockets.metrics,
        ),
        recognise=written.take,
        unfolded=sockets.unfolded,
    )


def register_cataloguing(
    sockets: Sockets,
    knowing: Knowing,
    *,
    encoder: SharedEncoder,
    caught_up: Callable[[], Awaitable[None]],
) -> Cataloguing:
    """Announced items become vectors."""
    vectors, *_ = knowing.replicas
    service = Cataloguing(
        underway=Underway(knowing.catalogue, applied=lambda: vectors.applied),
        caught_up=caught_up,
        make_encode=encoder.load,
        fingerprint=fingerprint(),
        vectors_topic=sockets.names.name(topics.ITEM_VECTORS),
        outbox=sockets.outbox,
        consuming=sockets.consuming,
        metrics=sockets.metrics,
    )
    sockets.services.append(service)
    cataloguing.register(sockets.app, source=sockets.source(topics.ITEMS), cataloguing=service)
    return service


def _alarm(text: str) -> None:
    log.error("index: %s", text)
