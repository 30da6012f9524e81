"""
The rows of a file as they stand in it: CSV, JSON Lines (both also packed with gzip), Parquet.

Read as a stream, so a file may be larger than the memory.  A row whose cells cannot be told apart
comes out as a `BadRow` at its place, and reading goes on behind it.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import chain, count
from pathlib import Path
from typing import TextIO, TypeAlias

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from streams.errors import SetupError

BATCH_ROWS = 1024
"""Parquet rows turned into Python objects at a time."""
_NOT_UTF8 = re.compile("[\ud800-\udfff]")
_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}

Cells: TypeAlias = Mapping[str, object]
"""One row: column to value, text throughout where the file is CSV."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used."""

    number: int
    """Its place among the rows with data, from 1; the heading and blank lines do not count."""
    reason: str
    raw: str
    """As it stands in the file, what is not UTF-8 as ``\\xff``; of Parquet, cells if readable."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row whose cells could be told apart."""

    number: int
    cells: Cells
    raw: str


Opener: TypeAlias = Callable[[Path, Sequence[str]], Iterator[Row | BadRow]]
"""Reads the rows of one kind of file, given the columns required."""


def read_rows(path: Path, *, required: Sequence[str]) -> Iterator[Row | BadRow]:
    """Rows with the columns required ("a or b" is either); JSON Lines have none to check."""
    try:
        yield from _opener(path)(path, required)
    except (OSError, EOFError, zlib.error, csv.Error, pa.ArrowException) as exc:
        raise SetupError(f"{path}: cannot be read: {exc}") from exc


def is_json_lines(path: Path) -> bool:
    """Are its rows JSON objects?  `SetupError` where the kind of file is not known."""
    return _opener(path) is _json_rows


def _opener(path: Path) -> Opener:
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    if suffix not in _OPENERS:
        raise SetupError(f"{path}: not a known kind of file, expected {', '.join(_OPENERS)}")
    return _OPENERS[suffix]


def _check_columns(path: Path, columns: Sequence[str], required: Sequence[str]) -> None:
    if _NOT_UTF8.search("".join(columns)):
        raise SetupError(f"{path}: its heading is not UTF-8; is it packed, or another encoding?")
    found = f"found {', '.join(map(repr, columns)) or 'none'}"
    lacking = ", ".join(n for n in required if not set(n.split(" or ")) & set(columns))
    if lacking:
        raise SetupError(f"{path}: no column {lacking}; {found}; expected {', '.join(required)}")
    if len(set(columns)) < len(columns):
        raise SetupError(f"{path}: a column comes twice; {found}")


@contextmanager
def _text_of(path: Path) -> Iterator[TextIO]:
    """The file as text; bytes that are not UTF-8 become lone surrogates, to be found by row."""
    open_file = gzip.open if path.suffix.lower() == ".gz" else Path.open
    with open_file(path, "rb") as data:
        yield TextIOWrapper(data, "utf-8-sig", "surrogateescape", newline="")


def _printable(line: str) -> str:
    return line.rstrip("\r\n").encode(errors="surrogateescape").decode(errors="backslashreplace")


class _Lines(Iterator[str]):
    """The lines of a file; of a broken record only the first is used up, the others come again."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._back: deque[str] = deque()
        self._taken: list[str] = []

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
            for cells in reader:
                if cells and len(cells) != width:
                    yield cells, f"{len(cells)} cells, expected {width}"
                else:
                    yield cells, "not UTF-8" if _NOT_UTF8.search("".join(cells)) else ""
            return
        except csv.Error as exc:
            yield [], f"not CSV: {exc}"


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
        return list(pa.RecordBatch.from_arrays(columns, names=batch.schema.names).to_pylist())
    except (ValueError, OverflowError) as exc:
        if len(batch) == 1:
            return [f"not a value: {exc}"]
        return [cells for i in range(len(batch)) for cells in _parquet_cells(batch.slice(i, 1))]


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
