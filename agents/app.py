"""
The composition root: from settings to a worker whose parts know only what they are handed.

Nothing here decides anything; every part is made once and given to those that need it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from faust.types import TP
from mode import Service

from agents import answering, cataloguing, learning, profiling, trending
from agents.answering import Answering
from agents.catalogue import Catalogue
from agents.cataloguing import Cataloguing
from agents.consuming import Consuming, Fatal, end_worker
from agents.describing import Asking, Describing
from agents.drafts import new_index
from agents.enhancing import Enhancing, Owned
from agents.handover import Handover
from agents.keeping import Keeping
from agents.lag import LagWatch
from agents.learning import Learning
from agents.lookout import Lookout
from agents.memory import end_loading
from agents.metrics import Metrics
from agents.profiling import Profiling
from agents.recommending import Recommending
from agents.replicas import RankerReplica, Replica, TrendReplica, VectorReplica
from agents.rereading import Rereading
from agents.restoring import Restoring
from agents.roles import ROLES, group_of, read_by
from agents.safety.lease import Lease
from agents.safety.making import make_app
from agents.safety.positions import Contained
from agents.safety.version import check_version
from agents.safety.watchdog import Watchdog
from agents.scoring import Scoring
from agents.settings import Settings
from agents.snapshotting import Snapshotting
from agents.tables import Commits, FoldTable
from agents.takeover import Takeover
from agents.teaching import Teaching
from agents.trending import Trending
from agents.underway import Underway
from agents.wanting import Wanting
from indexes.embedding import MODEL, Encoder, fingerprint
from slates.config import DAY
from slates.enhancing import load_enhance
from slates.extracting import Extractor
from slates.model import Model
from streams import topics
from streams.errors import MembershipLost, SetupError
from streams.kafka import Broker, LogReader, Outbox
from streams.profiles import Profile, contained, decode_profile, encode_profile
from streams.rankers import decode_ranker, encode_ranker
from streams.topics import Topic
from streams.trends import Trend, decode_trend, encode_trend

log = logging.getLogger("headwater")

ENHANCE_TOKENS = 4_000
"""Longest question about items; small local models read 8,000."""
READY_POLL = 0.1
"""Seconds between looks whether this worker is ready."""


class Worker:
    """One worker's parts, connected."""

    def __init__(
        self,
        settings: Settings,
        broker: Broker,
        *,
        snapshots: Snapshotting,
        keeping: Keeping,
        metrics: Metrics,
        roles: Sequence[str] = ROLES,
        encoder: Callable[[], Encoder] = Encoder,
        model: Model | None = None,
        fatal: Fatal = end_worker,
    ) -> None:
        check_version()
        self.settings = settings
        self.broker = broker
        self.metrics = metrics
        self.roles = tuple(roles)
        self._model = model
        self._fatal = fatal
        self._names = settings.topics()
        self._strategies = settings.known_strategies()
        self._scoring = Scoring(gains=settings.gains(), metrics=metrics)
        self.outbox = Outbox(broker)
        self.lease = Lease(session=settings.session_timeout.total_seconds())
        self.commits = Commits(
            self.outbox, lease=self.lease, keep=keeping.add, on_commit=metrics.commits.inc
        )
        self._restoring = Restoring(broker, self.commits.tables, keeping=keeping, metrics=metrics)
        group = group_of(settings, self.roles)
        self._lookout = self._make_lookout(group)
        self.app = make_app(
            settings,
            broker,
            group=group,
            restore=self._restore,
            settle=self._settle,
            contained=self._contained,
            refuse=self._refuse,
            lease=self.lease,
        )
        self._consuming = self._make_consuming()
        index = new_index(settings.index.kind, on_alarm=_alarm)
        self._wanting = self._make_wanting()
        self.catalogue = Catalogue(
            index, half_life=self._half_life, alarm=_alarm, wanting=self._wanting
        )
        self.replicas = self._replicas(snapshots)
        self.services: list[Service] = [*self.replicas, self._watchdog(), self._lag_watch()]
        self._register(encoder)
        self.app.on_start = self._started(self.app.on_start)
        self.app.on_shutdown = keeping.close  # after the last commit

    @property
    def _half_life(self) -> float:
        return self.settings.slates.popularity_half_life_days * DAY

    def readiness(self) -> dict[str, bool]:
        """What has to be true before this worker is ready."""
        # Not `tables.recovery`: asked early, that would make one here, in the metrics server's
        # thread, on an event loop that never runs, and the worker would never be ready.
        recovery = self.app.tables._recovery
        recovered = recovery is not None and recovery.completed.is_set()
        return {"tables": recovered, **{r.name: r.ready.is_set() for r in self.replicas}}

    def _watchdog(self) -> Watchdog:
        return Watchdog(
            self.app,
            fatal=self._fatal,
            lookout=self._lookout,
            is_ready=lambda: all(self.readiness().values()),
            patience=self.settings.stall_timeout.total_seconds(),
        )

    def _make_lookout(self, group: str) -> Lookout:
        return Lookout(
            self.broker,
            self._names,
            group=group,
            reads=read_by(self.settings, self.roles),
            counts=self._partition_counts,
        )

    async def _partition_counts(self, names: Collection[str]) -> Mapping[str, int]:
        """The consumer is there only once the app has started."""
        counts: Mapping[str, int] = await self.app.consumer.partition_counts(names)
        return counts

    def _lag_watch(self) -> LagWatch:
        reads = read_by(self.settings, self.roles)
        return LagWatch(self.app, topics=sorted(reads), metrics=self.metrics)

    async def _ready(self) -> None:
        """Return once this worker answers."""
        while not all(self.readiness().values()):  # noqa: ASYNC110 - Faust has no event for it
            await asyncio.sleep(READY_POLL)

    async def _restore(self, generation: int, owned: Mapping[str, Collection[int]]) -> None:
        """Nothing may be folded into state that could not be restored, or belongs elsewhere."""
        try:
            await self._lookout.check_topics()
            await self._lookout.check_group()
            await self._restoring.restore(generation, owned)
        except SetupError as error:
            self._refuse(error)
        except Exception as error:  # noqa: BLE001 - any failure here must end the worker
            self._fatal(f"state could not be restored: {error}", error)

    def _contained(self, partitions: Iterable[TP]) -> dict[TP, Contained]:
        """Up to where partitions are folded into tables that tell it."""
        return {
            tp: Contained(table.changelog, table.restored.get(tp.partition, -1))
            for tp in partitions
            for table in self.commits.tables
            if table.source == tp.topic and table.contained is not None
        }

    def _refuse(self, error: SetupError) -> None:
        self._fatal(str(error), error)

    async def _settle(self) -> None:
        """Nothing may be committed once something could not be made durable."""
        try:
            await self.commits.settle()
        except MembershipLost:
            raise  # what was not written is read again by whoever owns it now
        except Exception as error:  # noqa: BLE001 - any failure here must end the worker
            self._fatal("state and outputs could not be made durable", error)

    def _make_consuming(self) -> Consuming:
        return Consuming(
            outbox=self.outbox,
            dead_letters=self._names.name(topics.DEAD_LETTERS),
            max_bytes=self.settings.events.max_bytes,
            metrics=self.metrics,
            acknowledge=self._acknowledge,
            generation=lambda: self.app.consumer_generation_id,
            lease=self.lease,
            fatal=self._fatal,
        )

    def _acknowledge(self, message: Any) -> None:
        """The consumer is there only once the app has started."""
        self.app.consumer.acknowledge(message)

    def _table(
        self, source: Topic, changelog: Topic, encode: Any, decode: Any, contained: Any = None
    ) -> FoldTable[Any]:
        table: FoldTable[Any] = FoldTable(
            source=self._names.name(source),
            changelog=self._names.name(changelog),
            encode=encode,
            decode=decode,
            contained=contained,
        )
        self.commits.tables.append(table)
        return table

    def _source(self, topic: Topic) -> Any:
        return self.app.topic(
            self._names.name(topic),
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            allow_empty=True,
            partitions=self.settings.partitions,
        )

    def _replicas(self, snapshots: Snapshotting) -> tuple[Replica, ...]:
        def reader(topic: Topic) -> LogReader:
            return LogReader(self.broker, self._names.name(topic))

        vectors = VectorReplica(
            reader(topics.ITEM_VECTORS),
            self.metrics,
            catalogue=self.catalogue,
            fingerprint=fingerprint(),
            snapshots=snapshots,
            takeover=Takeover(
                Handover(snapshots.folder),
                catalogue=self.catalogue,
                fingerprint=fingerprint(),
                new_reader=partial(reader, topics.ITEM_VECTORS),
                metrics=self.metrics,
            ),
        )
        trends = TrendReplica(reader(topics.ITEM_TRENDS), self.metrics, catalogue=self.catalogue)
        rankers = RankerReplica(reader(topics.RANKERS), self.metrics, catalogue=self.catalogue)
        return vectors, trends, rankers

    def _register(self, encoder: Callable[[], Encoder]) -> None:
        if "profiling" in self.roles:
            profiles = self._table(
                topics.EVENTS, topics.PROFILES, encode_profile, decode_profile, contained
            )
            self._register_profiling(profiles, self._register_recommending(profiles))
        if "trending" in self.roles:
            self._register_trending(
                self._table(topics.CO_VISITS, topics.ITEM_TRENDS, encode_trend, decode_trend)
            )
        if "learning" in self.roles:
            rankers = self._table(topics.LESSONS, topics.RANKERS, encode_ranker, decode_ranker)
            learning.register(
                self.app,
                source=self._source(topics.LESSONS),
                consuming=self._consuming,
                learning=Learning(rankers=rankers, metrics=self.metrics),
            )
        if "cataloguing" in self.roles:
            self._register_cataloguing(encoder)

    def _register_trending(self, trends: FoldTable[Trend]) -> None:
        trending.register(
            self.app,
            source=self._source(topics.CO_VISITS),
            consuming=self._consuming,
            trending=Trending(trends=trends, half_life=self._half_life, metrics=self.metrics),
        )

    def _register_profiling(self, profiles: FoldTable[Profile], answers: Answering) -> None:
        profiling.register(
            self.app,
            source=self._source(topics.EVENTS),
            consuming=self._consuming,
            profiling=Profiling(
                profiles=profiles,
                outbox=self.outbox,
                names=self._names,
                gains=self.settings.gains(),
                max_ahead=self.settings.events.max_ahead.total_seconds(),
                metrics=self.metrics,
                expect=answers.expect,
                teach=self._teaching().teach,
                observe=self._scoring.observe,
                slate_per_event=self.settings.slate_per_event,
            ),
        )

    def _teaching(self) -> Teaching:
        return Teaching(
            catalogue=self.catalogue,
            config=self._strategies[self.settings.strategy],
            gains=self.settings.gains(),
            outbox=self.outbox,
            names=self._names,
            per_second=self.settings.lessons_per_second,
            is_ready=lambda: all(replica.ready.is_set() for replica in self.replicas),
            metrics=self.metrics,
        )

    def _register_cataloguing(self, encoder: Callable[[], Encoder]) -> None:
        vectors = self.replicas[0]
        service = Cataloguing(
            underway=Underway(self.catalogue, applied=lambda: vectors.applied),
            caught_up=self._ready,
            make_encode=lambda: encoder().encode,
            fingerprint=fingerprint(),
            vectors_topic=self._names.name(topics.ITEM_VECTORS),
            outbox=self.outbox,
            consuming=self._consuming,
            metrics=self.metrics,
        )
        self.services.append(service)
        cataloguing.register(self.app, source=self._source(topics.ITEMS), cataloguing=service)
        if self._wanting is not None:
            self.services.append(self._enhancing(self._wanting, service))

    def _make_wanting(self) -> Wanting | None:
        """Only who catalogues items adds to them."""
        if "cataloguing" not in self.roles or self.settings.enhance.items == "off":
            return None
        return Wanting(asks=self._asking() is not None)

    def _asking(self) -> Asking | None:
        enhance = self.settings.enhance
        if self._model is None or enhance.items != "model":
            return None
        return Asking(
            model=self._model,
            prompt=load_enhance(),
            within=enhance.within.total_seconds(),
            most=ENHANCE_TOKENS,
            count=_tokens,
        )

    def _enhancing(self, wanting: Wanting, service: Cataloguing) -> Enhancing:
        return Enhancing(
            catalogue=self.catalogue,
            wanting=wanting,
            rereading=Rereading(
                lambda parts: LogReader(
                    self.broker, self._names.name(topics.ITEMS), partitions=parts
                )
            ),
            describing=Describing(
                make_extract=partial(Extractor, self.settings.enhance.language),
                asking=self._asking(),
                said_of=self.catalogue.said_of,
                metrics=self.metrics,
            ),
            caught_up=self._ready,
            owned=self._owned_items,
            add=service.add,
            batch=self.settings.enhance.batch,
            metrics=self.metrics,
        )

    def _owned_items(self) -> Owned:
        name = self._names.name(topics.ITEMS)
        owned = (tp.partition for tp in self.app.consumer.assignment() if tp.topic == name)
        return Owned(self.app.consumer_generation_id, frozenset(owned))

    def _register_recommending(self, profiles: FoldTable[Profile]) -> Answering:
        service = Answering(
            recommending=Recommending(
                profiles=profiles,
                catalogue=self.catalogue,
                replicas=self.replicas,
                outbox=self.outbox,
                topic=self._names.name(topics.RECOMMENDATIONS),
                strategies=self._strategies,
                strategy=self.settings.strategy,
                deadline=self.settings.request_deadline.total_seconds(),
                encoder=MODEL,
                metrics=self.metrics,
                slated=self._scoring.slated,
            ),
            consuming=self._consuming,
            unfolded=partial(waiting_in, self.app, self._names.name(topics.EVENTS)),
            metrics=self.metrics,
        )
        self.services.append(service)
        answering.register(self.app, source=self._source(topics.SLATE_REQUESTS), answering=service)
        return service

    def _started(self, on_start: Any) -> Any:
        """Start our services with the app: its own tasks wait for the first assignment."""

        async def started() -> None:
            await self.outbox.start()
            await on_start()
            self.app.sensors.remove(self.app.monitor)  # 5 % of the time, for figures nobody reads
            for service in self.services:
                await self.app.add_runtime_dependency(service)
            self.app.add_future(self._loaded())

        return started

    async def _loaded(self) -> None:
        """With an encoder, loading ends when that is there."""
        await self._ready()
        if "cataloguing" not in self.roles:
            end_loading()


def _tokens(text: str) -> int:
    """Of a text, rather too many: English has four and a half bytes a token, Chinese two."""
    return (len(text.encode(errors="replace")) + 1) // 2


def waiting_in(app: Any, topic: str) -> int:
    """Records of a topic that were fetched and that its agents have not begun with."""
    return sum(channel.queue.qsize() for channel in app.topics._topic_name_index[topic])


def _alarm(text: str) -> None:
    log.error("index: %s", text)
