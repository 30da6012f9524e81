"""Records that can wait: sent together, in order, and none of them unknown to who asks."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.testing import run_at_once
from streams.kafka import partition_of
from streams.kafka.gathering import LATER, Gathering
from tests.support.laws import law

LAW = law(50)


class Batch:
    """Of a producer, with room for two records."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bytes | None]] = []

    def append(self, *, timestamp: None, key: bytes, value: bytes | None) -> object:
        assert timestamp is None
        if len(self.records) == 2:
            return None
        self.records.append((key, value))
        return self


class Desk:
    """A `Gathering` whose producer keeps what it is handed, once the door is open."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int, list[bytes]]] = []
        self.door = asyncio.Event()
        self.door.set()
        self.gathering = Gathering(self, send=self.send)  # type: ignore[arg-type]

    def create_batch(self) -> Batch:
        return Batch()

    async def partitions_for(self, topic: str) -> set[int]:
        return {0, 1, 2, 3}

    async def send(self, batch: Batch, topic: str, partition: int) -> None:
        await self.door.wait()
        self.sent.append((topic, partition, [key for key, _ in batch.records]))

    async def add(self, *keys: bytes, partition: int | None = 0) -> None:
        for key in keys:
            await self.gathering.add("t", key=key, value=b"", partition=partition)


def test_nothing_is_sent_at_once_and_everything_soon() -> None:
    async def main() -> Sequence[object]:
        desk = Desk()
        await desk.add(b"a", b"b")
        await asyncio.sleep(LATER / 2)
        before = list(desk.sent)
        await asyncio.sleep(LATER)
        await desk.add(b"c")
        await asyncio.sleep(2 * LATER)
        return before, desk.sent

    assert run_at_once(main()) == ([], [("t", 0, [b"a", b"b"]), ("t", 0, [b"c"])])


async def test_a_full_batch_is_sent_to_make_room() -> None:
    desk = Desk()
    await desk.add(b"a", b"b", b"c")
    assert desk.sent == [("t", 0, [b"a", b"b"])]


async def test_a_key_goes_where_its_records_always_go() -> None:
    desk = Desk()
    await desk.add(b"ann", b"eve", partition=None)
    await desk.gathering.send_all()
    places = {keys[0]: partition for _, partition, keys in desk.sent}
    assert places == {key: partition_of(key, 4) for key in (b"ann", b"eve")}


async def test_who_asks_for_all_waits_for_a_batch_that_is_being_sent() -> None:
    desk = Desk()
    desk.door.clear()
    adding = asyncio.create_task(desk.add(b"a", b"b", b"c"))
    await asyncio.sleep(0)
    asking = asyncio.create_task(desk.gathering.send_all())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not asking.done()
    desk.door.set()
    await asking
    assert desk.sent[0] == ("t", 0, [b"a", b"b"])
    await adding


async def test_a_batch_of_many_survives_the_one_who_was_sending_it() -> None:
    desk = Desk()
    await desk.add(b"a", b"b")
    desk.door.clear()
    adding = asyncio.create_task(desk.add(b"c"))
    for _ in range(5):
        await asyncio.sleep(0)
    adding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await adding
    desk.door.set()
    await desk.gathering.send_all()
    assert desk.sent == [("t", 0, [b"a", b"b"])]


@LAW
@given(history=st.lists(st.tuples(st.integers(0, 1), st.booleans()), max_size=30))
def test_every_record_is_sent_once_and_in_order_whoever_adds(
    history: list[tuple[int, bool]],
) -> None:
    async def main() -> Desk:
        desk = Desk()
        for n, (partition, pause) in enumerate(history):
            await desk.add(str(n).encode(), partition=partition)
            if pause:
                await asyncio.sleep(LATER)
        await desk.gathering.send_all()
        return desk

    desk = run_at_once(main())
    for partition in (0, 1):
        sent = [key for _, place, keys in desk.sent if place == partition for key in keys]
        assert sent == [str(n).encode() for n, (p, _) in enumerate(history) if p == partition]
