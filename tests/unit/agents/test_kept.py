"""A local copy is what the log says up to an offset, or it is refused; what was removed is gone."""

import random
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.aging import MAX_AGE
from agents.kept import LAYOUT, PAGE, KeptFile, Mark
from agents.stretches import Last, Stretch, checksum
from streams.errors import LocalStateUnusable
from tests.support.laws import law

LOG = "shop.profiles-3"
NOW = 1_700_000_000.0


def stretch(
    changes: Mapping[bytes, bytes | None], *, first: int, end: int, whole: bool = False
) -> Stretch:
    key = list(changes)[-1]
    return Stretch(changes, first, end, Last(end - 1, checksum(key, changes[key])), whole)


@contextmanager
def opened(path: Path, *, log: str = LOG) -> Iterator[KeptFile]:
    with closing(KeptFile(path, log=log)) as file:
        yield file


def make(path: Path, rows: Mapping[bytes, bytes | None], *, end: int = 10) -> None:
    """A file of these rows."""
    with opened(path) as file:
        file.write(stretch(rows, first=0, end=end, whole=True), now=NOW)


def read(path: Path, *, log: str = LOG, now: float = NOW) -> dict[bytes, bytes]:
    with opened(path, log=log) as file:
        return file.read(now=now)


def why(path: Path, *, log: str = LOG, now: float = NOW) -> str:
    """The reason for which a file is refused; the message names it."""
    with pytest.raises(LocalStateUnusable) as caught:
        read(path, log=log, now=now)
    assert str(path) in str(caught.value)
    return caught.value.reason


def on_disk(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "profiles.sqlite"


# -- what is kept


def test_what_was_written_is_read_with_its_mark(path: Path) -> None:
    make(path, {b"ann": b"1", b"eve": b"2"}, end=7)
    with opened(path) as file:
        assert file.read(now=NOW) == {b"ann": b"1", b"eve": b"2"}
        last = Last(6, checksum(b"eve", b"2"))
        total = checksum(b"ann", b"1") + checksum(b"eve", b"2")
        assert file.mark == Mark(LAYOUT, LOG, 7, last, 2, total, NOW)


def test_a_new_file_has_nothing_and_no_mark(path: Path) -> None:
    with opened(path) as file:
        assert (file.read(now=NOW), file.mark) == ({}, None)


def test_only_the_owner_may_look_into_the_folder(path: Path) -> None:
    make(path, {b"ann": b"1"})
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_changes_are_added_where_the_file_ends(path: Path) -> None:
    make(path, {b"ann": b"1", b"eve": b"2", b"joe": b"3"}, end=10)
    with opened(path) as file:
        file.read(now=NOW)
        file.write(stretch({b"ann": b"one", b"eve": None, b"zoe": b"4"}, first=10, end=13), now=NOW)
        file.write(stretch({b"ann": b"uno", b"bob": None}, first=13, end=15), now=NOW)
    assert read(path) == {b"ann": b"uno", b"joe": b"3", b"zoe": b"4"}


def test_after_a_failed_write_the_file_is_as_it_was(path: Path) -> None:
    make(path, {b"ann": b"1"})
    with opened(path) as file:
        file.read(now=NOW)
        too_long = {b"bob": b"2", b"eve": bytes(9 * 1_048_576)}
        with pytest.raises(LocalStateUnusable):
            file.write(stretch(too_long, first=10, end=12), now=NOW)
    assert read(path) == {b"ann": b"1"}


def test_a_file_that_died_while_it_was_made_is_new(path: Path) -> None:
    with opened(path):
        pass
    assert read(path) == {}


def test_to_confirm_is_to_be_as_new_again(path: Path) -> None:
    make(path, {b"ann": b"1"})
    with opened(path) as file:
        file.read(now=NOW)
        file.confirm(now=NOW + MAX_AGE)
    assert read(path, now=NOW + 2 * MAX_AGE) == {b"ann": b"1"}


CHANGES = st.dictionaries(
    st.sampled_from([b"ann", b"bob", b"eve", b"joe"]),
    st.one_of(st.none(), st.binary(min_size=1, max_size=3 * PAGE)),
    min_size=1,
)


@law(40)
@given(steps=st.lists(st.tuples(CHANGES, st.booleans()), max_size=8))
def test_a_file_is_what_a_dictionary_is_however_often_it_is_opened(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[dict[bytes, bytes | None], bool]]
) -> None:
    path = tmp_path_factory.mktemp("law") / "x.sqlite"
    make(path, {b"ann": b"1"}, end=1)
    oracle: dict[bytes, bytes | None] = {b"ann": b"1"}
    file = KeptFile(path, log=LOG)
    file.read(now=NOW)
    for end, (changes, again) in enumerate(steps, start=2):
        file.write(stretch(changes, first=end - 1, end=end), now=NOW)
        oracle |= changes
        if again:
            file.close()
            file = KeptFile(path, log=LOG)
            assert file.read(now=NOW) == {k: v for k, v in oracle.items() if v is not None}
    file.close()
    assert read(path) == {k: v for k, v in oracle.items() if v is not None}


