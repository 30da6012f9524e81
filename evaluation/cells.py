"""
Rows of the files that data sets come in, whatever the columns are called.

MovieLens says `movieId`, RecBole `item_id:token` in tab separated columns; here both are `item_id`.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO, cast

from streams.errors import SetupError
from streams.events import check_id
from streams.rows import BadRow, Cells, Row, read_rows

TABBED = (".inter", ".item", ".tsv")
"""Ends of the names of files with tabs between the columns."""

NAMES: Mapping[str, Sequence[str]] = {
    "user_id": ("user_id", "userId", "user"),
    "item_id": ("item_id", "movieId", "item"),
    "timestamp": ("timestamp", "at"),
    "value": ("value", "rating"),
    "basket_id": ("basket_id", "basketId", "basket"),
    "title": ("title", "movie_title"),
    "description": ("description",),
    "genres": ("genres", "genre", "class", "category", "categories"),
    "year": ("year", "release_year"),
    "tags": ("tags",),
}
"""What a column is to us: what it may be called."""


def read_cells(path: Path, *, required: Sequence[str]) -> Iterator[Row | BadRow]:
    """
    Rows under our own names; columns that nobody here knows are left out.

    Args:
        path: CSV, tab separated, JSON Lines (all also packed with gzip) or Parquet.
        required: Columns that must be there, by our names.

    Raises:
        SetupError: No such file, not a known kind, or a column is missing.
    """
    wanted = [" or ".join(NAMES[name]) for name in required]
    rows = _tabbed_rows(path, wanted) if _is_tabbed(path) else read_rows(path, required=wanted)
    for row in rows:
        yield row if isinstance(row, BadRow) else Row(row.number, _renamed(row.cells), row.raw)


def identity(cells: Cells, name: str) -> str:
    """
    The id in a cell; a column of numbers may be one of ids, even as 1.0.

    >>> identity({"item_id": 7.0}, "item_id")
    '7'

    Raises:
        MalformedEvent: There is none, or none to work with.
    """
    value = cells.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        value = ""
    check_id(name, str(value))
    return str(value)


def _renamed(cells: Cells) -> Cells:
    """
    Cells under our names; the first of several names for one thing wins.

    >>> _renamed({"movieId": "1", "rating": "4", "price": "9"})
    {'item_id': '1', 'value': '4'}
    """
    found: dict[str, object] = {}
    for name, known in NAMES.items():
        called = next((other for other in known if other in cells), None)
        if called is not None:
            found[name] = cells[called]
    return found


def _is_tabbed(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(TABBED)


def _tabbed_rows(path: Path, wanted: Sequence[str]) -> Iterator[Row | BadRow]:
    open_file = gzip.open if path.suffix.lower() == ".gz" else Path.open
    try:
        with open_file(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as text:
            yield from _split(path, cast(TextIO, text), wanted)
    except (OSError, EOFError, zlib.error, csv.Error) as exc:
        raise SetupError(f"{path}: cannot be read: {exc}") from exc


def _split(path: Path, text: TextIO, wanted: Sequence[str]) -> Iterator[Row | BadRow]:
    reader = csv.reader(text, delimiter="\t", quoting=csv.QUOTE_NONE)
    columns = [name.split(":")[0].strip() for name in next(reader, [])]
    lacking = [names for names in wanted if not set(names.split(" or ")) & set(columns)]
    if lacking:
        raise SetupError(
            f"{path}: no column {', '.join(lacking)}; found {', '.join(columns) or 'none'}; "
            f"expected {', '.join(wanted)}, with tabs between"
        )
    for number, cells in enumerate(filter(None, reader), 1):
        if len(cells) != len(columns):
            reason = f"{len(cells)} cells, expected {len(columns)}"
            yield BadRow(number, reason, "\t".join(cells))
        else:
            yield Row(number, dict(zip(columns, cells, strict=True)), "\t".join(cells))
