"""What was sent of an item counts until it has come back, and not longer."""

import asyncio
from typing import Any

import msgspec
import numpy as np

from agents.catalogue import Catalogue
from agents.known import known_of
from agents.underway import Underway
from indexes.embedding import DIM
from indexes.exact import ExactIndex
from streams.enhancements import Enhancement
from streams.items import Item, content_hash
from streams.origins import Origin
from streams.vectors import VectorRecord

DUNE = Item(item_id="dune", title="Dune", description="Sand and spice. " * 10)
HASH = content_hash(DUNE.text())


def vector_record(offset: int, *, enhanced: Enhancement | None = None) -> VectorRecord:
    row = np.ones(DIM, np.float16) * (offset + 1)
    return VectorRecord(b"12345678", HASH, row, DUNE.facts(enhanced), 0, offset, 1.0)


class Table:
    """An `Underway`, and what it is told."""

    def __init__(self) -> None:
        self.applied: dict[int, int] = {}
        self.catalogue = Catalogue(ExactIndex(DIM), half_life=1.0)
        self.underway = Underway(self.catalogue, applied=lambda: self.applied)

    def note(self, record: VectorRecord | None, offset: int | None, item_id: str = "dune") -> Any:
        place: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if offset is not None:
            place.set_result(Origin("item-vectors", 0, offset))
        self.underway.note(item_id, record, place)
        return place

    def comes_back(self, record: VectorRecord, offset: int) -> None:
        self.catalogue.index.upsert("dune", record.vector)
        self.catalogue.announce("dune", record)
        self.applied[0] = offset + 1

    @property
    def offset(self) -> int | None:
        former = self.underway.former("dune", text_hash=HASH)
        return None if former is None else former.known.offset


async def test_what_was_sent_counts_before_the_broker_has_it() -> None:
    table = Table()
    table.comes_back(vector_record(1), 0)
    table.note(vector_record(2), None)
    assert table.offset == 2


async def test_what_was_sent_counts_until_it_has_come_back() -> None:
    table = Table()
    table.note(vector_record(2), 7)
    table.applied[0] = 7
    assert table.offset == 2
    table.comes_back(vector_record(3), 7)
    assert table.offset == 3


async def test_an_item_that_was_taken_out_is_gone_although_it_is_known() -> None:
    table = Table()
    table.comes_back(vector_record(1), 0)
    table.note(None, 1)
    assert table.offset is None


async def test_a_text_that_is_another_one_has_no_former() -> None:
    table = Table()
    table.note(vector_record(1), 0)
    assert table.underway.former("dune", text_hash=content_hash("x")) is None
    assert table.underway.former("emma", text_hash=HASH) is None


async def test_what_was_encoded_with_more_is_known_by_its_own_text() -> None:
    enhanced = Enhancement(of=HASH, by="small", summary="On sand.")
    record = msgspec.structs.replace(vector_record(1, enhanced=enhanced), content_hash=b"other")
    assert known_of(record).text_hash == HASH
    table = Table()
    table.comes_back(record, 0)
    former = table.underway.former("dune", text_hash=HASH)
    assert former is not None
    assert former.known.facts.enhanced == enhanced


async def test_while_a_vector_is_about_to_change_nothing_is_known_of_its_text() -> None:
    table = Table()
    enhanced = Enhancement(of=HASH, by="small")
    table.comes_back(vector_record(1, enhanced=enhanced), 0)
    table.catalogue.unsettle("dune", b"another text")
    assert table.offset is None


async def test_what_has_come_back_is_not_kept() -> None:
    table = Table()
    for n in range(50):
        table.note(vector_record(n), n, item_id=f"item-{n}")
    assert len(table.underway) == 50
    table.applied[0] = 50
    table.note(vector_record(50), 50)
    assert len(table.underway) == 1


async def test_what_the_broker_refused_never_comes_back() -> None:
    table = Table()
    table.note(vector_record(1), None).set_exception(ConnectionError("gone"))
    table.applied[0] = 99
    assert table.offset == 1
