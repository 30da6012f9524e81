"""
Files people have: rows of CSV, JSON Lines and Parquet as items and events, by the stream's rules.

Read as a stream, so a file may be larger than the memory.  A row that cannot be used comes out as
a `BadRow` at its place, with the reason: no row is lost silently and none ends the reading.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from io import TextIOWrapper
from itertools import chain, count
from pathlib import Path
from typing import TextIO, TypeAlias, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from streams.errors import MalformedEvent, MalformedItem, RejectedEvent, SetupError
from streams.events import Event, Gains, Interaction, decode_event, encode_event
from streams.items import Item, decode_item

MAX_SECONDS = 1e11
"""Times beyond it (the year 5138) are milliseconds, which passed it in March 1973."""
MAX_AHEAD = 60.0
"""Seconds an event may be later than `received_at`: clocks differ by that, not by more."""
BATCH_ROWS = 1024
"""Parquet rows turned into Python objects at a time."""

_ITEM_COLUMNS = ("item_id", "title")
_ITEM_FIELDS = (*_ITEM_COLUMNS, "description", "tags", "published_at", "attributes")
_EVENT_COLUMNS = ("user_id", "item_id", "timestamp or at")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NOT_UTF8 = re.compile("[\ud800-\udfff]")
_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}

Cells: TypeAlias = Mapping[str, object]
"""One row: column to value, text throughout where the file is CSV."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used."""

    number: int
    """Its place among the rows with data, from 1; the heading and blank lines do not count."""
    reason: str
    raw: str
    """The row as it stands in the file; bytes that are not UTF-8 as ``\\xff``."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row whose cells could be told apart."""

    number: int
    cells: Cells
    raw: str


Opener: TypeAlias = Callable[[Path, Sequence[str]], Iterator[Row | BadRow]]
"""Reads the rows of one kind of file, given the columns required."""


def read_items(path: Path) -> Iterator[Item | BadRow]:
    """
    Read a catalogue.

    `item_id` and `title` are required; `description`, `tags` ("sea|war"), `published_at` (seconds
    since 1970 or ISO 8601) and `attributes` (an object) are known.  Every other column is an
    attribute: "sea|war" two words, "1851" a number, an empty cell left out.

    Raises:
        SetupError: When the first item is asked for: no such file, a kind of file that is not
            known, a missing column.  Later on: the file is damaged or cut off.
    """
    return decode_rows(read_rows(path, required=_ITEM_COLUMNS), item_of)


def read_events(path: Path, *, gains: Gains, received_at: float) -> Iterator[Event | BadRow]:
    """
    Read what users did.

    `user_id`, `item_id` and `timestamp` or `at` (seconds since 1970 or ISO 8601) are required;
    `action`, `value` and `slate_id` are known.  Without `action` it is a "rating" where there is
    a `rating` or `value`, else a "click".  JSON with `kind` is an event as it stands on the topic.

    Args:
        path: The file.
        gains: The actions that are known.
        received_at: Now, in seconds since 1970; what happens later is a bad row.

    Raises:
        SetupError: As `read_items`.
    """
    decode_line = _wire_event if _opener(path) is _json_rows else event_of

    def decode(cells: Cells) -> Event:
        decode_cells = decode_line if "kind" in cells else event_of
        return decode_cells(cells, gains=gains, received_at=received_at)

    return decode_rows(read_rows(path, required=_EVENT_COLUMNS), decode)


def read_rows(path: Path, *, required: Sequence[str]) -> Iterator[Row | BadRow]:
    """Rows with the columns required ("a or b" is either); JSON Lines have no columns to check."""
    try:
        yield from _opener(path)(path, required)
    except (OSError, EOFError, zlib.error, csv.Error, pa.ArrowException) as exc:
        raise SetupError(f"{path}: cannot be read: {exc}") from exc


def decode_rows(rows: Iterable[Row | BadRow], decode: Callable[[Cells], T]) -> Iterator[T | BadRow]:
    """Turn rows into what `decode` makes of them; what it rejects becomes a `BadRow`."""
    for row in rows:
        if isinstance(row, BadRow):
            yield row
            continue
        try:
            yield decode(row.cells)
        except (RejectedEvent, RecursionError) as exc:
            yield BadRow(row.number, str(exc), row.raw or json.dumps(row.cells, default=str))


def item_of(cells: Cells) -> Item:
    """
    The item in one row; see `read_items`.

    Raises:
        RejectedEvent: It breaks a rule of `streams.items`.

    >>> item_of({"item_id": "dune", "title": "Dune", "year": "1965", "of": "sand|war"}).attributes
    {'year': 1965.0, 'of': ('sand', 'war')}
    """
    others = {k: _attribute(v) for k, v in cells.items() if k and k not in _ITEM_FIELDS}
    given = cells.get("attributes") or {}
    if not isinstance(given, dict):
        raise MalformedItem(f"attributes {str(given)[:40]!r}: expected an object")
    tags = () if _is_empty(cells.get("tags")) else cells["tags"]
    value = {
        "title": _text(cells, "title"),
        "description": _text(cells, "description"),
        "tags": _words(tags) if isinstance(tags, str) else tags,
        "attributes": {k: v for k, v in {**others, **given}.items() if not _is_empty(v)},
        "published_at": parse_seconds(cells.get("published_at")),
    }
    _, item = decode_item(_text(cells, "item_id").encode(), msgspec.json.encode(value))
    assert item is not None  # only a record without a value has none
    return item


