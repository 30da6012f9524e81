"""Reasons are proven on a sample of slates: what is not so goes out, is counted and logged."""

import logging
from collections.abc import Callable

import pytest

from agents.catalogue import Catalogue
from agents.metrics import Metrics
from agents.recommending import PROVE_EVERY, Recommending
from agents.testing import DictState, HashEncoder, SmallOutbox
from indexes.embedding import DIM
from indexes.exact import ExactIndex
from slates.config import DAY, SlateConfig
from slates.slate import Slate, decode_slate
from slates.strategies import Menu
from streams.items import ItemFacts
from streams.kafka import Record
from streams.predecessors import Predecessors
from streams.profiles import Entry, Profile
from streams.requests import SlateRequest, Trigger
from streams.trends import Trend
from streams.vectors import VectorRecord
from tests.support.proposals import proposals

NOW = 20_000 * DAY
CLICK = Trigger(id="events-2-5", kind="click", at=NOW - 3, received_at=NOW - 2)
RECORD = Record("slate-requests", 0, 9, b"ann", b"", NOW - 1)
ANN = Profile(history=(Entry(NOW - 60, "emma", "click", 1.0),), seen=("emma",))
KNOWN = Trend(
    supporters=7,
    interactions=7,
    predecessors=Predecessors(("emma",), (5,), (1,), (1,)),
)


class Answering:
    """A `Recommending` that knows two books; what happens while a slate is made is handed in."""

    def __init__(self, meanwhile: Callable[[Catalogue], None] = lambda _: None) -> None:
        self.outbox, self.metrics = SmallOutbox(), Metrics()
        self.catalogue = Catalogue(ExactIndex(DIM), half_life=7 * DAY)
        self.meanwhile = meanwhile
        for title in ("Dune", "Emma"):
            vector = HashEncoder()([title])[0]
            self.catalogue.index.upsert(title.lower(), vector)
            record = VectorRecord(b"12345678", b"0" * 16, vector, ItemFacts(title), 0, 0, 0.0)
            self.catalogue.announce(title.lower(), record)
        self.catalogue.follow("emma", Trend(visitors=40, interactions=40))
        self.catalogue.follow("solaris", Trend(supporters=900, interactions=900))
        profiles: DictState[Profile] = DictState()
        profiles.shard(0).put("ann", ANN)
        self.recommending = Recommending(
            profiles=profiles,
            catalogue=self.catalogue,
            replicas=[],
            outbox=self.outbox,
            topic="recommendations",
            menu=Menu({"hybrid": SlateConfig()}, "hybrid"),
            deadline=5.0,
            encoder="a model",
            metrics=self.metrics,
            proposing=proposals(self.catalogue, self.outbox, self.metrics),
            clock=self._clock,
        )

    def _clock(self) -> float:
        """Read before a slate is built, and once more when it is."""
        self.reads += 1
        if self.reads == 2:
            self.meanwhile(self.catalogue)
        return NOW

    async def answer(self) -> Slate:
        self.reads = 0
        self.catalogue.follow("dune", KNOWN)
        await self.recommending.answer(RECORD, SlateRequest(user_id="ann", trigger=CLICK))
        return decode_slate(self.outbox.posted[-1].value or b"")

    def count(self, outcome: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"headwater_reasons_{outcome}_total")


def lose_a_reader(catalogue: Catalogue) -> None:
    catalogue.follow("dune", Trend(supporters=6, predecessors=KNOWN.predecessors))


async def test_true_reasons_are_counted_and_nothing_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answering = Answering()
    await answering.answer()
    assert (answering.count("checked"), answering.count("unproven")) == (2, 0)
    assert caplog.records == []


async def test_a_reason_that_is_not_true_goes_out_and_is_counted_and_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answering = Answering(lose_a_reader)
    slate = await answering.answer()
    assert [reason.text for reason in slate.items[0].reasons] == [
        "5 of the 40 people who came to “Emma” went on to this",
        "7 people have come to it so far",
    ]
    assert (answering.count("checked"), answering.count("unproven")) == (2, 1)
    (line,) = caplog.records
    assert line.levelno == logging.ERROR
    for part in (slate.slate_id, "popular", "'dune'", "people 7, there are 6"):
        assert part in line.getMessage()


async def test_an_item_of_every_tenth_slate_is_looked_into_from_the_first_on() -> None:
    answering = Answering(lose_a_reader)
    for _ in range(2 * PROVE_EVERY):
        await answering.answer()
    assert (answering.count("checked"), answering.count("unproven")) == (4, 2)
    await answering.answer()
    assert answering.count("checked") == 6
