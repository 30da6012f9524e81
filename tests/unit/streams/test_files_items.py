"""Files become items by the stream's rules, and a broken row is a bad row with its reason."""

import gzip
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from streams.items import Item, encode_item
from streams.rows import BATCH_ROWS, BadRow
from tests.support.files import (
    BOOKS_FILE,
    MAY_1,
    Write,
    items,
    only_item,
    parquet,
)


def test_csv_columns_become_an_item(write: Write) -> None:
    path = write(
        "shop.csv",
        "item_id,title,description,tags,published_at,author,year,subjects,zip,isbn\n"
        'dune,Dune,"Sand, and\nworms.",classic | vast,2024-05-01T12:00:00Z,Herbert,1965,sand|war,'
        "02139,\n",
    )
    assert only_item(path) == Item(
        item_id="dune",
        title="Dune",
        description="Sand, and worms.",
        tags=("classic", "vast"),
        published_at=MAY_1,
        attributes={
            "author": "Herbert",
            "year": 1965.0,
            "subjects": ("sand", "war"),
            "zip": "02139",
        },
    )


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "A.CSV", "a.b.csv.GZ"])
def test_csv_is_read_packed_or_not_whatever_the_case(tmp_path: Path, name: str) -> None:
    data = b"item_id,title\nx,X\n"
    path = tmp_path / name
    path.write_bytes(gzip.compress(data) if name.lower().endswith("gz") else data)
    assert only_item(path).title == "X"


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.jsonl.gz", "a.ndjson.gz"])
def test_json_lines_are_read_packed_or_not(write: Write, name: str) -> None:
    path = write(name, '\n{"item_id": 7, "title": "X", "tags": ["a|b"], "year": 1965}\n\n')
    assert only_item(path) == Item(
        item_id="7", title="X", tags=("a|b",), attributes={"year": 1965.0}
    )


def test_attributes_of_a_json_line_stay_as_they_are(write: Write) -> None:
    line = {"item_id": "x", "title": "X", "attributes": {"a": "b|c", "n": "7", "none": None}}
    item = only_item(write("a.jsonl", json.dumps(line)))
    assert item.attributes == {"a": "b|c", "n": "7"}


def test_a_column_without_a_name_is_no_attribute(write: Write) -> None:
    assert only_item(write("a.csv", ",item_id,title\n0,x,X\n")).attributes == {}


def test_the_shipped_catalogue_is_read_whole() -> None:
    lines = BOOKS_FILE.read_text(encoding="utf-8").splitlines()
    assert [item.item_id for item in items(BOOKS_FILE) if isinstance(item, Item)] == [
        json.loads(line)["item_id"] for line in lines
    ]


def test_an_item_written_as_on_the_topic_is_read_back(write: Write) -> None:
    item = Item(item_id="x", title="X", tags=("t",), attributes={"a": ("b", "c"), "n": 1.5})
    assert only_item(write("a.jsonl", encode_item(item))) == item


def test_parquet_columns_become_an_item_with_their_types(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "a.parquet",
        item_id=pa.array([12]),
        title=["X"],
        tags=pa.array([["a", "b"]]),
        published_at=pa.array([datetime(2024, 5, 1, 12)], pa.timestamp("ns")),
        price=pa.array([Decimal("9.50")]),
        sold=[True],
        born=[date(1970, 1, 2)],
        words=["sea|war"],
        unknown=[float("nan")],
        bytes=[b"raw"],
    )
    assert only_item(path) == Item(
        item_id="12",
        title="X",
        tags=("a", "b"),
        published_at=MAY_1,
        attributes={
            "price": 9.5,
            "sold": "true",
            "born": 86_400.0,
            "words": ("sea", "war"),
            "bytes": "raw",
        },
    )


