"""
Refine drafts with a language model, each until its deadline; a slate never waits for any of it.

A draft is acknowledged as soon as it is taken over, for a partition must not stand still while a
model thinks.  A worker that dies loses the revisions under way, and no slate.  Whatever goes wrong
with a model becomes a mark on revision 2, never the worker's end.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from time import monotonic
from typing import Any, NamedTuple

from mode import Service

from agents.consuming import Consuming
from agents.metrics import Metrics, kind_of
from agents.proposing import NO_MODEL
from agents.recent import Recent
from agents.seldom import Seldom
from agents.turns import Turns
from slates.draft import Draft, decode_draft
from slates.model import Model
from slates.refining import Refined, Refinement
from slates.revising import mark, revise
from slates.slate import Slate, encode_slate
from slates.strategies import Menu
from streams.errors import MalformedEvent, ModelUnavailable
from streams.kafka import Outbox, Record
from streams.wire import UNDECODABLE

MOST = 256
"""
Drafts asked about at the same time.

Five seconds' worth of what a server with 16 slots does at 3 calls a second; more would only wait
until nobody wants them.
"""

log = logging.getLogger("headwater")


class UnderWay(NamedTuple):
    """A draft that a model is being asked about."""

    draft: Draft
    task: asyncio.Task[None]


class Refining(Service):  # type: ignore[misc]
    """Drafts in, second revisions out."""

    def __init__(
        self,
        *,
        refinements: Mapping[str, Refinement],
        about: Callable[[Draft], Model] | None,
        menu: Menu,
        outbox: Outbox,
        topic: str,
        consuming: Consuming,
        metrics: Metrics,
        turns: Turns,
        lacking: Callable[[str], str] = lambda _: "",
        forget: Callable[[str], int] = lambda _: 0,
        at_once: int = MOST,
        clock: Callable[[], float] = time.time,
        **kwargs: Any,
    ) -> None:
        """
        Ask nothing yet.

        Args:
            refinements: Name to what a model can be asked for.
            about: Whom to ask about a draft; None where nobody is to be asked.
            menu: The strategies of the workers that make slates.
            outbox: What sends revisions.
            topic: Where to.
            consuming: What knows whose partitions are ours.
            metrics: Where outcomes are counted.
            turns: What says when a draft may be put into words.
            lacking: Why a user's slate cannot be refined now, such as a budget; "" where it can.
            forget: Told of users of whom nothing may be remembered; says how much that was.
            at_once: Drafts that are put into words at a time; the others cost nothing meanwhile.
            clock: Seconds since 1970.
            **kwargs: Of the service.
        """
        super().__init__(**kwargs)
        self._refinements = refinements
        self._about = about
        self._turns = turns
        self._lacking = lacking
        self._forget = forget
        self._slots = asyncio.Semaphore(at_once)
        self._menu = menu
        self._outbox = outbox
        self._topic = topic
        self._consuming = consuming
        self._metrics = metrics
        self._clock = clock
        self._generation = -1
        self._under_way: dict[str, UnderWay] = {}
        """By user."""
        self._sent: Recent[float] = Recent()
        """User to when their last revision was sent."""
        self._seldom = Seldom()

    async def take(self, record: Record) -> None:
        """
        Take over a draft, or what takes one back; returns at once.

        Raises:
            MalformedEvent: It is no draft.
        """
        self._enter(record.generation)
        user_id = (record.key or b"").decode(errors="replace")
        if not record.value:
            self._cancel(user_id)
            if record.value is None:
                await self._remove(record, user_id)
            return
        draft = self._read(record, record.value)
        self._cancel(user_id)
        if self._clock() >= draft.deadline:
            self._count(draft, "late")
        elif len(self._under_way) >= MOST:
            full = ModelUnavailable("too many drafts are under way", reason="busy")
            await self._give(record, draft, self._marked(draft, full, began=monotonic()))
        else:
            self._begin(user_id, record, draft)

    def _read(self, record: Record, value: bytes) -> Draft:
        try:
            draft = decode_draft(value)
        except UNDECODABLE as exc:
            raise MalformedEvent(f"not a draft: {exc}") from exc
        if record.key != draft.slate.user_id.encode():
            user_id = draft.slate.user_id
            raise MalformedEvent(f"user {user_id!r}: key {record.key!r}, expected the user id")
        if draft.refinement not in self._refinements:
            known = ", ".join(sorted(self._refinements))
            raise MalformedEvent(f"refinement {draft.refinement!r}, expected one of {known}")
        return draft

    def _enter(self, generation: int) -> None:
        """What was taken over before a rebalance may be another worker's user by now."""
        if generation != self._generation:
            self._generation = generation
            for user_id in list(self._under_way):
                self._cancel(user_id)

    def _begin(self, user_id: str, record: Record, draft: Draft) -> None:
        task = asyncio.create_task(self._refine(record, draft))
        self._under_way[user_id] = UnderWay(draft, task)
        task.add_done_callback(partial(self._end, user_id))
        self._metrics.in_flight.set(len(self._under_way))

    def _end(self, user_id: str, task: asyncio.Task[None]) -> None:
        if (found := self._under_way.get(user_id)) is not None and found.task is task:
            del self._under_way[user_id]
        self._metrics.in_flight.set(len(self._under_way))

    def _cancel(self, user_id: str) -> None:
        """A newer slate of the user is out: nobody wants the older one refined."""
        found = self._under_way.pop(user_id, None)
        if found is not None and found.task.cancel():
            self._count(found.draft, "cancelled")

    async def _remove(self, record: Record, user_id: str) -> None:
        """A revision that crossed the wish to be forgotten must not stay behind it."""
        self._forget(user_id)
        if (self._sent.get(user_id) or 0.0) >= record.received_at:
            await self._outbox.post(
                self._topic, key=record.key, value=None, partition=record.partition
            )
        self._sent.forget(user_id)

    async def _refine(self, record: Record, draft: Draft) -> None:
        slate = await self._revision(draft)
        await self._consuming.guard(record, partial(self._give, record, draft, slate))

    async def _revision(self, draft: Draft) -> Slate:
        """The second revision, whatever the model does."""
        began = monotonic()
        left = draft.deadline - self._clock()
        try:
            async with asyncio.timeout(left):
                return self._revised(draft, await self._ask(draft, within=left), began=began)
        except TimeoutError:
            failure = ModelUnavailable(f"no answer within {left:.1f} s", reason="timeout")
        except ModelUnavailable as error:
            failure = error
        except Exception as error:  # a model's words must not end a worker
            log.exception("%s: refining has failed", draft.slate.slate_id)
            failure = ModelUnavailable(repr(error), reason="failed")
        said = f"{draft.slate.slate_id}: not refined: {failure.reason}: {failure}"
        self._seldom.warn(failure.reason, said)
        return self._marked(draft, failure, began=began)

    async def _ask(self, draft: Draft, *, within: float) -> Refined:
        if self._about is None:
            raise ModelUnavailable("this worker has none", reason=NO_MODEL)
        until = monotonic() + within
        async with self._slots:
            await self._turns.take(within=until - monotonic())
            if reason := self._lacking(draft.slate.user_id):
                raise ModelUnavailable("it is not asked for now", reason=reason)
            refinement = self._refinements[draft.refinement]
            model, left = self._about(draft), until - monotonic()
            return await refinement.refine(draft, model, within=left)

    def _revised(self, draft: Draft, refined: Refined, *, began: float) -> Slate:
        took = monotonic() - began
        for what, count in refined.counts.items():
            self._metrics.repairs.labels(draft.refinement, what).inc(count)
        self._metrics.refine_seconds.labels(draft.refinement).observe(took)
        config = self._menu.named(draft.slate.strategy)
        return revise(draft, refined, config=config, now=self._clock(), took=took)

    def _marked(self, draft: Draft, failure: ModelUnavailable, *, began: float) -> Slate:
        return mark(
            draft,
            failure.reason,
            now=self._clock(),
            took=monotonic() - began,
            tokens=failure.tokens,
        )

    async def _give(self, record: Record, draft: Draft, slate: Slate) -> None:
        """Send a revision, unless that came too late for it."""
        refined = slate.ranked_by == "model"
        if refined and slate.produced_at > draft.deadline:
            self._count(draft, "late")
        elif not await self._consuming.may_begin(record.generation):
            self._count(draft, "moved")
        else:
            await self._outbox.post(
                self._topic, key=record.key, value=encode_slate(slate), partition=record.partition
            )
            self._sent.put(slate.user_id, self._clock())
            self._count(draft, "refined" if refined else "failed")
            self._measure(draft, slate)

    def _measure(self, draft: Draft, slate: Slate) -> None:
        waited = slate.produced_at - slate.trigger.received_at
        self._metrics.event_to_revision.observe(max(waited, 0.0))
        for line in slate.degraded[len(draft.slate.degraded) :]:
            self._metrics.degraded.labels(kind_of(line)).inc()

    def _count(self, draft: Draft, outcome: str) -> None:
        self._metrics.refinements.labels(draft.refinement, outcome).inc()

    async def on_stop(self) -> None:
        """Ask nothing more."""
        tasks = [found.task for found in self._under_way.values()]
        for user_id in list(self._under_way):
            self._cancel(user_id)
        await asyncio.gather(*tasks, return_exceptions=True)


def register(app: Any, *, source: Any, consuming: Consuming, refining: Refining) -> Any:
    """Attach the agent to the app."""

    async def agent(stream: Any) -> None:
        await consuming.each(stream, refining.take)

    return app.agent(source, name="refining")(agent)