def event_of(cells: Cells, *, gains: Gains, received_at: float) -> Event:
    """
    The interaction in one row; see `read_events`.

    Raises:
        RejectedEvent: It breaks a rule of `streams.events`.
    """
    times = (parse_seconds(cells.get(name)) for name in ("timestamp", "at"))
    at = next((time for time in times if time is not None), None)
    if at is None:
        raise MalformedEvent("no timestamp or at, expected seconds since 1970 or ISO 8601")
    rated = "rating" in cells or "value" in cells
    value = _number(cells.get("value"), "value")
    event = Interaction(
        user_id=_text(cells, "user_id"),
        at=at,
        item_id=_text(cells, "item_id"),
        action=_text(cells, "action") if "action" in cells else "rating" if rated else "click",
        value=_number(cells.get("rating"), "rating") if value is None else value,
        slate_id=_text(cells, "slate_id") or None,
    )
    key, line = event.user_id.encode(), encode_event(event)
    return decode_event(key, line, gains=gains, received_at=received_at, max_ahead=MAX_AHEAD)


def _wire_event(cells: Cells, *, gains: Gains, received_at: float) -> Event:
    key = _text(cells, "user_id").encode()
    line = msgspec.json.encode({**cells, "at": parse_seconds(cells.get("at"))})
    return decode_event(key, line, gains=gains, received_at=received_at, max_ahead=MAX_AHEAD)


def parse_seconds(value: object) -> float | None:
    """
    Seconds since 1970 of a number or of ISO 8601 (UTC where it names no zone); None of nothing.

    Raises:
        MalformedEvent: Neither, or milliseconds.

    >>> parse_seconds("1970-01-02"), parse_seconds("7.5"), parse_seconds("")
    (86400.0, 7.5, None)
    """
    if isinstance(value, str) and value and not _NUMBER.fullmatch(value):
        try:
            time = datetime.fromisoformat(value)
        except ValueError as exc:
            raise MalformedEvent(f"time {value[:40]!r}: expected a number or ISO 8601") from exc
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    seconds = _number(value, "time")
    if seconds is not None and abs(seconds) > MAX_SECONDS:
        raise MalformedEvent(f"time {value}: expected seconds since 1970; is it in milliseconds?")
    return seconds


def _is_empty(value: object) -> bool:
    return value is None or value in ("", [], ()) or value != value  # noqa: PLR0124 (NaN)


def _number(value: object, name: str) -> float | None:
    if _is_empty(value):
        return None
    if isinstance(value, bool) or not _NUMBER.fullmatch(str(value)):
        raise MalformedEvent(f"{name} {str(value)[:40]!r}: expected a number")
    return float(str(value))


def _text(cells: Cells, name: str) -> str:
    """The text of a cell; a column of whole numbers may be one of ids, even as 1.0, 2.0, NaN."""
    value = cells.get(name)
    if _is_empty(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise MalformedEvent(f"{name} {str(value)[:40]!r}: expected text")
    return str(value)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in map(str.strip, text.split("|")) if word)


