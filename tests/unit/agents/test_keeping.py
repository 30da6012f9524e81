"""Local copies are written in order behind the commits, and whatever befalls them, work goes on."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agents import keeping
from agents.aging import CONFIRM_EVERY, MAX_AGE
from agents.keeping import Keeping, Place
from agents.kept import KeptFile
from agents.metrics import Metrics
from agents.stretches import Last, Stretch, checksum

PROFILES = Place("shop.profiles", 0)
TRENDS = Place("shop.item-trends", 1)
PATIENCE = 5.0


def stretch(
    changes: Mapping[bytes, bytes | None], *, first: int, end: int, whole: bool = False
) -> Stretch:
    key = list(changes)[-1]
    return Stretch(changes, first, end, Last(end - 1, checksum(key, changes[key])), whole)


class Working:
    """One worker's copies, in a folder that others may share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 1_700_000_000.0
        self.metrics = Metrics()
        self.keeping = self.again()

    def again(self) -> Keeping:
        """Those of the next worker in the same folder."""
        self.keeping = Keeping(self.folder, metrics=self.metrics, clock=lambda: self.now)
        return self.keeping

    async def make(self, place: Place = PROFILES, *, end: int = 10) -> None:
        """A copy with one key."""
        self.keeping.add({place: stretch({b"ann": b"1"}, first=0, end=end, whole=True)})
        await self.keeping.flush()

    async def restart(self) -> None:
        await self.keeping.close()
        self.again()

    async def rows(self, place: Place = PROFILES) -> Mapping[bytes, bytes] | None:
        """What the next worker finds."""
        await self.restart()
        kept = await self.keeping.load(place)
        return None if kept is None else kept.rows

    def failures(self, reason: str, place: Place = PROFILES) -> float:
        labels = {"topic": place.topic, "reason": reason}
        name = "headwater_local_state_failures_total"
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    def files(self) -> set[str]:
        return {path.name for path in self.folder.glob("*.sqlite")}


@pytest.fixture
async def working(tmp_path: Path) -> AsyncIterator[Working]:
    made = Working(tmp_path / "tables")
    yield made
    await made.keeping.close()


@asynccontextmanager
async def held_up(working: Working) -> AsyncIterator[None]:
    """The disk does not answer while the block lasts."""
    answers = threading.Event()
    working.keeping._thread.submit(answers.wait)
    try:
        yield
    finally:
        answers.set()


# -- what is kept


async def test_what_was_added_is_there_after_a_restart(working: Working) -> None:
    await working.make()
    working.keeping.add({PROFILES: stretch({b"eve": b"2"}, first=10, end=11)})
    assert await working.rows() == {b"ann": b"1", b"eve": b"2"}


async def test_nothing_is_kept_of_a_partition_that_was_never_whole(working: Working) -> None:
    working.keeping.add({PROFILES: stretch({b"eve": b"2"}, first=10, end=11)})
    assert await working.rows() is None
    assert working.files() == set()


async def test_nobody_waits_for_a_disk_that_does_not_answer(working: Working) -> None:
    await working.make()
    async with held_up(working):
        for end in range(11, 31):
            working.keeping.add({PROFILES: stretch({b"ann": b"%d" % end}, first=end - 1, end=end)})
            await asyncio.sleep(0)
        assert list(working.keeping._waiting) == [PROFILES]
    assert await working.rows() == {b"ann": b"30"}


