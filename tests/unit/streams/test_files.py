"""Files become items and events by the stream's rules, and no row is lost or ends the reading."""

import gzip
import json
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.errors import SetupError
from streams.events import Event, Forget, Gains, Impression, Interaction, encode_event
from streams.files import parse_seconds, read_events, read_items, write_aside
from streams.items import Item, encode_item
from streams.rows import BATCH_ROWS, BadRow

GAINS = Gains({"click": 1.0, "like": 2.0, "rating": 2.0, "purchase": 3.0})
NOW = 1_750_000_000.0
MAY_1 = datetime(2024, 5, 1, 12, tzinfo=UTC).timestamp()
BOOKS_FILE = Path(__file__).parents[3] / "examples" / "books.jsonl"

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file of this name; packed where the name says so."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


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


# Items


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


# Events


@pytest.mark.parametrize(
    ("heading", "row", "action", "value"),
    [
        ("user_id,item_id,timestamp", "u,i,1000", "click", None),
        ("user_id,item_id,at,action", "u,i,1000.0,like", "like", None),
        ("user_id,item_id,at,rating", "u,i,1000,4.5", "rating", 4.5),
        ("user_id,item_id,at,value", "u,i,1000,4.5", "rating", 4.5),
        ("user_id,item_id,at,action,value", "u,i,1000,purchase,9.9", "purchase", 9.9),
        ("user_id,item_id,at,action,value", "u,i,1000,click,", "click", None),
        ("user_id,item_id,at,action,rating", "u,i,1000,rating,3", "rating", 3.0),
        ("user_id,item_id,timestamp,at", "u,i,,1000", "click", None),
        ("user_id,item_id,timestamp,kind", "u,i,1000,web", "click", None),
        ("user_id, item_id, timestamp", "u, i, 1970-01-01T00:16:40", "click", None),
    ],
)
def test_csv_columns_become_an_interaction(
    write: Write, heading: str, row: str, action: str, value: float | None
) -> None:
    assert only_interaction(write("a.csv", f"{heading}\n{row}\n")) == Interaction(
        user_id="u", item_id="i", at=1000.0, action=action, value=value
    )


def test_a_slate_id_goes_with_the_event(write: Write) -> None:
    path = write("a.csv", "user_id,item_id,at,slate_id\nu,i,1,s\nu,i,1,\n")
    assert [e.slate_id for e in events(path) if isinstance(e, Interaction)] == ["s", None]


def test_json_lines_may_be_plain_or_as_on_the_topic(write: Write) -> None:
    wire: list[Event] = [
        Interaction(user_id="u", item_id="i", action="like", at=5.0, slate_id="s"),
        Impression(user_id="u", slate_id="s", item_ids=("i", "j"), at=5.0),
        Forget(user_id="u", at=5.0),
    ]
    plain = json.dumps({"user_id": 1, "item_id": 2, "at": "1970-01-01T00:00:05Z"}).encode()
    path = write("a.jsonl", b"\n".join([*map(encode_event, wire), plain]))
    last = Interaction(user_id="1", item_id="2", action="click", at=5.0)
    assert events(path) == [*wire, last]


def test_an_event_as_on_the_topic_may_leave_its_time_out(write: Write) -> None:
    assert events(write("a.jsonl", '{"kind": "forget", "user_id": "u"}')) == [Forget("u", at=NOW)]


def test_parquet_columns_become_interactions(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "a.parquet",
        user_id=[1],
        item_id=["i"],
        timestamp=pa.array([datetime(2024, 5, 1, 12)], pa.timestamp("us", tz="UTC")),
        rating=pa.array([4], pa.int8()),
    )
    assert only_interaction(path) == Interaction(
        user_id="1", item_id="i", action="rating", value=4.0, at=MAY_1
    )


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("u,i,click,,1714564800000", "milliseconds"),
        ("u,i,click,,1e999", "milliseconds"),
        ("u,i,click,,", "no timestamp or at"),
        ("u,i,click,,yesterday", "ISO 8601"),
        ("u,i,click,,nan", "ISO 8601"),
        ("u,i,click,,-1", "seconds since 1970"),
        (f"u,i,click,,{NOW + 3600}", "after it was received"),
        ("u,i,wink,,1", "no gain"),
        ("u,i,,,1", "no gain"),
        ("u,i,rating,,1", "expected a value"),
        ("u,i,rating,6,1", "expected a value from 0 to 5"),
        ("u,i,rating,good,1", "value 'good': expected a number"),
        (",i,click,,1", "user_id"),
        ("u,,click,,1", "item_id"),
        ("u,i,click,1", "4 cells, expected 5"),
    ],
)
def test_a_row_that_breaks_a_rule_of_events_is_a_bad_row(
    write: Write, row: str, reason: str
) -> None:
    bad = only_fault(events(write("a.csv", f"user_id,item_id,action,value,at\n{row}\n")))
    assert reason in bad.reason
    assert (bad.number, bad.raw) == (1, row)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"kind": "wave", "user_id": "u"}', "not an event"),
        ('{"kind": "forget", "user_id": 3}', "not an event"),
        ('{"kind": "forget", "user_id": "u", "at": 1714564800000}', "milliseconds"),
        ('{"user_id": "u", "item_id": "i"}', "no timestamp or at"),
        ('{"user_id": "u", "item_id": "i", "at": true}', "expected a number"),
        ('{"user_id": "u", "item_id": "i", "at": [1]}', "expected a number"),
        (f'{{"user_id": "u", "item_id": "i", "at": {"9" * 300}}}', "milliseconds"),
    ],
)
def test_a_json_line_that_is_no_event_is_a_bad_row(write: Write, line: str, reason: str) -> None:
    assert reason in only_fault(events(write("a.jsonl", line))).reason


@pytest.mark.parametrize(
    ("given_time", "seconds"),
    [
        (None, None),
        ("", None),
        (float("nan"), None),
        (0, 0.0),
        (-1.5, -1.5),
        ("1e9", 1e9),
        ("2024-05-01T14:00:00+02:00", MAY_1),
        ("2024-05-01 12:00:00", MAY_1),
        ("2024-05-01", MAY_1 - 43_200),
    ],
)
def test_times_are_read_as_seconds(given_time: object, seconds: float | None) -> None:
    assert parse_seconds(given_time) == seconds


def test_a_time_without_a_zone_is_utc_wherever_the_machine_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        seconds = parse_seconds("2024-05-01T12:00:00")
    time.tzset()
    assert seconds == MAY_1


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
    size = 20_000_000
    path = write("a.csv", b"item_id,title\n" + (b"x," + b"y" * 997 + b"\n") * (size // 1000))
    tracemalloc.start()
    try:
        assert sum(isinstance(item, Item) for item in read_items(path)) == size // 1000
        assert tracemalloc.get_traced_memory()[1] < size / 10
    finally:
        tracemalloc.stop()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
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


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
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
