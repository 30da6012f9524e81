"""
Files of what people did, and of what there is, as a stream to replay.

A row that cannot be used is put aside with its reason; a file that cannot be meant is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from evaluation.cells import identity, read_cells
from evaluation.contender import Observation
from streams.errors import MalformedEvent, MalformedItem, SetupError
from streams.files import MAX_SECONDS, decode_rows, item_of, parse_seconds
from streams.items import Item
from streams.rows import BadRow, Cells, Row

EVENTS = ("user_id", "item_id", "timestamp")
ITEMS = ("item_id", "title")
MOST_BAD = 0.1
"""A larger share of rows that cannot be used is a file that was meant otherwise."""
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_YEAR = re.compile(r"([12][0-9]{3})(?:\.0)?")
_SEPARATORS = ("|", ";", ",")
_NO_GENRES = "(no genres listed)"

Reject = Callable[[BadRow], None]
"""Takes a row that cannot be used."""


@dataclass(frozen=True, slots=True)
class _Timed:
    """An observation and where it stands; its time still in the unit of the file."""

    row: int
    observation: Observation


def load_observations(
    path: Path, *, reject: Reject, baskets: bool = False
) -> tuple[Observation, ...]:
    """
    Read what people did, in the order of the file.

    Columns: user_id, item_id and timestamp (seconds or milliseconds since 1970, or ISO 8601), and
    where there are any value or rating, and basket_id.  MovieLens' own names are known, too.

    Args:
        path: The file.
        reject: Told of each row that cannot be used.
        baskets: Whether a basket is required.

    Raises:
        SetupError: A column is missing, times are of mixed units, or too many rows are bad.
    """
    required = (*EVENTS, "basket_id") if baskets else EVENTS
    rows = list(decode_rows(_numbered(path, required), _timed))
    bad = [row for row in rows if isinstance(row, BadRow)]
    for row in bad:
        reject(row)
    _refuse_most_bad(path, bad, total=len(rows))
    return _in_seconds(path, [row for row in rows if not isinstance(row, BadRow)])


def _numbered(path: Path, required: Sequence[str]) -> Iterator[Row | BadRow]:
    """Rows that carry their number with them, to name them when they disagree."""
    for row in read_cells(path, required=required):
        yield row if isinstance(row, BadRow) else replace(row, cells={**row.cells, "": row.number})


def _timed(cells: Cells) -> _Timed:
    number = cells[""]
    assert isinstance(number, int)
    basket = cells.get("basket_id")
    return _Timed(
        number,
        Observation(
            user_id=identity(cells, "user_id"),
            item_id=identity(cells, "item_id"),
            at=_since_1970(_time(cells.get("timestamp"))),
            value=_value(cells.get("value")),
            basket=None if basket in (None, "") else identity(cells, "basket_id"),
        ),
    )


def _time(value: object) -> float:
    """
    A time in the unit it is written in.

    >>> _time("881250949"), _time("881250949000"), _time("1970-01-02")
    (881250949.0, 881250949000.0, 86400.0)
    """
    text = str(value)
    if not isinstance(value, bool) and _NUMBER.fullmatch(text):
        return float(text)
    seconds = parse_seconds(None if value is None else text)
    if seconds is None:
        raise MalformedEvent("column timestamp: nothing, expected seconds since 1970 or ISO 8601")
    return seconds


def _since_1970(at: float) -> float:
    """A time as events may have it."""
    if at < 0:
        raise MalformedEvent(f"column timestamp: {at:g} is before 1970")
    return at


def _value(value: object) -> float | None:
    """
    Stars, or None of an empty cell.

    >>> _value("4.5"), _value("")
    (4.5, None)
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not _NUMBER.fullmatch(str(value)):
        raise MalformedEvent(f"column value {str(value)[:40]!r}: expected a number")
    return float(str(value))


def _refuse_most_bad(path: Path, bad: Sequence[BadRow], *, total: int) -> None:
    if not total:
        raise SetupError(f"{path}: no row beside the heading, expected events")
    if len(bad) == total:
        why = f"the first, row {bad[0].number}: {bad[0].reason}"
        raise SetupError(f"{path}: no row that can be used of {total:,}, {why}")
    if len(bad) > MOST_BAD * total:
        raise SetupError(
            f"{path}: {len(bad):,} of {total:,} rows cannot be used, "
            f"the first, row {bad[0].number}: {bad[0].reason}; correct the file"
        )


def _in_seconds(path: Path, rows: Sequence[_Timed]) -> tuple[Observation, ...]:
    """Milliseconds throughout are made seconds; both in one file, or anything finer, is refused."""
    for row in rows:
        if row.observation.at > 1000.0 * MAX_SECONDS:
            raise SetupError(
                f"{path}: column timestamp: row {row.row} has {row.observation.at:.0f}, "
                "too large for milliseconds; expected seconds or milliseconds since 1970"
            )
    large = np.array([abs(row.observation.at) > MAX_SECONDS for row in rows])
    if not large.any():
        return tuple(row.observation for row in rows)
    if not large.all():
        one, other = rows[int(np.argmax(large))], rows[int(np.argmin(large))]
        raise SetupError(
            f"{path}: column timestamp mixes units: row {one.row} has {one.observation.at:.0f} "
            f"(milliseconds), row {other.row} has {other.observation.at:.0f} (seconds); "
            "expected one unit, convert one of them"
        )
    return tuple(replace(row.observation, at=row.observation.at / 1000.0) for row in rows)


def load_catalogue(path: Path, *, reject: Reject) -> tuple[Item, ...]:
    """
    Read the items; the first of several under one id counts.

    Columns: item_id (movieId) and title, and where there are any description, genres, year, tags.

    Raises:
        SetupError: A column is missing.
    """
    rows = list(read_cells(path, required=ITEMS))
    separator = _separator(str(row.cells.get("genres", "")) for row in rows if isinstance(row, Row))
    items: dict[str, Item] = {}
    for item in decode_rows(rows, lambda cells: _item(cells, separator)):
        if isinstance(item, BadRow):
            reject(item)
        else:
            items.setdefault(item.item_id, item)
    return tuple(items.values())


def _separator(genres: Iterator[str]) -> str | None:
    """
    What stands between genres: of a whole column, since one cell cannot tell; None is a space.

    >>> _separator(iter(["Science Fiction", "Science Fiction|War"])), _separator(iter(["War Noir"]))
    ('|', None)
    """
    everything = "\n".join(genres)
    return next((mark for mark in _SEPARATORS if mark in everything), None)


def _item(cells: Cells, separator: str | None) -> Item:
    year = _YEAR.fullmatch(str(cells.get("year", "")))
    given = cells.get("genres")
    genres = given if isinstance(given, list) else _words(given, separator)
    facts = {
        "item_id": _item_id(cells),
        "title": cells.get("title"),
        "description": cells.get("description"),
        "tags": cells.get("tags"),
        "published_at": datetime(int(year[1]), 1, 1, tzinfo=UTC).timestamp() if year else None,
        "attributes": {"genres": genres, "year": float(year[1]) if year else None},
    }
    return item_of(facts)


def _item_id(cells: Cells) -> str:
    try:
        return identity(cells, "item_id")
    except MalformedEvent as exc:
        raise MalformedItem(str(exc)) from exc


def _words(text: object, separator: str | None) -> list[str]:
    words = str(text or "").replace(_NO_GENRES, "").split(separator)
    return [word.strip() for word in words if word.strip()]