def _attribute(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return value
    if "|" in value:
        return _words(value)
    number = float(value) if _NUMBER.fullmatch(value) else math.inf
    return number if math.isfinite(number) else value


def _opener(path: Path) -> Opener:
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    if suffix not in _OPENERS:
        raise SetupError(f"{path}: not a known kind of file, expected {', '.join(_OPENERS)}")
    return _OPENERS[suffix]


def _check_columns(path: Path, columns: Sequence[str], required: Sequence[str]) -> None:
    found = f"found {', '.join(map(repr, columns)) or 'none'}"
    lacking = [name for name in required if not set(name.split(" or ")) & set(columns)]
    if lacking:
        expected = ", ".join(required)
        raise SetupError(f"{path}: no column {', '.join(lacking)}; {found}; expected {expected}")
    if len(set(columns)) < len(columns) or _NOT_UTF8.search("".join(columns)):
        raise SetupError(f"{path}: a column comes twice or is not UTF-8; {found}")


@contextmanager
def _text_of(path: Path) -> Iterator[TextIO]:
    """The file as text; bytes that are not UTF-8 become lone surrogates, to be found by row."""
    open_file = gzip.open if path.suffix.lower() == ".gz" else Path.open
    with open_file(path, "rb") as data:
        yield TextIOWrapper(data, "utf-8-sig", "surrogateescape", newline="")


def _printable(line: str) -> str:
    return line.rstrip("\r\n").encode(errors="surrogateescape").decode(errors="backslashreplace")


class _Lines:
    """The lines of a file; of a broken record only the first is used up, the others come again."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._back: deque[str] = deque()
        self._taken: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        self._taken.append(self._back.popleft() if self._back else next(self._lines))
        return self._taken[-1]

    def settle(self, *, good: bool) -> str:
        """Say how the record just read turned out; returns the text that was used up."""
        used = len(self._taken) if good else 1
        self._back.extendleft(reversed(self._taken[used:]))
        text, self._taken = "".join(self._taken[:used]), []
        return _printable(text)


def _csv_rows(path: Path, required: Sequence[str]) -> Iterator[Row | BadRow]:
    with _text_of(path) as text:
        lines = _Lines(text)
        reader = csv.reader(lines, strict=True)
        columns = [name.strip() for name in next(reader, [])]
        _check_columns(path, columns, required)
        lines.settle(good=True)
        numbers = count(1)
        for cells, fault in _csv_records(reader, width=len(columns)):
            raw = lines.settle(good=not fault)
            if fault:
                yield BadRow(next(numbers), fault, raw)
            elif cells:
                row = dict(zip(columns, map(str.strip, cells), strict=True))
                yield Row(next(numbers), row, raw)


def _csv_records(reader: Iterator[list[str]], *, width: int) -> Iterator[tuple[list[str], str]]:
    """The cells of each record, none for a blank line, and what is wrong with them, if anything."""
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            yield [], f"not CSV: {exc}"
            continue
        if cells and len(cells) != width:
            yield cells, f"{len(cells)} cells, expected {width}"
        else:
            yield cells, "not UTF-8" if _NOT_UTF8.search("".join(cells)) else ""


def _json_rows(path: Path, _required: Sequence[str]) -> Iterator[Row | BadRow]:
    with _text_of(path) as text:
        for number, line in enumerate((line for line in text if not line.isspace()), 1):
            try:
                cells = _json_decoder.decode(line.encode(errors="surrogateescape"))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
                yield BadRow(number, f"not a JSON object: {exc}", _printable(line))
            else:
                yield Row(number, cells, _printable(line))


def _parquet_rows(path: Path, required: Sequence[str]) -> Iterator[Row | BadRow]:
    with pq.ParquetFile(path) as file:
        _check_columns(path, file.schema_arrow.names, required)
        batches = file.iter_batches(batch_size=BATCH_ROWS, use_threads=False)
        for number, cells in enumerate(chain.from_iterable(map(_parquet_cells, batches)), 1):
            if isinstance(cells, str):
                yield BadRow(number, cells, "")
            else:
                yield Row(number, cells, "")


def _parquet_cells(batch: pa.RecordBatch) -> list[Cells | str]:
    """The cells of each row, or why Python cannot hold them; row by row only where it must be."""
    columns = [_plain_column(column) for column in batch.columns]
    try:
        rows = pa.RecordBatch.from_arrays(columns, names=batch.schema.names).to_pylist()
    except (ValueError, OverflowError) as exc:
        if len(batch) == 1:
            return [f"not a value: {exc}"]
        return [cells for i in range(len(batch)) for cells in _parquet_cells(batch.slice(i, 1))]
    return list(rows)


def _plain_column(column: pa.Array) -> pa.Array:
    """Times as seconds since 1970, decimals as floats, bytes as text."""
    if pa.types.is_decimal(column.type):
        return column.cast(pa.float64())
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("ms"))
    if pa.types.is_timestamp(column.type):
        ticks = column.cast(pa.int64()).cast(pa.float64(), safe=False)
        return pc.divide(ticks, _PER_SECOND[column.type.unit])
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return column.cast(pa.large_string(), safe=False)
    return column


_json_decoder = msgspec.json.Decoder(dict[str, object])
_OPENERS: Mapping[str, Opener] = {
    ".csv": _csv_rows,
    ".jsonl": _json_rows,
    ".ndjson": _json_rows,
    ".parquet": _parquet_rows,
}


class Aside:
    """Where bad rows are put, as JSON Lines; the first of them begins the file."""

    def __init__(self, path: Path, files: ExitStack) -> None:
        self.path = path
        self.count = 0
        self._files = files
        self._file: TextIO | None = None

    def add(self, row: BadRow) -> None:
        """Put one there; a `SetupError` where the file cannot be written."""
        try:
            if self._file is None:
                self._file = self._files.enter_context(self.path.open("w", encoding="utf-8"))
            self._file.write(json.dumps(asdict(row)) + "\n")
        except OSError as exc:
            raise SetupError(f"{self.path}: cannot be written: {exc}") from exc
        self.count += 1


@contextmanager
def write_aside(path: Path) -> Iterator[Aside]:
    """Put bad rows of `path` into `<name>.rejected.jsonl` beside it, over those of last time."""
    with ExitStack() as files:
        yield Aside(path.with_name(f"{path.name}.rejected.jsonl"), files)
