"""
The line of slate requests, in which a newer request of a user takes the place of the older.

Folds come first: while events wait, and many co-visits, they get ten times the time of slates, and
more the more of them wait.  So a worker with three times the requests it can answer keeps profiles
and trends up to date, and everybody gets the newest slate, if not one for every click.

What an event asks for is in line as soon as the event is folded.  Its record on `slate-requests`
is the proof that it will be answered whatever happens to this worker, and comes later: it is
acknowledged with the slate, or at once where that has been sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any, TypeAlias

from mode import Service

from agents.consuming import Consuming
from agents.metrics import Metrics
from agents.recommending import Recommending
from agents.waiting import MANY
from streams.errors import RejectedEvent
from streams.kafka import Record
from streams.requests import SlateRequest

IN_LINE = 10_000
"""Users that wait at most; the others wait on the topic."""
FULL_POLL = 0.05
"""Seconds between looks whether the line has room again."""
FOLD_SHARE = 10.0
"""
How many times as long as the last slate took the next one waits for events to be folded.

Twice as long where `MANY` wait, three times where twice as many do, and so on.
"""

_Key: TypeAlias = tuple[int, str, int | None]
"""Partition, user, and the offset of a request that nobody else's slate may answer."""


@dataclass(slots=True)
class Waiting:
    """One user's place in the line."""

    record: Record
    """What asked last: a request, or the event that led to one."""
    request: SlateRequest
    event: Any = None
    """
    The first record of those that one slate will answer; acknowledged when it was sent.

    Until then nothing behind it is committed, so of the others, which may be very many, only the
    offsets are kept: after a crash all are read again.
    """
    triggers: dict[str, None] = field(default_factory=dict)
    """What they answer to, oldest first, each once: after a crash they come twice."""
    answered: bool = False

    def add(self, record: Record, request: SlateRequest) -> None:
        """Another request of the same user, newer unless it was long on its way."""
        if request.trigger is not None:
            self.triggers[request.trigger.id] = None
        if request.forget or _received_at(request) >= _received_at(self.request):
            self.record, self.request = record, request

    @property
    def superseded(self) -> list[str]:
        """The triggers that are not the newest."""
        newest = self.request.trigger
        return [trigger for trigger in self.triggers if newest is None or trigger != newest.id]


def _received_at(request: SlateRequest) -> float:
    return 0.0 if request.trigger is None else request.trigger.received_at


class Line:
    """
    Who waits, first come first served; whoever asks again keeps the place.

    Only what interactions ask for can be superseded: who sends a request waits for its answer.
    Who wants to be forgotten takes back what was asked for, and goes to the end: what is under way
    must not come after it.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._waiting: dict[_Key, Waiting] = {}

    def add(self, record: Record, request: SlateRequest) -> Waiting:
        """A request comes in; one read again after a rebalance takes nothing from before it."""
        key = _key_of(record, request)
        place = self._waiting.get(key)
        if request.forget:
            place = self._waiting.pop((record.partition, request.user_id, None), None)
        if place is None or place.record.generation != record.generation:
            place = Waiting(record, request)
        self._waiting[key] = place
        place.add(record, request)
        return place

    def has_room(self, record: Record, request: SlateRequest) -> bool:
        """Is there a place, or is it that of one who waits already?"""
        return len(self._waiting) < IN_LINE or _key_of(record, request) in self._waiting

    def take(self) -> Waiting:
        """
        Whoever has waited longest.

        Raises:
            KeyError: Nobody waits.
        """
        key = next(iter(self._waiting), None)
        if key is None:
            raise KeyError("nobody waits")
        return self._waiting.pop(key)

    def __len__(self) -> int:
        return len(self._waiting)


def _key_of(record: Record, request: SlateRequest) -> _Key:
    """Whose place it is: the user's, or that of this one request."""
    asked = request.trigger is not None and request.trigger.kind == "request"
    alone = request.forget or asked
    return (record.partition, request.user_id, record.offset if alone else None)


class Answering(Service):  # type: ignore[misc]
    """Requests in, slates out, one at a time."""

    def __init__(
        self,
        *,
        recommending: Recommending,
        consuming: Consuming,
        unfolded: Callable[[], int],
        metrics: Metrics,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._recommending = recommending
        self._consuming = consuming
        self._unfolded = unfolded
        self._metrics = metrics
        self._line = Line()
        self._came = asyncio.Event()
        self._ahead: dict[str, Waiting] = {}
        """Trigger to the place of a request whose record is still to come."""
        self._generation = -1

    def expect(self, record: Record, request: SlateRequest) -> None:
        """
        Put in line what a folded event asks for, ahead of its record on `slate-requests`.

        Args:
            record: The event, in the partition in which the request will be.
            request: With the event as its trigger.
        """
        if request.trigger is None or not self._line.has_room(record, request):
            return  # the record will do
        if not self._consuming.is_current(record.generation):
            return  # its new owner folds it
        self._enter(record.generation)
        self._ahead[request.trigger.id] = self._add(record, request)

    def waiting(self) -> int:
        """Users in line."""
        return len(self._line)

    async def accept(self, event: Any) -> None:
        """Put one record of `slate-requests` in line; refuse it here if it is no request."""
        await self._consuming.admit(event, partial(self._line_up, event))

    async def _line_up(self, event: Any, record: Record) -> None:
        if not self._consuming.is_current(record.generation):
            return  # its new owner reads it
        self._enter(record.generation)
        request = self._recommending.read(record)
        place = self._ahead.pop(request.trigger.id, None) if request.trigger else None
        if place is None:
            while not self._line.has_room(record, request):  # noqa: ASYNC110 - a moment or long
                await asyncio.sleep(FULL_POLL)
            place = self._add(record, request)
        if place.answered or place.event is not None:
            self._consuming.acknowledge(event)
        else:
            place.event = event

    def _enter(self, generation: int) -> None:
        """Records from before a rebalance that were to come may be read by others now."""
        if generation != self._generation:
            self._generation = generation
            self._ahead.clear()

    def _add(self, record: Record, request: SlateRequest) -> Waiting:
        place = self._line.add(record, request)
        self._metrics.waiting.set(len(self._line))
        self._came.set()
        return place

    @Service.task  # type: ignore[untyped-decorator]
    async def _work(self) -> None:
        while not self.should_stop:
            if not self._line:
                self._came.clear()
                await self._came.wait()
            began = monotonic()
            place = self._line.take()
            self._metrics.waiting.set(len(self._line))
            await self._consuming.guard(place.record, partial(self.answer, place))
            await self._let_fold(monotonic() - began)

    async def _let_fold(self, took: float) -> None:
        """Events first, for a slate should know them, the more of them the longer; not for ever."""
        patience = monotonic() + FOLD_SHARE * took * (1 + self._unfolded() / MANY)
        await asyncio.sleep(0)
        while self._unfolded() and monotonic() < patience:  # noqa: ASYNC110 - Faust has no event
            await asyncio.sleep(0)

    async def answer(self, place: Waiting) -> None:
        """Answer what is still ours to answer, and acknowledge it."""
        if not await self._consuming.may_begin(place.record.generation):
            return  # its new owner has it
        superseded = place.superseded
        try:
            await self._recommending.answer(place.record, place.request, superseded=superseded)
            self._metrics.superseded.inc(len(superseded))
        except RejectedEvent as error:
            await self._consuming.reject(place.record, error)
        place.answered = True
        if place.event is not None:
            self._consuming.acknowledge(place.event)


def register(app: Any, *, source: Any, answering: Answering) -> Any:
    """Attach the agent to the app."""

    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            await answering.accept(event)

    return app.agent(source, name="recommending")(agent)
