"""A worker that refines, with a model that says what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from agents.consuming import Consuming
from agents.metrics import Metrics
from agents.refining import Refining
from agents.safety.lease import Lease
from agents.testing import SmallEnd, SmallOutbox, SmallStream, event_of
from agents.turns import Turns
from slates.config import SlateConfig
from slates.draft import Draft, encode_draft
from slates.model import Answer, Model, Question, Usage
from slates.refining import Refined
from slates.slate import Slate, decode_slate
from slates.strategies import Menu
from streams.kafka import Record
from tests.support.drafted import AT, draft_of, refined_of, slate_of

GENERATION = 7

PARTITION = 2

Say = Callable[[Draft], Awaitable[Refined]]


class Scripted:
    """A refinement and a model in one, which does with a draft whatever it was told."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.asked: list[str] = []
        self.within: list[float] = []

    async def refine(self, draft: Draft, model: Model, *, within: float) -> Refined:
        self.asked.append(draft.slate.slate_id)
        self.within.append(within)
        return await self.say(draft)

    async def ask(self, question: Question, *, within: float) -> Answer:
        return Answer("", Usage(), "small", 0.0)


async def turned_round(draft: Draft) -> Refined:
    """The model likes the second item better."""
    await asyncio.sleep(0)
    return refined_of([c.item_id for c in draft.candidates][1::-1])


async def silent(_: Draft) -> Refined:
    """The model never answers."""
    return await asyncio.Event().wait()  # type: ignore[return-value]


class Refinery:
    """A `Refining` with what it was handed."""

    def __init__(self, say: Say = turned_round, *, has_model: bool = True) -> None:
        self.began = asyncio.get_running_loop().time()
        self.outbox, self.metrics, self.fatal = SmallOutbox(), Metrics(), SmallEnd()
        self.script = Scripted(say)
        self.acknowledged: list[int] = []
        self.forgotten: list[str] = []
        self.current = GENERATION
        self.lease = Lease(session=10.0, clock=lambda: 0.0)
        self.turns = Turns()
        self.consuming = Consuming(
            outbox=self.outbox,
            dead_letters="dead-letters",
            max_bytes=100_000,
            metrics=self.metrics,
            acknowledge=lambda message: self.acknowledged.append(message.offset),
            generation=lambda: self.current,
            lease=self.lease,
            fatal=self.fatal,
        )
        self.refining = Refining(
            refinements={"rerank": self.script},
            about=(lambda _: self.script) if has_model else None,
            forget=self.forgotten.append,
            menu=Menu({"hybrid": SlateConfig()}, "hybrid"),
            outbox=self.outbox,
            topic="recommendations",
            consuming=self.consuming,
            metrics=self.metrics,
            turns=self.turns,
            clock=self.clock,
        )

    def clock(self) -> float:
        return AT + asyncio.get_running_loop().time() - self.began

    async def take(self, *values: Draft | bytes | None, user: str = "ann") -> None:
        """As the agent does, one record after another."""
        records = [record_of(value, offset, user) for offset, value in enumerate(values)]
        await self.consuming.each(Current(*records), self.refining.take)

    async def settled(self) -> None:
        """Until nothing is under way."""
        while self.refining._under_way:
            await asyncio.sleep(0.01)

    def slates(self) -> list[Slate]:
        return [decode_slate(p.value) for p in self.outbox.on("recommendations") if p.value]

    def outcomes(self) -> dict[str, float]:
        (family,) = self.metrics.refinements.collect()
        return {s.labels["outcome"]: s.value for s in family.samples}

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"headwater_{name}", labels)


class Current(SmallStream):
    """A stream of the generation that the worker is in."""

    async def events(self) -> AsyncIterator[Any]:
        for record in self._records:
            yield event_of(record, generation=record.generation)


def record_of(value: Draft | bytes | None, offset: int, user: str = "ann") -> Record:
    data = encode_draft(value) if isinstance(value, Draft) else value
    at = AT + offset * 0.001
    return Record("slate-drafts", PARTITION, offset, user.encode(), data, at, (), GENERATION)


def of(user: str, **fields: Any) -> Draft:
    slate = slate_of("ab", user=user, slate_id=f"slate-{user}")
    return draft_of(slate=slate, **fields)


def another(draft: Draft, slate_id: str) -> Draft:
    """A newer slate of the same user."""
    slate = msgspec.structs.replace(draft.slate, slate_id=slate_id)
    return msgspec.structs.replace(draft, slate=slate)


@asynccontextmanager
async def opened(say: Say = turned_round, **fields: Any) -> AsyncIterator[Refinery]:
    refinery = Refinery(say, **fields)
    yield refinery
    await refinery.refining.on_stop()
