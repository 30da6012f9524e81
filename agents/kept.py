"""
One partition of a changelog in a local file: the newest bytes of each key, up to an offset.

A file is the log up to an offset, whoever wrote it: only what stands right behind that offset on
the log is added, and what cannot be proven to be whole is refused.  The only owner of sqlite3.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import msgspec

from agents.aging import check_age
from agents.stretches import Last, Stretch, checksum
from streams.errors import LocalStateUnusable

LAYOUT = 1
PAGE = 1024
"""Bytes; profiles of 2.7 KB load and change as fast as with 4,096, in half the room."""
FILLER = bytes(PAGE)
"""
Stands before key and value, so that these lie on overflow pages.

SQLite moves the beginnings of rows between pages and leaves copies behind, secure_delete or not:
of 849 keys deleted 15 could still be found in the file.  Overflow pages are never moved.
"""
CHECKPOINT = 16_384
"""Pages in the write-ahead log before they are taken over; by default it would be 1 MiB."""
BUSY = 5.0
"""Seconds to wait while another process reads or writes the file."""
LONGEST = 8 * 1_048_576
"""Bytes of a row; a damaged length must not fill the memory."""

_SETUP = f"""
PRAGMA page_size = {PAGE};
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA secure_delete = ON;
PRAGMA cell_size_check = ON;
PRAGMA wal_autocheckpoint = {CHECKPOINT};
CREATE TABLE IF NOT EXISTS mark (id INTEGER PRIMARY KEY, crc INTEGER, body BLOB);
CREATE TABLE IF NOT EXISTS kept
    (id INTEGER PRIMARY KEY, filler BLOB, crc INTEGER, key BLOB, value BLOB);
"""
_REFUSED_BY_DISK = ("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR")


class Mark(msgspec.Struct, frozen=True):
    """What a file contains."""

    layout: int
    log: str
    """Topic and partition."""
    end: int
    """Everything before this offset is contained."""
    last: Last
    rows: int
    total: int
    """Sum of the rows' checksums."""
    as_of: float
    """When nothing was on the log beyond `end`, seconds since 1970."""


class _Layout(msgspec.Struct):
    layout: int


