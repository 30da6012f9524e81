"""Files read as `headwater ingest` reads them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from streams.events import Event, Gains, Interaction
from streams.files import read_events, read_items
from streams.items import Item
from streams.rows import BadRow

GAINS = Gains({"click": 1.0, "like": 2.0, "rating": 2.0, "purchase": 3.0})
NOW = 1_750_000_000.0
MAY_1 = datetime(2024, 5, 1, 12, tzinfo=UTC).timestamp()
BOOKS_FILE = Path(__file__).parents[2] / "examples" / "books.jsonl"

Write = Callable[[str, str | bytes], Path]


def events(path: Path) -> list[Event | BadRow]:
    return list(read_events(path, gains=GAINS, received_at=NOW))


def items(path: Path) -> list[Item | BadRow]:
    return list(read_items(path))


def only_item(path: Path) -> Item:
    (item,) = items(path)
    assert isinstance(item, Item), item
    return item


def only_interaction(path: Path) -> Interaction:
    (event,) = events(path)
    assert isinstance(event, Interaction), event
    return event


def only_fault(read: list[Item | BadRow] | list[Event | BadRow]) -> BadRow:
    (row,) = read
    assert isinstance(row, BadRow), row
    return row


def parquet(path: Path, **columns: object) -> Path:
    pq.write_table(pa.table(columns), path)
    return path
