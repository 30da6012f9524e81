"""
The line of slate requests, in which a newer request of a user takes the place of the older.

Profiles come first: while events wait to be folded, they get twice the time that slates get.  So
a worker with three times the requests it can answer keeps its profiles up to date, and everybody
gets the newest slate, if not one for every click.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any

from mode import Service

from agents.consuming import Consuming
from agents.metrics import Metrics
from agents.recommending import Recommending
from streams.errors import RejectedEvent
from streams.kafka import Record
from streams.requests import SlateRequest

IN_LINE = 10_000
"""Users that wait at most; the others wait on the topic."""
FULL_POLL = 0.05
"""Seconds between looks whether the line has room again."""
FOLD_SHARE = 2.0
"""How many times as long as the last slate took the next one waits for events to be folded."""


@dataclass(slots=True)
class Waiting:
    """One user's place in the line."""

    record: Record
    """The newest request."""
    request: SlateRequest
    events: list[Any] = field(default_factory=list)
    """All requests that one slate will answer, oldest first; acknowledged when it was sent."""
    triggers: list[str] = field(default_factory=list)
    """What they answer to, in the same order."""

    def add(self, event: Any, record: Record, request: SlateRequest) -> None:
        """A newer request of the same user."""
        self.record, self.request = record, request
        self.events.append(event)
        if request.trigger is not None:
            self.triggers.append(request.trigger.id)

    @property
    def superseded(self) -> list[str]:
        """The triggers that are not the newest, each once: after a crash they come twice."""
        *older, newest = self.triggers or [""]
        return [trigger for trigger in dict.fromkeys(older) if trigger != newest]


class Line:
    """
    Who waits, first come first served; whoever asks again keeps the place.

    Only what interactions ask for can be superseded: who sends a request waits for its answer.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._waiting: dict[tuple[int, str, int | None], Waiting] = {}

    def add(self, event: Any, record: Record, request: SlateRequest) -> None:
        """A request comes in; one read again after a rebalance takes nothing from before it."""
        asked = request.trigger is not None and request.trigger.kind == "request"
        key = (record.partition, request.user_id, record.offset if asked else None)
        place = self._waiting.get(key)
        if place is None or _generation(place.events[0]) != _generation(event):
            place = self._waiting[key] = Waiting(record, request)
        place.add(event, record, request)

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


def _generation(event: Any) -> int:
    generation: int = event.message.generation_id
    return generation


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

    async def accept(self, event: Any) -> None:
        """Put one record of `slate-requests` in line; refuse it here if it is no request."""
        await self._consuming.admit(event, partial(self._line_up, event))

    async def _line_up(self, event: Any, record: Record) -> None:
        request = self._recommending.read(record)
        while len(self._line) >= IN_LINE:  # noqa: ASYNC110 - it is full for a moment or for long
            await asyncio.sleep(FULL_POLL)
        self._line.add(event, record, request)
        self._came.set()

    @Service.task  # type: ignore[untyped-decorator]
    async def _work(self) -> None:
        while not self.should_stop:
            if not self._line:
                self._came.clear()
                await self._came.wait()
            began = monotonic()
            place = self._line.take()
            await self._consuming.guard(place.record, partial(self.answer, place))
            await self._let_fold(FOLD_SHARE * (monotonic() - began))

    async def _let_fold(self, seconds: float) -> None:
        """Events first, for a slate should know them; but not for ever."""
        patience = monotonic() + seconds
        await asyncio.sleep(0)
        while self._unfolded() and monotonic() < patience:  # noqa: ASYNC110 - Faust has no event
            await asyncio.sleep(0)

    async def answer(self, place: Waiting) -> None:
        """Answer what is still ours to answer, and acknowledge it."""
        if not await self._consuming.may_begin(place.events[-1]):
            return  # its new owner has it
        superseded = place.superseded
        try:
            await self._recommending.answer(place.record, place.request, superseded=superseded)
            self._metrics.superseded.inc(len(superseded))
        except RejectedEvent as error:
            await self._consuming.reject(place.record, error)
        self._acknowledge(place.events)

    def _acknowledge(self, events: Sequence[Any]) -> None:
        for event in events:
            self._consuming.acknowledge(event)


def register(app: Any, *, source: Any, answering: Answering) -> Any:
    """Attach the agent to the app."""

    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            await answering.accept(event)

    return app.agent(source, name="recommending")(agent)
