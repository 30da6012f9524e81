"""Rows are sent or put aside, never lost; the embedded broker is never given more than it holds."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.backlog import CAUSED_RECORDS, UNREAD_BYTES, Backlog, Positions
from agents.capacity import SAFE_BYTES, CatalogueSize, check_fits, record_bytes
from agents.commands.ingest import Job, _say_result, events, items, place_aside
from agents.feeding import BATCH_BYTES, BATCH_ROWS, Feeding, Parcel, Placed, batches, pack
from agents.settings import load_settings
from streams import topics
from streams.errors import CapacityExceeded, SetupError
from streams.events import Interaction
from streams.files import write_aside
from streams.items import Item, decode_item
from streams.kafka import Position
from streams.origins import Origin
from streams.rows import BadRow
from streams.topics import Topics

NAMES = Topics(prefix="", partitions=2)
EMMA = Item(item_id="emma", title="Emma")
BROKEN = BadRow(1, "no title", "{}")


class FakeOutbox:
    """Takes what its broker takes: a batch with something too large in it is refused as a whole."""

    def __init__(self, *, largest: int = 10**9) -> None:
        self.largest = largest
        self.taken: list[bytes] = []
        self.log: list[str] = []
        self._open: list[tuple[asyncio.Future[Origin | None], bytes]] = []

    async def start(self) -> None:
        self.log.append("start")

    async def stop(self) -> None:
        self.log.append("stop")

    async def offer(self, topic: str, *, key: bytes, value: bytes) -> asyncio.Future[Origin | None]:
        place: asyncio.Future[Origin | None] = asyncio.get_running_loop().create_future()
        self._open.append((place, value))
        return place

    async def settle(self) -> None:
        fits = all(len(value) <= self.largest for _, value in self._open)
        for place, value in self._open:
            place.set_result(Origin("items", 0, len(self.taken)) if fits else None)
            self.taken += [value] if fits else []
        self._open.clear()


def parcel(number: int, size: int = 10) -> Parcel:
    return Parcel(number, b"k", b"x" * size)


async def feed(outbox: FakeOutbox, parcels: list[Parcel | BadRow]) -> tuple[Feeding, list[BadRow]]:
    rejected: list[BadRow] = []
    feeding = Feeding(outbox, "items", rejected.append)
    await feeding.run(parcels)
    return feeding, rejected


# -- rows ------------------------------------------------------------------------------


def test_an_item_is_packed_as_it_stands_on_the_topic() -> None:
    (packed,) = pack([EMMA], max_bytes=1000)
    assert isinstance(packed, Parcel)
    assert decode_item(packed.key, packed.value) == ("emma", EMMA)


def test_an_event_is_keyed_by_its_user() -> None:
    event = Interaction(user_id="ann", item_id="emma", action="click", at=1.0)
    (packed,) = pack([event], max_bytes=1000)
    assert isinstance(packed, Parcel)
    assert packed.key == b"ann"


def test_a_row_larger_than_the_settings_allow_is_a_bad_row() -> None:
    (packed,) = pack([EMMA], max_bytes=10)
    assert isinstance(packed, BadRow)
    assert "'emma': 33 bytes, at most 10 are allowed" in packed.reason


def test_skipped_rows_keep_their_numbers() -> None:
    numbers = [packed.number for packed in pack([EMMA, EMMA, EMMA], max_bytes=1000, skip=2)]
    assert numbers == [3]


def test_batches_hold_all_rows_in_order_and_end_by_rows_or_bytes() -> None:
    many = [parcel(i) for i in range(BATCH_ROWS + 1)]
    large = [parcel(i, BATCH_BYTES) for i in range(3)]
    assert [len(batch) for batch in batches(many)] == [BATCH_ROWS, 1]
    assert [len(batch) for batch in batches(large)] == [1, 1, 1]
    assert [row for batch in batches(many) for row in batch] == many


# -- sending ---------------------------------------------------------------------------


async def test_good_rows_are_sent_and_bad_ones_reported() -> None:
    outbox = FakeOutbox()
    feeding, rejected = await feed(outbox, [BROKEN, parcel(2)])
    assert (feeding.sent, feeding.done, rejected) == (1, 2, [BROKEN])
    assert outbox.log == ["start", "stop"]


async def test_what_the_broker_finds_too_large_is_a_bad_row_and_its_neighbours_are_sent() -> None:
    outbox = FakeOutbox(largest=50)
    feeding, rejected = await feed(outbox, [parcel(1), parcel(2, 60), parcel(3)])
    assert feeding.sent == 2
    assert [(row.number, row.reason) for row in rejected] == [
        (2, "'k': 60 bytes, more than the broker takes on items")
    ]


async def test_a_refusal_between_batches_says_how_far_it_is_safe() -> None:
    async def refuse(placed: object) -> None:
        raise CapacityExceeded("full")

    feeding = Feeding(FakeOutbox(), "items", lambda row: None, refuse)
    with pytest.raises(CapacityExceeded):
        await feeding.run([parcel(i + 1) for i in range(BATCH_ROWS + 5)])
    assert (feeding.sent, feeding.done) == (BATCH_ROWS, BATCH_ROWS)


def test_bad_rows_go_to_the_working_folder_where_one_cannot_write(tmp_path: Path) -> None:
    assert place_aside(tmp_path / "a.csv") == tmp_path / "a.csv"
    missing = tmp_path / "gone" / "a.csv"
    assert place_aside(missing) == Path("a.csv")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_not_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert place_aside(tmp_path / "a.csv") == Path("a.csv")


def test_a_run_cut_short_at_once_is_taken_up_where_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = Job(load_settings(), topics.ITEMS, tmp_path / "a.csv", list, skip=500)
    feeding = Feeding(FakeOutbox(), "items", lambda row: None)
    _say_result(job, feeding, write_aside(job.path), 0.1, complete=False)
    assert "go on with --skip 500\n" in capsys.readouterr().out


@pytest.mark.parametrize("command", [items, events])
def test_a_file_that_is_not_there_is_named_before_a_broker_is_looked_for(
    tmp_path: Path, command: Callable[[Path], None]
) -> None:
    with pytest.raises(SetupError, match=r"no\.csv: there is no such file"):
        command(tmp_path / "no.csv")


# -- a catalogue on the embedded broker ------------------------------------------------


def test_a_catalogue_that_fits_is_let_through() -> None:
    check_fits({("items", 0): SAFE_BYTES - 100}, {("items", 0): 100})


def test_a_catalogue_that_does_not_fit_is_refused_with_the_way_out() -> None:
    with pytest.raises(CapacityExceeded) as refused:
        check_fits({("items", 1): SAFE_BYTES}, {("items", 0): 1, ("items", 1): 1_048_576})
    text = str(refused.value)
    assert "topic 'items', partition 1 holds 4.5 MiB and would get 1.0 MiB more" in text
    assert "HEADWATER_BROKER=host:port" in text
    assert "HEADWATER_PARTITIONS=4" in text


def test_what_is_too_full_already_does_not_matter_to_other_partitions() -> None:
    check_fits({("items", 0): 2 * SAFE_BYTES}, {("items", 1): 100})


def test_an_item_also_takes_room_as_a_vector() -> None:
    size = CatalogueSize(NAMES)
    size.add(Parcel(1, b"emma", b'{"title":"Emma"}'))
    by_topic = {topic: size for (topic, _), size in size.sizes.items()}
    assert by_topic["items"] == record_bytes(b"emma", b'{"title":"Emma"}')
    assert by_topic["item-vectors"] > 768


# -- events on the embedded broker -----------------------------------------------------


def positions(reading: int, *, requests_behind: int = 0) -> Positions:
    return {
        "events": {0: Position(begin=0, end=10**6, committed=reading)},
        "slate-requests": {0: Position(begin=0, end=requests_behind, committed=0)},
    }


def backlog(looks: Callable[[], Positions], *, patience: float = 0.0) -> Backlog:
    async def look() -> Positions:
        return looks()

    return Backlog(NAMES, look, patience=patience, on_wait=lambda waiting: None)


def placed(offset: int, size: int) -> list[Placed]:
    return [Placed(parcel(offset + 1, size), Origin("events", 0, offset))]


async def test_events_that_fit_beside_what_is_unread_pass_without_a_look() -> None:
    def look() -> Positions:
        raise AssertionError("nobody needed to look")

    await backlog(look)(placed(0, 1000))


async def test_events_wait_for_the_workers() -> None:
    seen = iter([0, 0, 1])
    pace = backlog(lambda: positions(next(seen)), patience=60.0)
    await pace(placed(0, UNREAD_BYTES))
    assert list(seen) == []


async def test_events_are_refused_when_nobody_reads() -> None:
    pace = backlog(lambda: positions(0))
    with pytest.raises(CapacityExceeded, match=r"no worker has read any.*headwater worker"):
        await pace(placed(0, UNREAD_BYTES))


async def test_a_worker_that_reads_slowly_is_waited_for_longer_than_the_patience() -> None:
    looks = iter(range(5))
    pace = backlog(lambda: positions(next(looks)), patience=0.1)  # a look takes 0.25 s
    for offset in range(4):
        pace.add(0, offset=offset, size=UNREAD_BYTES)
    await pace([])
    assert list(looks) == [4]


async def test_what_events_cause_is_bounded_too() -> None:
    pace = backlog(lambda: positions(10**6, requests_behind=CAUSED_RECORDS + 1))
    with pytest.raises(CapacityExceeded, match="'slate-requests', partition 0"):
        await pace(placed(0, UNREAD_BYTES))