async def test_what_comes_within_some_seconds_is_written_at_once_and_by_itself(
    working: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    await working.make()
    monkeypatch.setattr(keeping, "SPACING", 0.2)
    writes = []
    write = working.keeping._files.write

    def noted(place: Place, stretch: Stretch | None) -> None:
        write(place, stretch)
        writes.append(stretch)

    monkeypatch.setattr(working.keeping._files, "write", noted)
    for end in range(11, 31):
        working.keeping.add({PROFILES: stretch({b"ann": b"%d" % end}, first=end - 1, end=end)})
        await asyncio.sleep(0)
    assert writes == []
    async with asyncio.timeout(PATIENCE):
        while not writes:
            await asyncio.sleep(0.01)
    assert [(one and one.first, one and one.end) for one in writes] == [(10, 30)]


async def test_copies_of_different_changelogs_do_not_meet(working: Working) -> None:
    await working.make(PROFILES)
    await working.make(TRENDS, end=3)
    working.keeping.add({TRENDS: stretch({b"ann": b"2"}, first=3, end=4)})
    assert await working.rows(PROFILES) == {b"ann": b"1"}
    assert await working.rows(TRENDS) == {b"ann": b"2"}
    assert working.files() == {"shop.profiles-0.sqlite", "shop.item-trends-1.sqlite"}


async def test_a_whole_stretch_takes_the_place_of_what_there_was(working: Working) -> None:
    await working.make()
    working.keeping.add({PROFILES: stretch({b"eve": b"2"}, first=0, end=2, whole=True)})
    assert await working.rows() == {b"eve": b"2"}


async def test_what_is_not_owned_any_more_is_not_written_to(working: Working) -> None:
    await working.make()
    await working.keeping.retain([])
    working.keeping.add({PROFILES: stretch({b"ann": b"2"}, first=10, end=11)})
    assert await working.rows() == {b"ann": b"1"}


async def test_a_removal_leaves_no_trace_in_the_folder(working: Working) -> None:
    await working.make()
    keys: dict[bytes, bytes | None] = {b"<user-%d>" % n: b"<secret-%d>" % n for n in range(50)}
    working.keeping.add({PROFILES: stretch(keys, first=10, end=60)})
    await working.keeping.flush()
    working.keeping.add({PROFILES: stretch({b"<user-7>": None}, first=60, end=61)})
    await working.keeping.flush()
    content = b"".join(path.read_bytes() for path in working.folder.iterdir())
    assert (b"<user-7>" in content, b"<secret-7>" in content) == (False, False)
    assert b"<secret-8>" in content


# -- growing old


async def test_a_copy_that_nothing_is_written_to_stays_fresh_while_its_worker_commits(
    working: Working,
) -> None:
    await working.make()
    for _ in range(15):
        working.now += CONFIRM_EVERY + 1
        working.keeping.add({})
        await working.keeping.flush()
    assert await working.rows() == {b"ann": b"1"}


async def test_a_copy_that_is_too_old_is_counted_and_deleted(
    working: Working, caplog: pytest.LogCaptureFixture
) -> None:
    await working.make()
    await working.keeping.close()
    working.now += MAX_AGE + 60
    working.again()
    assert await working.keeping.load(PROFILES) is None
    assert working.failures("too_old") == 1
    assert working.files() == set()
    assert "shop.profiles-0.sqlite: it is 12.0 h old" in caplog.text


async def test_copies_that_nobody_owned_for_long_are_deleted(working: Working) -> None:
    await working.make(PROFILES)
    await working.make(TRENDS)
    path = working.keeping.path(TRENDS)
    working.now = path.stat().st_mtime + MAX_AGE - 60
    await working.keeping.retain([PROFILES])
    assert working.files() == {"shop.profiles-0.sqlite", "shop.item-trends-1.sqlite"}
    working.now += 120
    await working.keeping.retain([PROFILES])
    assert working.files() == {"shop.profiles-0.sqlite"}


# -- trouble


@pytest.mark.parametrize("joined", [True, False], ids=["while waiting", "once written"])
async def test_a_copy_with_a_gap_is_given_up(
    working: Working, caplog: pytest.LogCaptureFixture, *, joined: bool
) -> None:
    await working.make()
    async with held_up(working):
        working.keeping.add({PROFILES: stretch({b"ann": b"2"}, first=10, end=11)})
        if not joined:
            await asyncio.sleep(0)
        working.keeping.add({PROFILES: stretch({b"ann": b"4"}, first=12, end=13)})
        working.keeping.add({PROFILES: stretch({b"ann": b"5"}, first=13, end=14)})
    await working.keeping.flush()
    assert working.failures("gap") == 1
    assert working.files() == set()
    (line,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert "deleted, the changelog is read from its start instead" in line.message
    assert await working.rows() is None


async def test_records_of_others_in_a_commit_are_a_gap(working: Working) -> None:
    await working.make()
    working.keeping.add({PROFILES: None})
    working.keeping.add({PROFILES: stretch({b"ann": b"2"}, first=10, end=11)})
    await working.keeping.flush()
    assert (working.failures("gap"), working.files()) == (1, set())


async def test_a_full_disk_costs_the_copy_and_nothing_else(
    working: Working, caplog: pytest.LogCaptureFixture
) -> None:
    await working.make(PROFILES)
    await working.make(TRENDS)
    file = working.keeping._files._open[PROFILES]
    file._db.execute("PRAGMA max_page_count = 1")
    much = stretch({b"ann": b"2" * 9000}, first=10, end=11)
    working.keeping.add({PROFILES: much, TRENDS: much})
    working.keeping.add({PROFILES: stretch({b"ann": b"3"}, first=11, end=12)})
    await working.keeping.flush()
    assert working.failures("not_written") == 1
    assert "shop.profiles-0.sqlite: database or disk is full" in caplog.text
    assert working.files() == {"shop.item-trends-1.sqlite"}
    assert await working.rows(TRENDS) == {b"ann": b"2" * 9000}


async def test_a_folder_that_cannot_be_written_costs_the_copies_only(
    working: Working, caplog: pytest.LogCaptureFixture
) -> None:
    working.folder.write_text("a file is in the way")
    await working.make()
    assert await working.keeping.load(PROFILES) is None
    assert working.failures("not_written") == 1
    assert str(working.folder) in caplog.text


async def test_a_damaged_copy_is_deleted_counted_and_made_again(
    working: Working, caplog: pytest.LogCaptureFixture
) -> None:
    await working.make()
    path = working.keeping.path(PROFILES)
    await working.keeping.close()
    path.write_bytes(path.read_bytes()[:2000])
    working.again()
    assert await working.keeping.load(PROFILES) is None
    assert (working.failures("damaged"), working.files()) == (1, set())
    assert str(path) in caplog.text
    await working.make()
    assert await working.rows() == {b"ann": b"1"}


async def test_a_copy_of_another_log_is_refused_counted_and_deleted(working: Working) -> None:
    await working.make()
    await working.keeping.refuse(PROFILES)
    assert (working.failures("other_log"), working.files()) == (1, set())


async def test_what_another_worker_of_the_host_writes_to_is_left_to_it(
    working: Working, caplog: pytest.LogCaptureFixture
) -> None:
    await working.make()
    theirs = KeptFile(working.keeping.path(PROFILES), log=str(PROFILES))
    theirs.read(now=working.now)
    theirs.write(stretch({b"ann": b"theirs"}, first=10, end=11), now=working.now)
    working.keeping.add({PROFILES: stretch({b"ann": b"ours"}, first=10, end=11)})
    await working.keeping.flush()
    assert working.failures("overtaken") == 1
    theirs.write(stretch({b"eve": b"theirs"}, first=11, end=12), now=working.now)
    theirs.close()
    assert [r.levelno for r in caplog.records] == [logging.WARNING]
    assert await working.rows() == {b"ann": b"theirs", b"eve": b"theirs"}


async def test_a_bug_in_the_thread_does_not_go_unseen(working: Working) -> None:
    await working.make()
    broken: Stretch = stretch({b"ann": b"2"}, first=10, end=11)
    object.__setattr__(broken, "changes", {b"ann": "no bytes"})
    working.keeping.add({PROFILES: broken})
    while not (working.keeping._writing and working.keeping._writing.done()):
        await asyncio.sleep(0.001)
    with pytest.raises(TypeError):
        working.keeping.add({})
