"""No row of a file is lost, and none ends the reading."""

import gzip
import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from streams.errors import SetupError
from streams.files import read_items, write_aside
from streams.items import Item
from streams.rows import BadRow
from tests.support.files import (
    Write,
    events,
    items,
    parquet,
)
from tests.support.laws import law

# Files as a whole


@pytest.mark.parametrize("name", ["a.xlsx", "a", "a.json", "a.gz", "csv"])
def test_a_kind_of_file_not_known_is_refused(write: Write, name: str) -> None:
    with pytest.raises(SetupError, match=r"not a known kind.*\.csv.*\.parquet"):
        items(write(name, b""))
    with pytest.raises(SetupError, match="not a known kind"):
        events(write(name, b""))


def test_a_missing_column_is_refused_with_what_was_found_and_expected(write: Write) -> None:
    path = write("a.csv", "id,name\n1,X\n")
    with pytest.raises(SetupError) as refusal:
        items(path)
    for part in (str(path), "no column item_id, title", "found 'id', 'name'", "expected item_id"):
        assert part in str(refusal.value)
    with pytest.raises(SetupError, match="timestamp or at"):
        events(write("b.csv", "user_id,item_id\n1,2\n"))


def test_a_missing_parquet_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no column title; found 'item_id'"):
        items(parquet(tmp_path / "a.parquet", item_id=["x"]))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b""),
        ("a.csv", "item_id,title,title\nx,X,Y\n"),
        ("a.csv", b"item_id,title,\xff\nx,X,Y\n"),
        ("a.csv", 'item_id,"title\nx,X\n'),
        ("a.parquet", b"no parquet at all"),
        ("a.parquet", b""),
    ],
)
def test_a_file_without_a_usable_heading_is_refused(
    write: Write, name: str, content: str | bytes
) -> None:
    with pytest.raises(SetupError, match=name):
        items(write(name, content))


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    for name in ("none.csv", "none.jsonl", "none.parquet", "folder.jsonl"):
        with pytest.raises(SetupError, match="cannot be read"):
            items(tmp_path / name)


def test_a_packed_file_cut_off_is_refused_after_the_rows_that_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    rows = "".join(f"{number},{number * 7919 % 104_729}\n" for number in range(20_000))
    path.write_bytes(gzip.compress(f"item_id,title\n{rows}".encode())[:-5_000])
    read: list[Item | BadRow] = []
    with pytest.raises(SetupError, match="cannot be read"):
        read.extend(read_items(path))
    assert len(read) > 5_000
    path.write_bytes(b"not packed")
    with pytest.raises(SetupError, match="cannot be read"):
        items(path)


def test_an_empty_file_of_json_lines_has_no_rows(write: Write) -> None:
    assert items(write("a.jsonl", b"")) == []


def test_a_file_is_not_read_into_memory(write: Write) -> None:
    size = 6_000_000
    path = write("a.csv", b"item_id,title\n" + (b"x," + b"y" * 997 + b"\n") * (size // 1000))
    tracemalloc.start()
    try:
        assert sum(isinstance(item, Item) for item in read_items(path)) == size // 1000
        assert tracemalloc.get_traced_memory()[1] < size / 10
    finally:
        tracemalloc.stop()


@law(150, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.text("ab,\"'\r|1- é", max_size=12) | st.binary(max_size=12), max_size=6),
    st.sampled_from(["a.csv", "a.jsonl"]),
)
def test_no_content_ends_the_reading_or_is_lost(
    tmp_path: Path, lines: list[str | bytes], name: str
) -> None:
    data = [line.encode() if isinstance(line, str) else line for line in lines]
    path = tmp_path / name
    path.write_bytes(b"\n".join([b"item_id,title", *data, b'end,"End"', b'{"item_id": "end"}']))
    read = items(path)
    assert all(isinstance(row, Item | BadRow) for row in read)
    numbers = [row.number for row in read if isinstance(row, BadRow)]
    assert numbers == [i for i, row in enumerate(read, 1) if isinstance(row, BadRow)]
    raws = [row.raw for row in read if isinstance(row, BadRow)]
    assert '{"item_id": "end"}' in raws


ITEM_KEYS = ["item_id", "title", "tags", "attributes", "published_at", "x"]
KEYS = [*ITEM_KEYS, "user_id", "at", "kind", "action", "value"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@law(150, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(
        st.sampled_from(KEYS),
        json_values,
    )
)
def test_any_json_is_an_item_an_event_or_a_bad_row(tmp_path: Path, line: dict[str, object]) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(line), encoding="utf-8")
    assert len(items(path)) == 1
    assert len(events(path)) == 1


# Bad rows, written aside


def test_bad_rows_are_written_beside_the_input_as_they_come(tmp_path: Path) -> None:
    rows = [BadRow(2, "no title", "x,"), BadRow(9, "not UTF-8", "é\\xff")]
    aside = write_aside(tmp_path / "shop.csv.gz")
    assert aside.path == tmp_path / "shop.csv.gz.rejected.jsonl"
    for count, row in enumerate(rows, 1):
        aside.add(row)
        lines = aside.path.read_text(encoding="utf-8").splitlines()
        assert [BadRow(**json.loads(line)) for line in lines] == rows[:count]
        assert aside.count == count


def test_nothing_is_written_where_every_row_is_good(tmp_path: Path) -> None:
    aside = write_aside(tmp_path / "shop.csv")
    assert aside.count == 0
    assert not aside.path.exists()


def test_bad_rows_of_last_time_are_written_over(tmp_path: Path) -> None:
    for row in (BadRow(1, "then", "x"), BadRow(2, "now", "y")):
        write_aside(tmp_path / "a.csv").add(row)
    assert "then" not in (tmp_path / "a.csv.rejected.jsonl").read_text(encoding="utf-8")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    aside = write_aside(tmp_path / "nowhere" / "a.csv")
    with pytest.raises(SetupError, match=r"a\.csv\.rejected\.jsonl: cannot be written"):
        aside.add(BadRow(1, "r", "x"))
