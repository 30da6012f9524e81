"""Cataloguing and enhancing as in a worker, with a model that says what a test says."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from agents.asking import Asking
from agents.catalogue import Catalogue
from agents.cataloguing import Cataloguing
from agents.consuming import Consuming
from agents.describing import Describing
from agents.enhancing import Addition, Enhancing, Owned
from agents.metrics import Metrics
from agents.rereading import Rereading
from agents.safety.lease import Lease
from agents.testing import HashEncoder, SmallEnd, SmallLog, SmallOutbox, event_of
from agents.underway import Underway
from agents.wanting import Wanting
from indexes.embedding import DIM
from indexes.exact import ExactIndex
from slates.enhancing import load_enhance
from slates.extracting import Extractor
from slates.model import Answer, Model, Question, Usage
from streams.errors import ModelUnavailable
from streams.items import Item, encode_item
from streams.kafka import LogReader, Record
from streams.vectors import VectorRecord, decode_vector

ENCODER = b"12345678"

CURRENT = 7

EXTRACT = Extractor()

WHALE = Item(
    item_id="whale",
    title="Moby-Dick",
    description=(
        "Captain Ahab of Nantucket hunts the white whale that maimed him on a voyage "
        "around the world, in 1851."
    ),
)

OWL = Item(
    item_id="owl",
    title="The Owl Book",
    description="Two owls keep a night school in the old barn, and every child of the farm comes.",
)


class Scripted:
    """A model that says what it is told to, and remembers the questions."""

    def __init__(self, reply: Callable[[Question], str] | ModelUnavailable) -> None:
        self.reply = reply
        self.questions: list[Question] = []

    async def ask(self, question: Question, *, within: float) -> Answer:
        self.questions.append(question)
        if isinstance(self.reply, ModelUnavailable):
            raise self.reply
        return Answer(self.reply(question), Usage(10, 0, 10), "small", 0.1)


def numbered(prompt: str) -> dict[int, str]:
    """Number to title, as the question has them."""
    found = re.findall(r'^(\d+) "((?:[^"\\]|\\.)*)"', prompt, re.MULTILINE)
    return {int(number): title for number, title in found}


def honest(question: Question) -> str:
    """What a good model says of the items above."""
    return describe(numbered(question.messages[-1].content))


def describe(titles: dict[int, str]) -> str:
    told = {
        "Moby-Dick": (["white whale"], "Captain Ahab hunts the white whale.", "dark"),
        "The Owl Book": (["night school"], "Two owls keep a night school in a barn.", "playful"),
    }
    about = [
        {
            "id": number,
            "tags": told.get(title, ([], "", ""))[0],
            "summary": told.get(title, ([], "", ""))[1],
            "mood": told.get(title, ([], "", ""))[2],
            "audience": "",
        }
        for number, title in titles.items()
    ]
    return json.dumps({"items": about})


class Workshop:
    """Cataloguing and enhancing over a log in memory; what is sent comes back when told to."""

    def __init__(self, model: Model | None = None) -> None:
        self.model = model
        self.diary: list[str] = []
        self.outbox = SmallOutbox(diary=self.diary)
        self.encoder = HashEncoder()
        self.metrics = Metrics()
        self.fatal = SmallEnd()
        self.now = 1000.0
        self.items = SmallLog("items")
        self.generation = CURRENT
        self.unfolded = 0
        self.partitions = frozenset({0})
        self.wanting = Wanting(asks=model is not None)
        self.catalogue = Catalogue(ExactIndex(DIM), half_life=1000.0, wanting=self.wanting)
        self.applied: dict[int, int] = {}
        self.cataloguing = self._make_cataloguing()
        self.describing = self._make_describing()
        self.enhancing = Enhancing(
            catalogue=self.catalogue,
            wanting=self.wanting,
            rereading=Rereading(self._reader),
            describing=self.describing,
            caught_up=_at_once,
            owned=lambda: Owned(self.generation, self.partitions),
            unfolded=lambda: self.unfolded,
            add=self._add,
            batch=8,
            metrics=self.metrics,
        )

    def _reader(self, partitions: Sequence[int]) -> LogReader:
        return self.items

    def _make_describing(self) -> Describing:
        asking = None
        if self.model is not None:
            asking = Asking(self.model, load_enhance(), within=5.0, most=10_000, count=len)
        return Describing(
            make_extract=lambda: EXTRACT,
            asking=asking,
            said_of=self.catalogue.said_of,
            metrics=self.metrics,
            clock=lambda: self.now,
        )

    def _make_cataloguing(self) -> Cataloguing:
        return Cataloguing(
            underway=Underway(self.catalogue, applied=lambda: self.applied),
            caught_up=_at_once,
            make_encode=lambda: self.encoder,
            fingerprint=ENCODER,
            vectors_topic="item-vectors",
            outbox=self.outbox,
            consuming=Consuming(
                outbox=self.outbox,
                dead_letters="dead-letters",
                max_bytes=100_000,
                metrics=self.metrics,
                acknowledge=lambda message: self.diary.append(f"acknowledge {message.offset}"),
                generation=lambda: self.generation,
                lease=Lease(session=10.0, clock=lambda: 0.0),
                fatal=self.fatal,
            ),
            metrics=self.metrics,
        )

    async def _add(self, additions: Sequence[Addition]) -> None:
        """As in a worker, where the service's own task does it."""
        await self.before_adding()
        await self.cataloguing.add_batch(additions)

    async def before_adding(self) -> None:
        """What happens while a model thinks."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Workshop]:
        await self.cataloguing.start()
        try:
            yield self
        finally:
            await self.cataloguing.stop()
            self.describing.close()

    async def announce(self, *items: Item | str) -> None:
        """Put items on the log, let them be catalogued, and let what was sent come back."""
        for item in items:
            record = self.put(item)
            await self.cataloguing.accept(event_of(record, generation=self.generation))
        await self.until(self._acknowledged)
        self.come_back()

    def put(self, item: Item | str) -> Record:
        if isinstance(item, str):
            return self.items.append(item.encode(), None)
        return self.items.append(item.item_id.encode(), encode_item(item))

    def _acknowledged(self) -> bool:
        return sum(line.startswith("acknowledge") for line in self.diary) == len(self.items.records)

    def come_back(self) -> None:
        """As the replica does it."""
        posted = self.outbox.on("item-vectors")
        for each in posted[self.applied.get(0, 0) :]:
            item_id = (each.key or b"").decode()
            if each.value is None:
                self.catalogue.index.discard(item_id)
                self.catalogue.discard(item_id)
                continue
            record = decode_vector(item_id, each.value, dim=DIM)
            self.catalogue.index.upsert(item_id, record.vector)
            self.catalogue.announce(item_id, record)
        self.applied[0] = len(posted)

    async def enhance(self) -> int:
        """Deal with all that waits; how many rounds that took."""
        rounds = 0
        while await self.enhancing.enhance_some():
            rounds += 1
            self.come_back()
            assert rounds < 50
        return rounds

    async def until(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not what():
                await asyncio.sleep(0.001)

    def sent(self, item_id: str) -> list[VectorRecord]:
        return [
            decode_vector(item_id, each.value, dim=DIM)
            for each in self.outbox.on("item-vectors")
            if each.key == item_id.encode() and each.value is not None
        ]

    def last(self, item_id: str) -> VectorRecord:
        return self.sent(item_id)[-1]

    def count(self, outcome: str) -> float:
        return (
            self.metrics.registry.get_sample_value(
                "headwater_enhanced_items_total", {"outcome": outcome}
            )
            or 0.0
        )


async def _at_once() -> None:
    pass


def _with(item: Item, **changes: Any) -> Item:
    return msgspec.structs.replace(item, **changes)