# -- what is refused


def test_a_stretch_that_does_not_begin_where_the_file_ends_is_refused(path: Path) -> None:
    make(path, {b"ann": b"1"}, end=10)
    for first in (9, 11):
        with opened(path) as file:
            file.read(now=NOW)
            with pytest.raises(LocalStateUnusable, match="it ends at 10") as caught:
                file.write(stretch({b"ann": b"2"}, first=first, end=12), now=NOW)
        assert caught.value.reason == "gap"
    assert read(path) == {b"ann": b"1"}


def test_to_a_new_file_only_everything_can_be_added(path: Path) -> None:
    with opened(path) as file, pytest.raises(LocalStateUnusable) as caught:
        file.write(stretch({b"ann": b"2"}, first=0, end=1), now=NOW)
    assert caught.value.reason == "gap"


def test_what_another_process_has_written_to_is_left_alone(path: Path) -> None:
    make(path, {b"ann": b"1"}, end=10)
    with opened(path) as ours, opened(path) as theirs:
        ours.read(now=NOW)
        theirs.read(now=NOW)
        theirs.write(stretch({b"ann": b"theirs"}, first=10, end=11), now=NOW)
        with pytest.raises(LocalStateUnusable) as caught:
            ours.write(stretch({b"ann": b"ours"}, first=10, end=11), now=NOW)
    assert caught.value.reason == "overtaken"
    assert read(path) == {b"ann": b"theirs"}


def test_a_file_of_another_log_is_refused(path: Path) -> None:
    make(path, {b"ann": b"1"})
    assert why(path, log="shop.profiles-4") == "other_log"


@pytest.mark.parametrize("sign", [1, -1], ids=["later", "earlier"])
def test_a_file_is_refused_before_the_log_forgets_removals(path: Path, sign: int) -> None:
    make(path, {b"ann": b"1"})
    assert read(path, now=NOW + sign * (MAX_AGE - 1)) == {b"ann": b"1"}
    assert why(path, now=NOW + sign * (MAX_AGE + 1)) == "too_old"


@contextmanager
def meddling(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as db, db:
        yield db


def test_a_file_of_a_later_layout_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.kept.LAYOUT", LAYOUT + 1)
    make(path, {b"ann": b"1"})
    monkeypatch.undo()
    assert why(path) == "other_layout"


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: -5 * PAGE])


def empty_out(path: Path) -> None:
    path.write_bytes(b"not a database, and long enough to be looked at" * 100)