class KeptFile:
    """
    A file, open; for one thread at a time.

    Power may fail at any moment: in WAL mode with `synchronous=NORMAL` SQLite waits for the disk
    before it takes the log over into the file, and a log that is cut ends at a commit.  So the
    file is older then, but whole, and the changelog has the rest.
    """

    def __init__(self, path: Path, *, log: str) -> None:
        """
        Open the file, or begin an empty one.

        Args:
            path: Its folder is made, with mode 0700, when it is not there.
            log: Names topic and partition; a file of another one is refused.

        Raises:
            LocalStateUnusable: It cannot be opened, or is none.
        """
        self.path = path
        self.mark: Mark | None = None
        """What it contains; None before `read`, and where it is new."""
        self._log = log
        self._rows: dict[bytes, tuple[int, int]] = {}
        """Key to the row's id and checksum."""
        self._total = 0
        with self._translated():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                path, isolation_level=None, timeout=BUSY, check_same_thread=False
            )
        try:
            with self._translated():
                self._set_up()
        except LocalStateUnusable:
            self.close()
            raise

    def _set_up(self) -> None:
        self._db.text_factory = bytes
        self._db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
        self._db.executescript(_SETUP)

    def read(self, *, now: float) -> dict[bytes, bytes]:
        """
        Key to value of all rows, every one of them checked; none where the file is new.

        Raises:
            LocalStateUnusable: Not everything is as it was written, or it is too old.
        """
        with self._translated(), self._transaction("BEGIN"):
            self.mark = self._read_mark()
            if self.mark is None:
                return {}
            self._check(self.mark, now)
            values = dict(self._read_rows())
        self._total = sum(crc for _, crc in self._rows.values())
        if (len(self._rows), self._total) != (self.mark.rows, self.mark.total):
            raise self._unusable(
                "damaged", f"it has {len(self._rows)} rows, expected {self.mark.rows} and no others"
            )
        return values

    def write(self, stretch: Stretch, *, now: float) -> None:
        """
        Add what stands right behind the end of the file; what was removed is gone from the disk.

        Raises:
            LocalStateUnusable: Something is missing in between (reason `gap`), another process
                has written to the file (`overtaken`), or the disk does not take it.
        """
        with self._translated():
            with self._transaction("BEGIN IMMEDIATE"):
                self._check_place(stretch)
                self._apply(stretch.changes)
                self._set_mark(stretch, now)
            if stretch.whole or None in stretch.changes.values():
                self._empty_log()

    def confirm(self, *, now: float) -> None:
        """
        Nothing has been added to the log since the last `write`.

        Raises:
            LocalStateUnusable: As `write`.
        """
        if (mark := self.mark) is not None:
            self.write(Stretch({}, mark.end, mark.end, mark.last), now=now)

    def close(self) -> None:
        """Let go of the file."""
        with suppress(sqlite3.Error):
            self._db.close()

    # reading

    def _read_mark(self) -> Mark | None:
        row = self._db.execute("SELECT crc, body FROM mark WHERE id = 0").fetchone()
        if row is None:
            return None
        crc, body = row
        if not isinstance(body, bytes) or zlib.crc32(body) != crc:
            raise self._unusable("damaged", "its mark is altered")
        if (layout := msgspec.json.decode(body, type=_Layout).layout) != LAYOUT:
            raise self._unusable("other_layout", f"its layout is {layout}, expected {LAYOUT}")
        return msgspec.json.decode(body, type=Mark)

    def _check(self, mark: Mark, now: float) -> None:
        if mark.log != self._log:
            raise self._unusable("other_log", f"it is of {mark.log}, expected {self._log}")
        check_age(self.path, mark.as_of, now=now)

    def _read_rows(self) -> Iterator[tuple[bytes, bytes]]:
        for number, crc, key, value in self._db.execute("SELECT id, crc, key, value FROM kept"):
            whole = isinstance(key, bytes) and isinstance(value, bytes)
            if not whole or checksum(key, value) != crc:
                raise self._unusable("damaged", f"row {number} is altered")
            self._rows[key] = (number, crc)
            yield key, value

    # writing

    def _check_place(self, stretch: Stretch) -> None:
        if self._read_mark() != self.mark:
            raise self._unusable("overtaken", "another process has written to it")
        if self.mark is None and not stretch.whole:
            raise self._unusable("gap", f"it is empty, expected all before {stretch.first}")
        if self.mark is not None and (stretch.whole or self.mark.end != stretch.first):
            raise self._unusable("gap", f"it ends at {self.mark.end}, expected {stretch.first}")

    def _apply(self, changes: Mapping[bytes, bytes | None]) -> None:
        former = [row for key in changes if (row := self._rows.get(key)) is not None]
        self._total -= sum(crc for _, crc in former)
        gone = [key for key, value in changes.items() if value is None and key in self._rows]
        self._db.executemany(
            "DELETE FROM kept WHERE id = ?", [(self._rows.pop(key)[0],) for key in gone]
        )
        self._db.executemany("REPLACE INTO kept VALUES (?, ?, ?, ?, ?)", self._numbered(changes))

    def _numbered(
        self, changes: Mapping[bytes, bytes | None]
    ) -> Iterator[tuple[int, bytes, int, bytes, bytes]]:
        """The rows of new values; a known key keeps its number."""
        (highest,) = self._db.execute("SELECT coalesce(max(id), 0) FROM kept").fetchone()
        for key, value in changes.items():
            if value is not None:
                if key in self._rows:
                    number, _ = self._rows[key]
                else:
                    number = highest = highest + 1
                crc = checksum(key, value)
                self._rows[key] = (number, crc)
                self._total += crc
                yield number, FILLER, crc, key, value

    def _set_mark(self, stretch: Stretch, now: float) -> None:
        self.mark = Mark(
            layout=LAYOUT,
            log=self._log,
            end=stretch.end,
            last=stretch.last,
            rows=len(self._rows),
            total=self._total,
            as_of=now,
        )
        body = msgspec.json.encode(self.mark)
        self._db.execute("REPLACE INTO mark VALUES (0, ?, ?)", (zlib.crc32(body), body))

    def _empty_log(self) -> None:
        """Former values stand in the write-ahead log until it is taken over and cut off."""
        busy, _, _ = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise self._unusable("not_written", "another process kept what was removed in the log")

    # errors

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        self._db.execute(begin)
        try:
            yield
        except BaseException:
            self._db.rollback()
            raise
        self._db.commit()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.Error as exc:
            name = getattr(exc, "sqlite_errorname", "")
            raise self._unusable(_reason(name), f"{exc} ({name})") from exc
        except OSError as exc:
            raise self._unusable("not_written", str(exc.strerror)) from exc
        except msgspec.DecodeError as exc:
            raise self._unusable("other_layout", f"its mark cannot be read: {exc}") from exc

    def _unusable(self, reason: str, what: str) -> LocalStateUnusable:
        return LocalStateUnusable(f"{self.path}: {what}", reason=reason)


def _reason(error: str) -> str:
    """
    What an error of SQLite means to us.

    >>> _reason("SQLITE_FULL"), _reason("SQLITE_NOTADB"), _reason("SQLITE_BUSY")
    ('not_written', 'damaged', 'overtaken')
    """
    if error.startswith("SQLITE_BUSY"):
        return "overtaken"
    return "not_written" if error.startswith(_REFUSED_BY_DISK) else "damaged"


def remove(path: Path) -> None:
    """
    Delete a file, with what SQLite keeps beside it; none is no error.

    Raises:
        LocalStateUnusable: It cannot be deleted.
    """
    try:
        for name in (f"{path}-wal", f"{path}-shm", str(path)):
            Path(name).unlink(missing_ok=True)
    except OSError as exc:
        raise LocalStateUnusable(f"{path}: {exc.strerror}", reason="not_written") from exc


def newest_change(path: Path) -> float:
    """When a file was last written to, seconds since 1970; 0 where it is gone."""
    times = [0.0]
    for name in (str(path), f"{path}-wal"):
        with suppress(FileNotFoundError):
            times.append(Path(name).stat().st_mtime)
    return max(times)


def has_key(path: Path, key: bytes) -> bool:
    """
    Has a file a row with this key?  It is not locked, so a worker may go on writing to it.

    What still stands in its write-ahead log is not seen, and of a file that is no database or is
    changed meanwhile nothing can be said: no is the answer then, and its bytes have to tell.
    """
    unlocked = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(unlocked, uri=True)) as db:
            found = db.execute("SELECT 1 FROM kept WHERE key = ? LIMIT 1", (key,)).fetchone()
    except sqlite3.Error:
        return False
    return found is not None
