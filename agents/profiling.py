"""Fold users' events into profiles; tell the item's owner, and ask for a slate."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, TypeAlias, get_args

from agents.consuming import Consuming, origin_of
from agents.metrics import Metrics
from agents.shards import Sharded
from streams import topics
from streams.covisits import co_visit_of
from streams.events import Event, Forget, Gains, Interaction, decode_event
from streams.kafka import Outbox, Record
from streams.profiles import Profile, fold, is_applied
from streams.requests import SlateRequest, Trigger, encode_request
from streams.topics import Topics
from streams.trends import encode_co_visit

Teach: TypeAlias = Callable[[Interaction, Record, Profile], Awaitable[None]]
"""Told of each interaction, and of the profile as it was before."""


class Profiling:
    """One event in: a profile folded, a co-visit and a slate request out."""

    def __init__(
        self,
        *,
        profiles: Sharded[Profile],
        outbox: Outbox,
        names: Topics,
        gains: Gains,
        max_ahead: float,
        metrics: Metrics,
        expect: Callable[[Record, SlateRequest], None],
        teach: Teach | None = None,
        observe: Callable[[Event, Profile], None] = lambda _event, _before: None,
        slate_per_event: bool = True,
    ) -> None:
        self._profiles = profiles
        self._outbox = outbox
        self._names = names
        self._gains = gains
        self._max_ahead = max_ahead
        self._metrics = metrics
        self._expect = expect
        self._teach = teach
        self._observe = observe
        self._slate_per_event = slate_per_event
        self._folded = {
            kind: metrics.events_folded.labels(kind.__name__.lower()) for kind in get_args(Event)
        }

    async def fold_event(self, record: Record) -> None:
        """
        Deal with one record of `events`; one that the profile contains already changes nothing.

        Raises:
            RejectedEvent: It is no event.
        """
        began = perf_counter()
        event = decode_event(
            record.key,
            record.value,
            gains=self._gains,
            received_at=record.received_at,
            max_ahead=self._max_ahead,
        )
        profiles = self._profiles.shard(record.partition)
        before = profiles.peek(event.user_id) or Profile()
        if is_applied(before, partition=record.partition, offset=record.offset):
            self._metrics.events_repeated.inc()
            return
        after = fold(
            before, event, gains=self._gains, partition=record.partition, offset=record.offset
        )
        request = await self._tell(event, record, before)
        self._observe(event, before)
        profiles.put(event.user_id, after)
        if request is not None and not request.forget:  # that must not overtake any request
            self._expect(record, request)
        self._folded[type(event)].inc()
        self._metrics.profile_update.observe(perf_counter() - began)

    async def _tell(self, event: Event, record: Record, before: Profile) -> SlateRequest | None:
        """
        Send what the event causes; before the profile changes, so that a failure repeats it.

        Returns:
            The request for a slate; None where there is nothing to answer.
        """
        match event:
            case Interaction():
                await self._send_co_visit(event, record, before)
                if self._teach is not None:
                    await self._teach(event, record, before)
                kind, forget = event.action, False
            case Forget():
                kind, forget = "forget", True
            case _:
                return None
        if not (forget or self._slate_per_event):
            return None
        trigger = Trigger(str(origin_of(record)), kind, event.at or 0.0, record.received_at)
        request = SlateRequest(user_id=event.user_id, trigger=trigger, forget=forget)
        await self._send_request(request, record)
        return request

    async def _send_co_visit(self, event: Interaction, record: Record, before: Profile) -> None:
        visit = co_visit_of(
            event, before, gains=self._gains, partition=record.partition, offset=record.offset
        )
        await self._outbox.post_later(  # nobody waits for a trend
            self._names.name(topics.CO_VISITS),
            key=event.item_id.encode(),
            value=encode_co_visit(visit),
        )

    async def _send_request(self, request: SlateRequest, record: Record) -> None:
        await self._outbox.post_later(  # it is in line already
            self._names.name(topics.SLATE_REQUESTS),
            key=request.user_id.encode(),
            value=encode_request(request),
            partition=record.partition,  # where the profile is, however the event was partitioned
        )


def register(app: Any, *, source: Any, consuming: Consuming, profiling: Profiling) -> Any:
    """Attach the agent to the app."""

    async def agent(stream: Any) -> None:
        await consuming.each(stream, profiling.fold_event)

    return app.agent(source, name="profiling")(agent)
