"""Answer each request with a slate: ranked, explained, and honest about what was missing."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agents.catalogue import Catalogue
from agents.consuming import origin_of
from agents.metrics import Metrics, exemplar_of, kind_of
from agents.proposing import Opinion, Proposing
from agents.replicas import Replica
from agents.shards import Sharded, State
from slates.building import Built, build
from slates.checking import unproven
from slates.config import SlateConfig
from slates.reasons.grounds import Grounds, grounds_of
from slates.scenarios import SCENARIOS
from slates.slate import Slate, Timings, Versions, encode_slate
from slates.strategies import Menu
from streams.errors import MalformedRequest
from streams.kafka import Outbox, Record
from streams.origins import slate_id
from streams.profiles import Profile
from streams.requests import SlateRequest, decode_request

PROVE_EVERY = 10
"""
Slates from one with an item whose reasons are proven to the next.

Proving all items takes as long as a slate or so: of every hundredth slate, it was its p99.
"""

log = logging.getLogger("headwater")


@dataclass(frozen=True, slots=True)
class Made:
    """A slate, and what it was made of."""

    slate: Slate
    built: Built
    profile: Profile
    config: SlateConfig
    opinion: Opinion


class Recommending:
    """One request in, one slate out."""

    def __init__(
        self,
        *,
        profiles: Sharded[Profile],
        catalogue: Catalogue,
        replicas: Sequence[Replica],
        outbox: Outbox,
        topic: str,
        menu: Menu,
        deadline: float,
        encoder: str,
        metrics: Metrics,
        proposing: Proposing,
        slated: Callable[[str, Sequence[str]], None] = lambda _user, _items: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._profiles = profiles
        self._catalogue = catalogue
        self._replicas = replicas
        self._outbox = outbox
        self._topic = topic
        self._menu = menu
        self._deadline = deadline
        self._encoder = encoder
        self._metrics = metrics
        self._proposing = proposing
        self._slated = slated
        self._clock = clock
        self._made = 0

    def read(self, record: Record) -> SlateRequest:
        """
        Decode one record of `slate-requests`.

        Raises:
            RejectedEvent: It is no request that can be answered.
        """
        request = decode_request(
            record.key, record.value, origin=str(origin_of(record)), received_at=record.received_at
        )
        if request.scenario not in SCENARIOS:
            known = ", ".join(sorted(SCENARIOS))
            raise MalformedRequest(f"scenario {request.scenario!r}, expected one of {known}")
        if request.strategy is not None and request.strategy not in self._menu.strategies:
            known = ", ".join(sorted(self._menu.strategies))
            raise MalformedRequest(f"strategy {request.strategy!r}, expected one of {known}")
        return request

    async def answer(
        self, record: Record, request: SlateRequest, *, superseded: Sequence[str] = ()
    ) -> None:
        """
        Send a slate, or what removes the user's last one.

        Args:
            record: Where the request stands.
            request: What it asks for.
            superseded: Triggers of the same user that this slate answers, too.
        """
        if request.forget:
            await self._send(record, None)
            await self._proposing.forget(record, request.user_id)
            return
        profiles = self._profiles.shard(record.partition)
        degraded = await self._caught_up(request)
        made = self._make(request, profiles, degraded, superseded)
        await self._send(record, encode_slate(made.slate))
        self._slated(made.slate.user_id, [item.item_id for item in made.slate.items])
        self._count(made)
        await self._refer(record, request, made)

    async def _refer(self, record: Record, request: SlateRequest, made: Made) -> None:
        """What a language model is to do about the slate."""
        if made.opinion.asks:
            await self._proposing.propose(
                record, made.slate, request, made.built, made.profile, config=made.config
            )
        else:
            await self._proposing.withdraw(record, request.user_id)

    async def _send(self, record: Record, value: bytes | None) -> None:
        await self._outbox.post(
            self._topic, key=record.key, value=value, partition=record.partition
        )

    async def _caught_up(self, request: SlateRequest) -> tuple[str, ...]:
        """Wait for the replicas while the request can wait; say what is still missing then."""
        late = [replica for replica in self._replicas if not replica.ready.is_set()]
        if not late:
            return ()
        patience = self._deadline if request.deadline is None else request.deadline
        received = request.trigger.received_at if request.trigger else self._clock()
        left = received + patience - self._clock()
        if left > 0:
            waits = [asyncio.create_task(replica.ready.wait()) for replica in late]
            await asyncio.wait(waits, timeout=left)
            for wait in waits:
                wait.cancel()
        return tuple(
            f"replica-behind: {replica.name} has {replica.reader.behind} records to read"
            for replica in late
            if not replica.ready.is_set()
        )

    def _make(
        self,
        request: SlateRequest,
        profiles: State[Profile],
        degraded: tuple[str, ...],
        superseded: Sequence[str],
    ) -> Made:
        trigger = request.trigger
        if trigger is None:  # decode_request fills it in
            raise MalformedRequest(f"user {request.user_id!r}: no trigger")
        began = self._clock()
        profile = profiles.peek(request.user_id) or Profile()
        config = self._menu.config_for(request)
        built = build(request, profile, self._catalogue, now=trigger.at, config=config)
        opinion = self._proposing.judge(
            request, built, interactions=len(profile.history), config=config
        )
        slate = Slate(
            slate_id=slate_id(trigger.id),
            user_id=request.user_id,
            revision=1,
            strategy=config.strategy,
            scenario=request.scenario,
            trigger=trigger,
            items=built.items,
            ranked_by="engine",
            degraded=(*degraded, *opinion.degraded),
            versions=self._versions(),
            timings=_timings(built, queued=began - trigger.received_at),
            produced_at=self._clock(),
            title=built.prepared.scene.title,
            note=built.note,
            supersedes=tuple(superseded),
            refinement=str(opinion),
        )
        self._sample(
            slate, grounds_of(request, profile, self._catalogue, now=trigger.at, config=config)
        )
        return Made(slate, built, profile, config, opinion)

    def _sample(self, slate: Slate, grounds: Grounds) -> None:
        """Prove an item of some slates; what is not proven goes out, and is counted."""
        look, rest = divmod(self._made, PROVE_EVERY)
        self._made += 1
        if rest or not slate.items:
            return
        item = slate.items[look % len(slate.items)]
        found = unproven([item], grounds)
        self._metrics.reasons_checked.inc(len(item.reasons))
        self._metrics.reasons_unproven.inc(len({(item_id, kind) for item_id, kind, _ in found}))
        for item_id, kind, what in found:
            log.error(
                "%s: %s reason of item %r not proven: %s", slate.slate_id, kind, item_id, what
            )

    def _versions(self) -> Versions:
        applied = {replica.name: replica.applied for replica in self._replicas}
        ahead = {replica.name: replica.ahead for replica in self._replicas}
        return Versions(
            encoder=self._encoder,
            index_generation=self._catalogue.index.stats().generation,
            trends=applied.get("item-trends", {}),
            trends_ahead=ahead.get("item-trends", 0),
            rankers=applied.get("rankers", {}),
        )

    def _count(self, made: Made) -> None:
        metrics, slate = self._metrics, made.slate
        metrics.slates.labels(slate.strategy, slate.ranked_by).inc()
        metrics.event_to_slate.observe(
            max(slate.produced_at - slate.trigger.received_at, 0.0), exemplar_of(slate.slate_id)
        )
        metrics.slate_seconds.labels(slate.strategy, "retrieve").observe(slate.timings.retrieved)
        metrics.slate_seconds.labels(slate.strategy, "rank").observe(slate.timings.ranked)
        for found in made.built.shortlist.candidates.found:
            metrics.candidates.labels(found.source.partition("-")[0]).inc(len(found.rows))
        for line in slate.degraded:
            metrics.degraded.labels(kind_of(line)).inc()
        if slate.refinement:
            metrics.drafts.labels(slate.refinement).inc()
        if not slate.items:
            metrics.empty_slates.inc()


def _timings(built: Built, *, queued: float) -> Timings:
    return Timings(queued=max(queued, 0.0), retrieved=built.retrieved, ranked=built.ranked)