def spoil_a_page_header(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[3 * PAGE] ^= 0xFF
    path.write_bytes(content)


def lose_a_row(path: Path) -> None:
    with meddling(path) as db:
        db.execute("DELETE FROM kept WHERE key = ?", (b"user-7",))


def flip_a_bit_of_a_value(path: Path) -> None:
    with meddling(path) as db:
        db.execute("UPDATE kept SET value = ? WHERE key = ?", (b"8" * PAGE, b"user-7"))


def swap_in_a_former_row(path: Path) -> None:
    old = (checksum(b"user-7", b"old"), b"old", b"user-7")
    with meddling(path) as db:
        db.execute("UPDATE kept SET crc = ?, value = ? WHERE key = ?", old)


def make_text_of_a_key(path: Path) -> None:
    with meddling(path) as db:
        db.execute("UPDATE kept SET key = 7 WHERE key = ?", (b"user-7",))


def alter_the_mark(path: Path) -> None:
    with meddling(path) as db:
        db.execute("UPDATE mark SET body = replace(body, '10', '20')")


def lose_a_table(path: Path) -> None:
    with meddling(path) as db:
        db.execute("ALTER TABLE kept RENAME COLUMN crc TO crd")


@pytest.mark.parametrize(
    "spoil",
    [
        truncate,
        empty_out,
        spoil_a_page_header,
        lose_a_row,
        flip_a_bit_of_a_value,
        swap_in_a_former_row,
        make_text_of_a_key,
        alter_the_mark,
        lose_a_table,
    ],
)
def test_a_damaged_file_is_refused(path: Path, spoil: Callable[[Path], None]) -> None:
    make(path, {b"user-%d" % n: b"%d" % n * PAGE for n in range(20)})
    spoil(path)
    assert why(path) == "damaged"


def test_whatever_bits_flip_a_file_is_right_or_refused(path: Path) -> None:
    rows: dict[bytes, bytes | None] = {b"user-%d" % n: b"%d!" % n * (n * 9) for n in range(1, 30)}
    make(path, rows)
    whole, rng, refused = path.read_bytes(), random.Random(1), 0
    for _ in range(300):
        content = bytearray(whole)
        content[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
        try:
            assert read(path) == rows
        except LocalStateUnusable:
            refused += 1
    assert 50 < refused < 250  # the others hit what holds nothing


def test_a_write_ahead_log_that_was_cut_leaves_an_older_state_that_is_whole(path: Path) -> None:
    make(path, {b"ann": b"1"}, end=10)
    wal = path.with_name(path.name + "-wal")
    with opened(path) as file:
        file.read(now=NOW)
        file.write(stretch({b"ann": b"2"}, first=10, end=11), now=NOW)
        first = wal.stat().st_size
        file.write(stretch({b"ann": b"3", b"eve": b"9" * 5000}, first=11, end=13), now=NOW)
        database, log = path.read_bytes(), wal.read_bytes()
    for cut in (first - 1, first, len(log) - 1, len(log)):
        path.write_bytes(database)
        wal.write_bytes(log[:cut])
        found = b"3" if cut == len(log) else b"2" if cut >= first else b"1"
        assert read(path)[b"ann"] == found


# -- what cannot be written


def test_a_full_disk_is_told(path: Path) -> None:
    make(path, {b"ann": b"1"})
    with opened(path) as file:
        file.read(now=NOW)
        file._db.execute("PRAGMA max_page_count = 1")  # as SQLite says it: SQLITE_FULL
        with pytest.raises(LocalStateUnusable, match="disk is full") as caught:
            file.write(stretch({b"eve": b"2" * 10 * PAGE}, first=10, end=11), now=NOW)
    assert caught.value.reason == "not_written"
    assert read(path) == {b"ann": b"1"}


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert why(tmp_path / "file" / "x.sqlite") == "not_written"


def test_a_path_that_cannot_be_opened_is_told(path: Path) -> None:
    path.mkdir(parents=True)
    assert why(path) == "not_written"


# -- what was removed


@pytest.mark.parametrize("length", [10, 200, 3_000])
def test_of_what_was_removed_no_byte_is_left_in_any_file(path: Path, length: int) -> None:
    """Also not of former values, nor where SQLite has moved rows about."""
    rng = random.Random(length)
    make(path, {b"nobody": b"-"}, end=0)
    there: set[bytes] = set()
    with opened(path) as file:
        file.read(now=NOW)
        for step in range(60):
            changes: dict[bytes, bytes | None] = {}
            for key in {b"<user-%d>" % rng.randrange(200) for _ in range(40)}:
                value = key * (1 + rng.randrange(length) // len(key))
                changes[key] = None if rng.random() < 0.2 else value
            file.write(stretch(changes, first=step, end=step + 1), now=NOW)
            gone = {key for key, value in changes.items() if value is None}
            there = (there | changes.keys()) - gone
            if gone:
                content = on_disk(path)
                assert [key for key in gone if key in content] == []
                assert all(key in content for key in there)
