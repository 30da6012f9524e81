"""
Files people have: rows of CSV, JSON Lines and Parquet as items and events, by the stream's rules.

A row that cannot be used comes out as a `BadRow` at its place, with the reason: no row is lost
silently and none ends the reading.  `streams.rows` knows how the rows stand in the file.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from streams.errors import MalformedEvent, MalformedItem, RejectedEvent, SetupError
from streams.events import Event, Gains, Interaction, decode_event, encode_event
from streams.items import Item, decode_item
from streams.rows import BadRow, Cells, Row, is_json_lines, read_rows

MAX_SECONDS = 1e11
"""Times beyond it (the year 5138) are milliseconds, which passed it in March 1973."""
MAX_AHEAD = 60.0
"""Seconds an event may be later than `received_at`: clocks differ by that, not by more."""
_ITEM_COLUMNS = ("item_id", "title")
_ITEM_FIELDS = (*_ITEM_COLUMNS, "description", "tags", "published_at", "attributes")
_EVENT_COLUMNS = ("user_id", "item_id", "timestamp or at")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")

T = TypeVar("T")


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
    is_json = is_json_lines(path)

    def decode(cells: Cells) -> Event:
        decode_cells = _wire_event if is_json and "kind" in cells else event_of
        return decode_cells(cells, gains=gains, received_at=received_at)

    return decode_rows(read_rows(path, required=_EVENT_COLUMNS), decode)


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
    The item in one row, see `read_items`; a `RejectedEvent` where it breaks a rule of items.

    >>> item_of({"item_id": "dune", "title": "Dune", "year": "1965", "of": "sand|war"}).attributes
    {'year': 1965.0, 'of': ('sand', 'war')}
    """
    others = {k: _attribute(v) for k, v in cells.items() if k and k not in _ITEM_FIELDS}
    given = cells.get("attributes") or {}
    if not isinstance(given, dict):
        raise MalformedItem(f"attributes {str(given)[:40]!r}: expected an object")
    tags = cells.get("tags")
    value = {
        "title": _text(cells, "title"),
        "description": _text(cells, "description"),
        "tags": _words(tags) if isinstance(tags, str) else [] if _is_empty(tags) else tags,
        "attributes": {k: v for k, v in {**others, **given}.items() if not _is_empty(v)},
        "published_at": parse_seconds(cells.get("published_at")),
    }
    _, item = decode_item(_text(cells, "item_id").encode(), msgspec.json.encode(value))
    assert item is not None  # only a record without a value has none
    return item


def event_of(cells: Cells, *, gains: Gains, received_at: float) -> Event:
    """The interaction in one row, see `read_events`; a `RejectedEvent` where it breaks a rule."""
    times = (parse_seconds(cells.get(name)) for name in ("timestamp", "at"))
    at = next((time for time in times if time is not None), None)
    if at is None:
        raise MalformedEvent("no timestamp or at, expected seconds since 1970 or ISO 8601")
    guess = "rating" if "rating" in cells or "value" in cells else "click"
    value = _number(cells.get("value"), "value")
    event = Interaction(
        user_id=_text(cells, "user_id"),
        at=at,
        item_id=_text(cells, "item_id"),
        action=_text(cells, "action") if "action" in cells else guess,
        value=_number(cells.get("rating"), "rating") if value is None else value,
        slate_id=_text(cells, "slate_id") or None,
    )
    key, line = event.user_id.encode(), encode_event(event)
    return decode_event(key, line, gains=gains, received_at=received_at, max_ahead=MAX_AHEAD)


def _wire_event(cells: Cells, *, gains: Gains, received_at: float) -> Event:
    line = msgspec.json.encode({**cells, "at": parse_seconds(cells.get("at"))})
    key = _text(cells, "user_id").encode()
    return decode_event(key, line, gains=gains, received_at=received_at, max_ahead=MAX_AHEAD)


def parse_seconds(value: object) -> float | None:
    """
    Seconds since 1970 of a number or of ISO 8601 (UTC where it names no zone); None of nothing,
    and a `MalformedEvent` of anything else, milliseconds included.

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


class Aside:
    """Bad rows as JSON Lines; the first begins the file, and each is in it once added."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0

    def add(self, row: BadRow) -> None:
        """Put one there; a `SetupError` where the file cannot be written."""
        try:
            with self.path.open("a" if self.count else "w", encoding="utf-8") as file:
                file.write(json.dumps(asdict(row)) + "\n")
        except OSError as exc:
            raise SetupError(f"{self.path}: cannot be written: {exc}") from exc
        self.count += 1


def write_aside(path: Path) -> Aside:
    """Where bad rows of `path` go: `<name>.rejected.jsonl` beside it, over those of last time."""
    return Aside(path.with_name(f"{path.name}.rejected.jsonl"))
