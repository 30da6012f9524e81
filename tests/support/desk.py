"""Requests for slates, and an `Answering` with all that it is handed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from hypothesis import strategies as st

from agents.answering import Answering
from agents.catalogue import Catalogue
from agents.consuming import Consuming
from agents.metrics import Metrics
from agents.recommending import Recommending
from agents.safety.lease import Lease
from agents.testing import (
    DictState,
    SmallEnd,
    SmallOutbox,
    WorkerEnded,
    event_of,
)
from indexes.embedding import DIM
from indexes.exact import ExactIndex
from slates.config import SlateConfig
from slates.slate import Slate, decode_slate
from slates.strategies import Menu
from streams.kafka import Record
from streams.profiles import Profile
from streams.requests import SlateRequest, Trigger, encode_request
from tests.support.laws import law
from tests.support.proposals import proposals

NOW = 1_700_000_000.0
CURRENT = 7
PATIENCE = 60.0
LAW = law(50)


def click(offset: int) -> Trigger:
    """What profiling asks for after an interaction."""
    return Trigger(id=f"events-0-{offset}", kind="click", at=NOW - 3, received_at=NOW - 2)


def explicit(offset: int) -> Trigger:
    """What somebody asks for and waits for."""
    return Trigger(id=f"slate-requests-0-{offset}", kind="request", at=NOW - 1, received_at=NOW - 1)


def asks(
    user: str, offset: int, *, partition: int = 0, trigger: Trigger | None = None, **fields: Any
) -> tuple[Record, SlateRequest]:
    """A request for a slate, the click at the same offset its trigger unless another is given."""
    request = SlateRequest(user_id=user, trigger=trigger or click(offset), **fields)
    key, value = user.encode(), encode_request(request)
    return Record("slate-requests", partition, offset, key, value, NOW - 1), request


ASKING = st.tuples(st.sampled_from(["ann", "eve", "bob"]), st.integers(0, 1), st.booleans())
"""User, partition, and whether the request is explicit."""
HISTORIES = st.lists(ASKING | st.none(), max_size=30)
"""None is for taking whoever is next, or for letting the worker have its turn."""


class Desk:
    """An `Answering` with what it was handed; its catalogue is empty, and so are its slates."""

    def __init__(self, *, unfolded: Callable[[], int] = lambda: 0, **outbox: Any) -> None:
        self.diary: list[str] = []
        self.outbox = SmallOutbox(diary=self.diary, **outbox)
        self.fatal = SmallEnd()
        self.metrics = Metrics()
        self.current = CURRENT
        self.lease = Lease(session=10.0, clock=lambda: 0.0)
        profiles: DictState[Profile] = DictState()
        catalogue = Catalogue(ExactIndex(DIM), half_life=1000.0)
        self.answering = Answering(
            recommending=Recommending(
                profiles=profiles,
                catalogue=catalogue,
                replicas=[],
                outbox=self.outbox,
                topic="recommendations",
                menu=Menu({"hybrid": SlateConfig(size=2)}, "hybrid"),
                deadline=5.0,
                encoder="a model",
                metrics=self.metrics,
                proposing=proposals(catalogue, self.outbox, self.metrics),
                clock=lambda: NOW,
            ),
            consuming=Consuming(
                outbox=self.outbox,
                dead_letters="dead-letters",
                max_bytes=10_000,
                metrics=self.metrics,
                acknowledge=lambda message: self.diary.append(f"acknowledge {message.offset}"),
                generation=lambda: self.current,
                lease=self.lease,
                fatal=self.fatal,
            ),
            unfolded=unfolded,
            metrics=self.metrics,
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        await self.answering.start()
        try:
            yield
        finally:
            await self.answering.stop()

    async def take(self, *asked: tuple[Record, SlateRequest], generation: int = CURRENT) -> None:
        """Requests come in; before the desk is open they wait in line."""
        for record, _ in asked:
            await self.answering.accept(event_of(record, generation=generation))

    def expect(self, *asked: tuple[Record, SlateRequest], generation: int = CURRENT) -> None:
        """Events have just been folded."""
        for request_record, request in asked:
            event = request_record._replace(topic="events", value=None, generation=generation)
            self.answering.expect(event, request)

    async def until(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not what():
                await asyncio.sleep(0.001)

    async def acknowledged(self, count: int) -> None:
        await self.until(lambda: len(self.acknowledgements()) >= count)

    async def ends(self) -> None:
        """Open until the worker has ended."""
        await self.answering.start()
        await self.until(lambda: bool(self.fatal.reasons))
        with suppress(WorkerEnded):
            await self.answering.stop()

    def acknowledgements(self) -> list[str]:
        return [line for line in self.diary if line.startswith("acknowledge")]

    def slates(self) -> list[Slate]:
        return [decode_slate(posted.value or b"") for posted in self.outbox.on("recommendations")]

    def waiting(self) -> float | None:
        return self.metrics.registry.get_sample_value("headwater_slate_requests_waiting")

    def superseded(self) -> float | None:
        name = "headwater_slate_requests_superseded_total"
        return self.metrics.registry.get_sample_value(name)