def test_ids_that_became_floats_beside_a_gap_are_whole_again(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", item_id=[12.0, None], title=["X", "Y"])
    good, bad = items(path)
    assert isinstance(good, Item)
    assert good.item_id == "12"
    assert isinstance(bad, BadRow)
    assert (bad.number, json.loads(bad.raw)) == (2, {"item_id": None, "title": "Y"})


def test_parquet_rows_are_numbered_through_all_batches(tmp_path: Path) -> None:
    titles = ["X"] * (2 * BATCH_ROWS) + [""]
    path = parquet(tmp_path / "a.parquet", item_id=list(map(str, range(len(titles)))), title=titles)
    *good, last = items(path)
    assert all(isinstance(item, Item) for item in good)
    assert isinstance(last, BadRow)
    assert last.number == 2 * BATCH_ROWS + 1


def test_parquet_text_that_is_not_utf8_is_a_bad_row(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", item_id=["1", "2"], title=[b"\xff", b"fine"])
    bad, good = items(path)
    assert isinstance(bad, BadRow)
    assert "utf-8" in bad.reason
    assert isinstance(good, Item)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (",X", "item_id"),
        ("x,", "no title"),
        ("x,...", "no text"),
        ("x,X,more", "3 cells, expected 2"),
        ("x", "1 cells, expected 2"),
        (b"x,\xff\xfe", "not UTF-8"),
        ('x,"X" more', "not CSV"),
        ('x,"X', "not CSV"),
        (f"{'x' * 300},X", "expected 1 to 256"),
        (f"x,{'y' * 20_001}", "over 20000"),
        (f"x,{'y' * 200_000}", "not CSV"),
    ],
)
def test_a_broken_csv_row_is_a_bad_row_with_its_reason(
    write: Write, cells: str | bytes, reason: str
) -> None:
    data = cells.encode() if isinstance(cells, str) else cells
    before, bad, after = items(write("a.csv", b"item_id,title\na,A\n" + data + b"\nz,Z\n"))
    assert isinstance(before, Item)
    assert isinstance(after, Item)
    assert isinstance(bad, BadRow)
    assert reason in bad.reason
    assert bad.number == 2
    assert bad.raw == data.decode(errors="backslashreplace")


def test_a_quote_left_open_costs_one_row_and_not_the_rest(write: Write) -> None:
    path = write("a.csv", 'item_id,title\na,"A\nb,B\nc,"C ""c"""\nd,"D\nd"\n')
    read = items(path)
    assert [row.item_id for row in read if isinstance(row, Item)] == ["b", "c", "d"]
    assert [(row.number, row.raw) for row in read if isinstance(row, BadRow)] == [(1, 'a,"A')]


def test_blank_lines_are_no_rows(write: Write) -> None:
    path = write("a.csv", "\ufeffitem_id,title\r\n\r\na,A\r\n\r\nb,\r\n")
    assert isinstance(items(path)[0], Item)
    bad = items(path)[1]
    assert isinstance(bad, BadRow)
    assert bad.number == 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"item_id": "x"', "not a JSON object"),
        (b"[1]", "not a JSON object"),
        (b'{"item_id": "x", "title": "\xff"}', "not a JSON object"),
        (b'{"item_id": "x", "title": "\\ud800"}', "not a JSON object"),
        (b'{"title": ' + b"[" * 100_000, "not a JSON object"),
        (b'{"title": "X"}', "item_id"),
        (b'{"item_id": {}, "title": "X"}', "item_id '{}': expected text"),
        (b'{"item_id": true, "title": "X"}', "expected text"),
        (b'{"item_id": "x", "title": "X", "attributes": 3}', "expected an object"),
        (b'{"item_id": "x", "title": "X", "attributes": {"a": {}}}', "$.attributes"),
        (b'{"item_id": "x", "title": "X", "tags": [1]}', "$.tags"),
        (b'{"item_id": "x", "title": "X", "published_at": "soon"}', "ISO 8601"),
        (b'{"item_id": "x", "title": "X", "published_at": 1714564800000}', "milliseconds"),
    ],
)
def test_a_broken_json_line_is_a_bad_row_with_its_reason(
    write: Write, line: bytes, reason: str
) -> None:
    good = b'{"item_id": "a", "title": "A"}\n'
    before, bad, after = items(write("a.jsonl", good + line + b"\n" + good))
    assert isinstance(before, Item)
    assert isinstance(after, Item)
    assert isinstance(bad, BadRow)
    assert reason in bad.reason
    assert (bad.number, bad.raw) == (2, line.decode(errors="backslashreplace"))
