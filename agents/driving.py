"""
Drive a running system: load a catalogue, send events, watch what comes back.

Closed loops on purpose: no more is under way than the worker can take, so that what is measured is
the system and not a queue, and nothing outgrows the embedded broker.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from random import Random

import msgspec

from agents.simulation import Population, SimulatedUser, count_clicks
from agents.tally import Tally
from slates.slate import Slate, decode_slate
from streams import topics
from streams.events import Event, Impression, Interaction, encode_event
from streams.items import Item, encode_item
from streams.kafka import Broker, LogReader, Outbox, Record
from streams.requests import SlateRequest, encode_request
from streams.topics import Topic, Topics

log = logging.getLogger("headwater")

ITEMS_UNDER_WAY = 24
"""Items sent and not encoded yet: half a second of the encoder's work."""
EVENTS_UNDER_WAY = 64
"""Interactions sent and not answered yet, when flat out."""
STALLED = 30.0
"""Seconds without any answer after which a loop goes on regardless and says so."""
VISITORS = 8
"""Simulated users who act at the same time."""


class Window:
    """At most so many things under way."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._free = asyncio.Condition()
        self.under_way = 0

    async def enter(self) -> None:
        """Wait for room; past `STALLED` seconds go on without, and say so."""
        async with self._free:
            try:
                async with asyncio.timeout(STALLED):
                    await self._free.wait_for(lambda: self.under_way < self._size)
            except TimeoutError:
                log.warning("no answer for %g s, going on; is the worker alive?", STALLED)
                self.under_way = 0
            self.under_way += 1

    async def leave(self, count: int = 1) -> None:
        """Make room."""
        async with self._free:
            self.under_way = max(self.under_way - count, 0)
            self._free.notify(count)

    async def drained(self, patience: float) -> bool:
        """Is everything done, at the latest after so many seconds?"""
        async with self._free:
            try:
                async with asyncio.timeout(patience):
                    await self._free.wait_for(lambda: self.under_way == 0)
            except TimeoutError:
                return False
        return True


class Driver:
    """Sends to a system and listens to it."""

    def __init__(self, broker: Broker, names: Topics, tally: Tally) -> None:
        self._broker = broker
        self._names = names
        self.tally = tally
        self._outbox = Outbox(broker)
        self.items = Window(ITEMS_UNDER_WAY)
        self.events = Window(EVENTS_UNDER_WAY)
        self._slates: dict[str, Slate] = {}
        self._heard = asyncio.Condition()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Connected and listening while the block lasts."""
        await self._outbox.start()
        tasks = [
            asyncio.create_task(self._listen(topic, hear))
            for topic, hear in (
                (topics.RECOMMENDATIONS, self._hear_slate),
                (topics.ITEM_VECTORS, self._hear_vector),
                (topics.DEAD_LETTERS, self._hear_dead_letter),
            )
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._outbox.stop()

    async def _listen(self, topic: Topic, hear: Callable[[Record], Awaitable[None]]) -> None:
        reader = LogReader(self._broker, self._names.name(topic))
        try:
            await reader.start(at_end=True)
            while True:
                for record in await reader.read(wait=0.2):
                    await hear(record)
        finally:
            await reader.stop()

    async def _hear_slate(self, record: Record) -> None:
        if record.value is None:
            return
        try:
            slate = decode_slate(record.value)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            place = f"{record.topic}-{record.partition}-{record.offset}"
            log.warning("%s is no slate of this version: %s", place, error)
            return
        is_new = self.tally.add_slate(slate)
        async with self._heard:
            if slate.revision == 1 or self._shows(slate):
                self._slates[slate.user_id] = slate
            self._heard.notify_all()
        if is_new and slate.trigger.kind != "request":
            await self.events.leave(len(slate.answers))

    def _shows(self, slate: Slate) -> bool:
        """A later revision is of use only while nothing newer has come."""
        newest = self._slates.get(slate.user_id)
        return newest is not None and newest.slate_id == slate.slate_id

    async def _hear_vector(self, _: Record) -> None:
        self.tally.vectors += 1
        await self.items.leave()

    async def _hear_dead_letter(self, record: Record) -> None:
        self.tally.dead_letters += 1
        source = dict(record.headers).get("topic", b"").decode()
        if source == self._names.name(topics.ITEMS):
            await self.items.leave()
        elif source == self._names.name(topics.EVENTS):
            await self.events.leave()

    async def load(self, catalogue: Iterable[Item]) -> None:
        """Announce items, as fast as they are encoded."""
        for item in catalogue:
            await self.items.enter()
            await self._outbox.post(
                self._names.name(topics.ITEMS),
                key=item.item_id.encode(),
                value=encode_item(item),
            )
            self.tally.items_sent += 1
        await self._outbox.settle()

    async def send(self, event: Event) -> None:
        """Send an event and return when the broker has it."""
        sent = await self._outbox.post(
            self._names.name(topics.EVENTS), key=event.user_id.encode(), value=encode_event(event)
        )
        self.tally.events_in += 1  # before waiting: being cancelled here does not unsend it
        await sent

    async def ask(self, user_id: str) -> None:
        """Request a slate."""
        await self._outbox.post(
            self._names.name(topics.SLATE_REQUESTS),
            key=user_id.encode(),
            value=encode_request(SlateRequest(user_id=user_id)),
        )

    def newest(self, user_id: str) -> Slate | None:
        """The newest slate of a user."""
        return self._slates.get(user_id)

    async def slate_after(self, user_id: str, shown: str | None) -> Slate | None:
        """The user's first slate other than the one already shown; None when none comes."""
        async with self._heard:
            with suppress(TimeoutError):
                async with asyncio.timeout(STALLED):
                    await self._heard.wait_for(lambda: self._is_new(user_id, shown))
                    return self._slates[user_id]
        return None

    def _is_new(self, user_id: str, shown: str | None) -> bool:
        slate = self._slates.get(user_id)
        return slate is not None and slate.slate_id != shown


async def replay(driver: Driver, history: Sequence[Interaction], *, speed: float | None) -> None:
    """
    Send what people once did, in its order.

    Args:
        driver: Where to.
        history: By time.
        speed: Seconds of the past per second; None is as fast as slates come back.
    """
    began = time.monotonic()
    for event in history:
        if speed is not None:
            due = began + ((event.at or 0.0) - (history[0].at or 0.0)) / speed
            await asyncio.sleep(max(due - time.monotonic(), 0.0))
        await driver.events.enter()
        await driver.send(event)


class Crowd:
    """Simulated users who look at their slates, click, and come again."""

    def __init__(
        self, driver: Driver, catalogue: Mapping[str, Item], *, users: int, seed: int, run: str
    ) -> None:
        """
        Invent them.

        Args:
            driver: The system they use.
            catalogue: Item id to item.
            users: How many there are at a time.
            seed: The same people for the same seed.
            run: Put before their ids, so that another run's histories are not theirs.
        """
        self._driver = driver
        self._catalogue = catalogue
        self._run = run
        self._rng = Random(seed)
        self._population = Population(users, catalogue=list(catalogue.values()), rng=self._rng)
        self._shown: dict[str, str] = {}
        self._busy: set[str] = set()

    async def live(self, *, rate: float) -> None:
        """Come by so many times a second, until cancelled."""
        async with asyncio.TaskGroup() as visitors:
            for _ in range(VISITORS):
                visitors.create_task(self._come_and_go(rate / VISITORS))

    async def _come_and_go(self, rate: float) -> None:
        while True:
            await asyncio.sleep(self._rng.expovariate(rate))
            user = self._population.next_user()
            if user.user_id not in self._busy:
                self._busy.add(user.user_id)
                await self._visit(user, f"{self._run}{user.user_id}")
                self._busy.discard(user.user_id)

    async def _visit(self, user: SimulatedUser, user_id: str) -> None:
        """Get a slate not seen yet, look, act."""
        slate = await self._unseen_slate(user_id)
        if slate is None:
            return
        self._shown[user_id] = slate.slate_id
        items = [self._catalogue[i.item_id] for i in slate.items if i.item_id in self._catalogue]
        if not items:
            return
        control = self._population.control(user, len(items))
        clicks = user.visit(items)
        self._driver.tally.add_visit(shown=len(items), clicks=count_clicks(clicks), control=control)
        item_ids = tuple(item.item_id for item in items)
        await self._driver.send(
            Impression(user_id=user_id, slate_id=slate.slate_id, item_ids=item_ids)
        )
        for click in clicks:
            await self._driver.events.enter()
            await self._driver.send(
                Interaction(
                    user_id=user_id,
                    item_id=click.item_id,
                    action=click.action,
                    slate_id=slate.slate_id,
                )
            )

    async def _unseen_slate(self, user_id: str) -> Slate | None:
        before = self._shown.get(user_id)
        slate = self._driver.newest(user_id)
        if slate is not None and slate.slate_id != before:
            return slate
        await self._driver.ask(user_id)
        return await self._driver.slate_after(user_id, before)
