"""A text is encoded once, on arrival; what is sent keeps the order in which items came."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import numpy as np
import pytest

from agents.catalogue import Catalogue
from agents.cataloguing import BATCH, IN_LINE, Cataloguing
from agents.consuming import Consuming
from agents.metrics import Metrics
from agents.safety.lease import Lease
from agents.testing import (
    HashEncoder,
    SmallEnd,
    SmallOutbox,
    WorkerEnded,
    event_of,
)
from agents.underway import Underway
from indexes.embedding import DIM
from indexes.exact import ExactIndex
from streams.items import Item, content_hash, encode_item
from streams.kafka import Record
from streams.vectors import VectorRecord, decode_vector

ENCODER = b"12345678"
CURRENT = 7
PATIENCE = 5.0


class Gate:
    """An encoder that holds its first batch until the gate is opened."""

    def __init__(self, encode: HashEncoder) -> None:
        self.opened = threading.Event()
        self.reached = threading.Event()
        self._encode = encode

    def __call__(self, texts: Sequence[str]) -> Any:
        rows = self._encode(texts)
        self.reached.set()
        assert self.opened.wait(PATIENCE)
        return rows


class Workshop:
    """A `Cataloguing` with what it was handed."""

    def __init__(
        self,
        *,
        error: Exception | None = None,
        caught_up: Callable[[], Awaitable[Any]] | None = None,
        gated: bool = False,
        **outbox: Any,
    ) -> None:
        self.diary: list[str] = []
        self.outbox = SmallOutbox(diary=self.diary, **outbox)
        self.encoder = HashEncoder(error=error)
        self.gate = Gate(self.encoder)
        self.catalogue = Catalogue(ExactIndex(DIM), half_life=1000.0)
        self.fatal = SmallEnd()
        self.metrics = Metrics()
        self.current = CURRENT
        self.lease = Lease(session=10.0, clock=lambda: 0.0)
        self.applied: dict[int, int] = {}
        self.cataloguing = Cataloguing(
            underway=Underway(self.catalogue, applied=lambda: self.applied),
            caught_up=caught_up or _at_once,
            make_encode=lambda: self.gate if gated else self.encoder,
            fingerprint=ENCODER,
            vectors_topic="item-vectors",
            outbox=self.outbox,
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
            metrics=self.metrics,
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        await self.cataloguing.start()
        try:
            yield
        finally:
            self.gate.opened.set()
            await self.cataloguing.stop()

    async def take(self, *records: Record, generation: int = CURRENT) -> None:
        for record in records:
            await self.cataloguing.accept(event_of(record, generation=generation))

    async def until(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not what():
                await asyncio.sleep(0.001)

    async def acknowledged(self, count: int) -> None:
        await self.until(lambda: len(self.acknowledgements()) >= count)

    def acknowledgements(self) -> list[str]:
        return [line for line in self.diary if line.startswith("acknowledge")]

    def vectors(self) -> list[VectorRecord]:
        return [
            decode_vector("", posted.value, dim=DIM)
            for posted in self.outbox.on("item-vectors")
            if posted.value is not None
        ]

    def knows(self, item: Item) -> VectorRecord:
        """As if the replica had heard of it before."""
        text = item.text()
        record = VectorRecord(
            ENCODER, content_hash(text), self.encoder([text])[0], item.facts(), 0, 0, 0.0
        )
        self.encoder.batches.clear()
        self.catalogue.index.upsert(item.item_id, record.vector)
        self.catalogue.announce(item.item_id, record)
        return record

    def outcome(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(
            "headwater_items_catalogued_total", {"outcome": name}
        )


async def _at_once() -> None:
    pass


def item(name: str = "dune", **fields: Any) -> Item:
    return Item(item_id=name, title=fields.pop("title", f"A book called {name}"), **fields)


def record(thing: Item | str, offset: int = 0) -> Record:
    if isinstance(thing, str):
        return Record("items", 1, offset, thing.encode(), None, 50.0)
    return Record("items", 1, offset, thing.item_id.encode(), encode_item(thing), 50.0)


def flood(count: int) -> list[Record]:
    return [record(item(f"book-{number}"), number) for number in range(count)]


# -- batches


async def test_a_lone_item_is_encoded_at_once() -> None:
    workshop = Workshop()
    async with workshop.open():
        await workshop.take(record(item()))
        await workshop.acknowledged(1)
    assert workshop.encoder.batches == [[item().text()]]


async def test_a_flood_is_encoded_in_full_batches_that_are_never_larger() -> None:
    workshop = Workshop(gated=True)
    async with workshop.open():
        await workshop.take(record(item("first"), 100))
        await workshop.until(workshop.gate.reached.is_set)
        await workshop.take(*flood(3 * BATCH + 1))
        workshop.gate.opened.set()
        await workshop.acknowledged(3 * BATCH + 2)
    assert [len(batch) for batch in workshop.encoder.batches] == [1, BATCH, BATCH, BATCH, 1]


async def test_memory_is_given_back_once_a_load_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    given, workshop = list[int](), Workshop(gated=True)
    monkeypatch.setattr("agents.cataloguing.LOAD", BATCH)
    give_back = lambda: given.append(len(workshop.acknowledgements()))  # noqa: E731
    monkeypatch.setattr("agents.cataloguing.give_back", give_back)
    async with workshop.open():
        await workshop.take(*flood(2 * BATCH))
        workshop.gate.opened.set()
        await workshop.until(lambda: bool(given))
    assert given == [2 * BATCH]


async def test_more_than_may_wait_in_line_stays_on_the_topic() -> None:
    workshop = Workshop(gated=True)
    async with workshop.open():
        feeding = asyncio.create_task(workshop.take(*flood(IN_LINE + 2 * BATCH)))
        await workshop.until(workshop.gate.reached.is_set)
        for _ in range(100):
            await asyncio.sleep(0)
        assert not feeding.done()
        workshop.gate.opened.set()
        await workshop.acknowledged(IN_LINE + 2 * BATCH)
        await feeding


async def test_a_text_that_two_items_share_is_encoded_once_in_a_batch() -> None:
    workshop = Workshop(gated=True)
    async with workshop.open():
        await workshop.take(record(item("first"), 0))
        await workshop.until(workshop.gate.reached.is_set)
        twins = [item("a", title="The same"), item("b", title="The same")]
        await workshop.take(record(twins[0], 1), record(twins[1], 2))
        workshop.gate.opened.set()
        await workshop.acknowledged(3)
    assert workshop.encoder.batches[1:] == [["The same."]]
    first, second = workshop.vectors()[1:]
    assert np.array_equal(first.vector, second.vector)


# -- what is sent


async def test_vector_records_come_in_the_order_of_the_items() -> None:
    workshop = Workshop()
    records = [*flood(20), record("book-3", 20), *flood(2)]
    async with workshop.open():
        await workshop.take(*records)
        await workshop.acknowledged(len(records))
    posted = workshop.outbox.on("item-vectors")
    assert [(p.key, p.value is None) for p in posted] == [(r.key, r.value is None) for r in records]


async def test_a_vector_record_tells_where_its_item_came_from_and_of_what_it_is_made() -> None:
    workshop = Workshop()
    dune = item(tags=("sand",), attributes={"by": "Herbert"}, published_at=3.0)
    async with workshop.open():
        await workshop.take(record(dune, 5))
        await workshop.acknowledged(1)
    (vector,) = workshop.vectors()
    assert vector.fingerprint == ENCODER
    assert vector.content_hash == content_hash(dune.text())
    assert vector.facts == dune.facts()
    assert (vector.partition, vector.offset, vector.announced_at) == (1, 5, 50.0)
    assert np.array_equal(vector.vector, HashEncoder()([dune.text()])[0])


async def test_an_item_without_a_value_is_sent_on_as_a_tombstone() -> None:
    workshop = Workshop()
    async with workshop.open():
        await workshop.take(record("dune"))
        await workshop.acknowledged(1)
    (posted,) = workshop.outbox.on("item-vectors")
    assert (posted.key, posted.value) == (b"dune", None)
    assert workshop.encoder.batches == []
    assert workshop.outcome("removed") == 1


async def test_unchanged_text_is_not_encoded_again_but_its_new_facts_are_sent() -> None:
    workshop = Workshop()
    known = workshop.knows(item(published_at=1.0))
    async with workshop.open():
        await workshop.take(record(item(published_at=2.0)))
        await workshop.acknowledged(1)
    (vector,) = workshop.vectors()
    assert workshop.encoder.batches == []
    assert vector.facts.published_at == 2.0
    assert np.allclose(vector.vector, known.vector, atol=2e-3)
    assert (workshop.outcome("reused"), workshop.outcome("encoded")) == (1, None)


async def test_changed_text_is_encoded_again() -> None:
    workshop = Workshop()
    workshop.knows(item())
    changed = item(title="A book under another name")
    async with workshop.open():
        await workshop.take(record(changed))
        await workshop.acknowledged(1)
    assert workshop.encoder.batches == [[changed.text()]]
    assert workshop.outcome("encoded") == 1


async def test_an_item_whose_vector_is_about_to_change_is_encoded() -> None:
    workshop = Workshop()
    workshop.knows(item())
    workshop.catalogue.unsettle("dune", b"another text")
    async with workshop.open():
        await workshop.take(record(item()))
        await workshop.acknowledged(1)
    assert workshop.encoder.batches == [[item().text()]]


# -- acknowledgement


async def test_an_item_is_acknowledged_only_after_its_vector_was_posted() -> None:
    workshop = Workshop(gated=True)
    async with workshop.open():
        await workshop.take(record(item()))
        await workshop.until(workshop.gate.reached.is_set)
        assert workshop.diary == []
        workshop.gate.opened.set()
        await workshop.acknowledged(1)
    assert workshop.diary == ["post item-vectors", "acknowledge 0"]


async def test_items_whose_partition_moved_away_are_neither_sent_nor_acknowledged() -> None:
    workshop = Workshop(gated=True)
    async with workshop.open():
        await workshop.take(record(item("old"), 0))
        await workshop.until(workshop.gate.reached.is_set)
        workshop.current = CURRENT + 1
        await workshop.take(record(item("new"), 1), generation=CURRENT + 1)
        workshop.gate.opened.set()
        await workshop.acknowledged(1)
    assert [posted.key for posted in workshop.outbox.posted] == [b"new"]
    assert workshop.acknowledgements() == ["acknowledge 1"]


async def test_without_a_lease_a_vector_is_kept_back_until_there_is_one() -> None:
    """Its item may have a new owner by now, whose vector of a newer text it must not replace."""
    workshop = Workshop(gated=True)
    async with workshop.open():
        await workshop.take(record(item()))
        await workshop.until(workshop.gate.reached.is_set)
        workshop.lease.lose()
        workshop.gate.opened.set()
        await workshop.until(lambda: workshop.metrics.encoder_texts._value.get() == 1)
        for _ in range(100):
            await asyncio.sleep(0)
        assert workshop.diary == []
        workshop.lease.regain()
        await workshop.acknowledged(1)
    assert workshop.diary == ["post item-vectors", "acknowledge 0"]


async def test_nothing_is_encoded_before_the_catalogue_has_caught_up() -> None:
    caught_up = asyncio.Event()
    workshop = Workshop(caught_up=caught_up.wait)
    async with workshop.open():
        await workshop.take(record(item()))
        for _ in range(100):
            await asyncio.sleep(0)
        assert workshop.encoder.batches == []
        caught_up.set()
        await workshop.acknowledged(1)


# -- what can go wrong

BAD = {
    "no JSON": b"{",
    "no title": b"{}",
    "too large": b" " * 10_001,
    "nested deeply": b'{"title":"x","y":' + b"[" * 9000,
}


@pytest.mark.parametrize("value", BAD.values(), ids=BAD.keys())
async def test_what_is_no_item_becomes_a_dead_letter_and_the_next_one_is_encoded(
    value: bytes,
) -> None:
    workshop = Workshop()
    async with workshop.open():
        await workshop.take(Record("items", 1, 4, b"dune", value, 50.0), record(item(), 5))
        await workshop.acknowledged(2)
    (letter,) = workshop.outbox.on("dead-letters")
    assert dict(letter.headers)["origin"] == b"items-1-4"
    assert len(workshop.vectors()) == 1
    assert workshop.diary[:2] == ["post dead-letters", "acknowledge 4"]


async def test_an_encoder_that_fails_ends_the_worker_and_nothing_is_acknowledged() -> None:
    workshop = Workshop(error=RuntimeError("the model is gone"))
    await workshop.cataloguing.start()
    await workshop.take(record(item()))
    await workshop.until(lambda: bool(workshop.fatal.reasons))
    assert "the model is gone" in workshop.fatal.reasons[0]
    assert "items-1-0" in workshop.fatal.reasons[0]
    assert workshop.diary == []
    await _buried(workshop)


async def test_a_vector_that_cannot_be_sent_ends_the_worker_and_is_not_acknowledged() -> None:
    workshop = Workshop(refusing=["item-vectors"])
    await workshop.cataloguing.start()
    await workshop.take(record(item()))
    await workshop.until(lambda: bool(workshop.fatal.reasons))
    assert workshop.acknowledgements() == []
    await _buried(workshop)


async def test_a_dead_letter_that_cannot_be_sent_ends_the_worker() -> None:
    workshop = Workshop(refusing=["dead-letters"])
    with pytest.raises(WorkerEnded):
        await workshop.take(Record("items", 1, 4, b"dune", b"{", 50.0))


async def _buried(workshop: Workshop) -> None:
    """End a service whose task has raised."""
    with suppress(WorkerEnded):
        await workshop.cataloguing.stop()
