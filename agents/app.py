"""
The composition root: from settings to a worker whose parts know only what they are handed.

Nothing here decides anything; every part is made once and given to those that need it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from faust.types import TP
from mode import Service

from agents.consuming import Consuming, Fatal, end_worker
from agents.keeping import Keeping
from agents.lag import LagWatch
from agents.library import Library
from agents.lookout import Lookout
from agents.looplag import LoopLag
from agents.memory import end_loading
from agents.metrics import Metrics
from agents.replicas import Replica
from agents.resting import Resting
from agents.restoring import Restoring
from agents.roles import ASKING, KNOWING, ROLES, group_of, read_by
from agents.safety.lease import Lease
from agents.safety.making import make_app
from agents.safety.positions import Contained
from agents.safety.version import check_version
from agents.safety.watchdog import Watchdog
from agents.settings import Settings
from agents.shared_encoder import SharedEncoder
from agents.snapshotting import Snapshotting
from agents.tables import Commits
from agents.wiring.enhancing import make_wanting, register_enhancing
from agents.wiring.folds import register_learning, register_trending
from agents.wiring.items import know_items, register_cataloguing
from agents.wiring.model import Advice, seek_advice
from agents.wiring.refining import register_refining
from agents.wiring.slates import register_slates
from agents.wiring.sockets import Sockets
from agents.wordbook import Wordbook
from indexes.embedding import Encoder
from slates.books import NO_BOOKS
from streams import topics
from streams.errors import MembershipLost, SetupError
from streams.kafka import Broker, Outbox

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
        fatal: Fatal = end_worker,
    ) -> None:
        check_version()
        self.settings = settings
        self.broker = broker
        self.metrics = metrics
        self.roles = tuple(roles)
        self._fatal = fatal
        self._names = settings.topics()
        self.outbox = Outbox(broker)
        self.lease = Lease(session=settings.session_timeout.total_seconds())
        self.commits = Commits(
            self.outbox, lease=self.lease, keep=keeping.add, on_commit=metrics.commits.inc
        )
        self._keeping = keeping
        self._restoring = Restoring(broker, self.commits.tables, keeping=keeping, metrics=metrics)
        group = group_of(settings, self.roles)
        self._lookout = self._make_lookout(group)
        self.app = self._make_app(group)
        self.replicas: tuple[Replica, ...] = ()
        self._sockets = self._make_sockets()
        self.services.extend((self._watchdog(), self._lag_watch(), LoopLag(metrics)))
        self.services.append(Resting(self.commits.tables))
        shared = SharedEncoder(encoder)
        self._advice = self._seek_advice(shared)
        self._register(snapshots, shared)
        self.app.on_start = self._started(self.app.on_start)
        self.app.on_shutdown = self._closed(keeping)  # after the last commit

    @property
    def services(self) -> list[Service]:
        """What is started with the app, in this order."""
        return self._sockets.services

    def readiness(self) -> dict[str, bool]:
        """What has to be true before this worker is ready."""
        # Not `tables.recovery`: asked early, that would make one here, in the metrics server's
        # thread, on an event loop that never runs, and the worker would never be ready.
        recovery = self.app.tables._recovery
        recovered = recovery is not None and recovery.completed.is_set()
        return {"tables": recovered, **{r.name: r.ready.is_set() for r in self.replicas}}

    def _make_app(self, group: str) -> Any:
        return make_app(
            self.settings,
            self.broker,
            group=group,
            restore=self._restore,
            settle=self._settle,
            contained=self._contained,
            refuse=self._refuse,
            lease=self.lease,
        )

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

    def _make_sockets(self) -> Sockets:
        return Sockets(
            settings=self.settings,
            menu=self.settings.menu(),
            names=self._names,
            app=self.app,
            broker=self.broker,
            outbox=self.outbox,
            commits=self.commits,
            consuming=self._make_consuming(),
            metrics=self.metrics,
        )

    def _seek_advice(self, encoder: SharedEncoder) -> Advice | None:
        """A model, where one is set up and somebody here asks it."""
        if not ASKING.intersection(self.roles):
            return None
        encodes = "cataloguing" in self.roles and self.settings.cache.semantic
        encode = encoder.encode if encodes else None
        return seek_advice(self.settings, self.metrics, encode, turns=self._sockets.turns)

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

    def _register(self, snapshots: Snapshotting, encoder: SharedEncoder) -> None:
        """Whoever refines or folds alone needs no copy of the catalogue, and makes none."""
        sockets, roles, advice = self._sockets, self.roles, self._advice
        written = None
        library: Library | None = None
        if KNOWING.intersection(roles):
            about_items = None if advice is None else advice.economy.about_items()
            wanting = make_wanting(self.settings, roles, about_items)
            wordbook = None if advice is None else self._make_wordbook()
            knowing = know_items(sockets, snapshots, wanting=wanting, wordbook=wordbook)
            if wordbook is not None:
                encode = encoder.encode if "cataloguing" in roles else None
                library = Library(knowing.catalogue, wordbook, encode=encode)
            self.replicas, written = knowing.replicas, knowing.written
            if "profiling" in roles:
                register_slates(sockets, knowing, advice)
            if "cataloguing" in roles:
                service = register_cataloguing(
                    sockets, knowing, encoder=encoder, caught_up=self._ready
                )
                register_enhancing(
                    sockets,
                    knowing,
                    service,
                    model=about_items,
                    encode=encoder.encode,
                    books=NO_BOOKS if advice is None else advice.books,
                    caught_up=self._ready,
                )
        if "trending" in roles:
            register_trending(sockets, written)
        if "learning" in roles:
            register_learning(sockets)
        if "refining" in roles:
            register_refining(sockets, advice, library)

    def _make_wordbook(self) -> Wordbook:
        """Requests in words, and titles that a model names, look for items by their words."""
        wordbook = Wordbook()
        self.services.append(wordbook)
        return wordbook

    def _started(self, on_start: Any) -> Any:
        """Start our services with the app: its own tasks wait for the first assignment."""

        async def started() -> None:
            self._keeping.load_early([table.changelog for table in self.commits.tables])
            await self.outbox.start()
            await on_start()
            self.app.sensors.remove(self.app.monitor)  # 5 % of the time, for figures nobody reads
            if self._advice is not None:
                await self._advice.economy.warm_up()
            for service in self.services:
                await self.app.add_runtime_dependency(service)
            self.app.add_future(self._loaded())

        return started

    def _closed(self, keeping: Keeping) -> Callable[[], Awaitable[None]]:
        """End what outlives the app's services."""

        async def closed() -> None:
            await keeping.close()
            if self._advice is not None:
                await self._advice.close()

        return closed

    async def _loaded(self) -> None:
        """With an encoder, loading ends when that is there."""
        await self._ready()
        if "cataloguing" not in self.roles:
            end_loading()
