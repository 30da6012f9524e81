"""Files under whatever names and units of time; what cannot be meant is refused, clearly."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation.contender import Observation
from evaluation.datasets import load_catalogue, load_observations
from streams.errors import SetupError
from streams.rows import BadRow

DUNE = Observation("ann", "dune", at=100.0)
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(*lines: str, name: str = "events.csv") -> Path:
        path = tmp_path / name
        data = "\n".join([*lines, ""]).encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


def load(path: Path, *, baskets: bool = False) -> tuple[list[Observation], list[BadRow]]:
    bad: list[BadRow] = []
    return list(load_observations(path, reject=bad.append, baskets=baskets)), bad


@pytest.mark.parametrize("name", ["events.csv", "events.csv.gz"])
def test_a_file_may_be_packed(write: Write, name: str) -> None:
    path = write("user_id,item_id,timestamp", "ann,dune,100", name=name)
    assert load(path) == ([DUNE], [])


@pytest.mark.parametrize("name", ["e.inter", "e.tsv", "e.inter.gz"])
def test_a_file_may_have_tabs_and_types_in_its_heading(write: Write, name: str) -> None:
    heading = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    path = write(heading, "ann\tdune\t4\t100", name=name)
    assert load(path) == ([Observation("ann", "dune", at=100.0, value=4.0)], [])


def test_a_file_may_be_json_lines(write: Write) -> None:
    path = write('{"user_id": "ann", "item_id": "dune", "timestamp": 100}', name="e.jsonl")
    assert load(path) == ([DUNE], [])


def test_the_names_of_movielens_are_known(write: Write) -> None:
    path = write("userId,movieId,rating,timestamp", "1,7,4.5,100")
    assert load(path) == ([Observation("1", "7", at=100.0, value=4.5)], [])


def test_a_basket_is_read(write: Write) -> None:
    path = write("user_id,item_id,timestamp,basket_id,qty", "ann,tea,100,7,3")
    assert load(path, baskets=True)[0] == [Observation("ann", "tea", at=100.0, basket="7")]


def test_times_may_be_dates(write: Write) -> None:
    path = write("user_id,item_id,timestamp", "ann,dune,1970-01-01T00:01:40Z")
    assert load(path) == ([DUNE], [])


def test_milliseconds_throughout_become_seconds(write: Write) -> None:
    path = write("user_id,item_id,timestamp", "ann,dune,1700000000000", "bob,dune,1700000001000")
    assert [event.at for event in load(path)[0]] == [1.7e9, 1.7e9 + 1]


def test_seconds_beside_milliseconds_are_refused_with_both_rows(write: Write) -> None:
    path = write("user_id,item_id,timestamp", "ann,dune,1700000000", "bob,dune,1700000001000")
    with pytest.raises(SetupError, match=r"row 2 .*milliseconds.*row 1 .*seconds"):
        load(path)


@pytest.mark.parametrize("at", ["881250949000000", "1.7e18"])
def test_what_is_finer_than_milliseconds_is_refused(write: Write, at: str) -> None:
    path = write("user_id,item_id,timestamp", "ann,dune,1700000000000", f"bob,dune,{at}")
    with pytest.raises(SetupError, match=r"row 2 .*too large for milliseconds"):
        load(path)


def test_a_missing_column_is_named_with_those_found(write: Write) -> None:
    path = write("user_id,item_id,when", "ann,dune,100")
    with pytest.raises(SetupError, match=r"events\.csv: no column timestamp.*'when'"):
        load(path)


def test_a_missing_column_is_named_in_a_file_with_tabs(write: Write) -> None:
    path = write("user_id:token\titem_id:token", "ann\tdune", name="e.inter")
    with pytest.raises(SetupError, match=r"e\.inter: no column timestamp"):
        load(path)


def test_a_missing_basket_is_refused_where_it_is_needed(write: Write) -> None:
    path = write("user_id,item_id,timestamp", "ann,dune,100")
    with pytest.raises(SetupError, match="no column basket_id"):
        load(path, baskets=True)


GOOD = [f"ann,i{k},{k}" for k in range(20)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("ann,dune,soon", "soon"),
        ("ann,dune,", "timestamp"),
        ("ann,dune,-1", "before 1970"),
        (",dune,5", "user_id"),
        ("ann,,5", "item_id"),
        ("ann,dune", "2 cells"),
    ],
)
def test_a_bad_row_is_put_aside_with_its_reason(write: Write, row: str, reason: str) -> None:
    events, bad = load(write("user_id,item_id,timestamp", *GOOD, row))
    assert len(events) == 20
    assert [(b.number, reason in b.reason) for b in bad] == [(21, True)]


def test_a_value_that_is_no_number_is_a_bad_row(write: Write) -> None:
    rows = [f"ann,i{k},{k},5" for k in range(20)]
    _, bad = load(write("user_id,item_id,timestamp,rating", *rows, "ann,x,1,good"))
    assert "good" in bad[0].reason


def test_a_file_of_mostly_bad_rows_is_refused_with_the_first(write: Write) -> None:
    path = write("user_id,item_id,timestamp", "ann,dune,soon", "ann,emma,1", "ann,x,later")
    with pytest.raises(SetupError, match=r"2 of 3 rows.*row 1.*soon"):
        load(path)


def test_an_empty_file_of_events_is_refused(write: Write) -> None:
    with pytest.raises(SetupError, match="no row beside the heading"):
        load(write("user_id,item_id,timestamp"))


@pytest.mark.parametrize("name", ["events.csv", "events.csv.gz"])
def test_a_file_of_nothing_is_refused(write: Write, name: str) -> None:
    path = write(name=name)
    path.write_bytes(b"")
    with pytest.raises(SetupError, match=r"no column user_id.*found none"):
        load(path)


def test_a_packed_file_that_is_cut_or_not_packed_is_refused(write: Write) -> None:
    path = write("user_id,item_id,timestamp", "ann,dune,100", name="events.csv.gz")
    whole = path.read_bytes()
    for data in (whole[:-12], gzip.decompress(whole)):
        path.write_bytes(data)
        with pytest.raises(SetupError, match="cannot be read"):
            load(path)
    (plain := path.with_name("events.csv")).write_bytes(whole)
    with pytest.raises(SetupError, match=r"heading is not UTF-8; is it packed"):
        load(plain)


def test_an_empty_cell_is_no_value(write: Write) -> None:
    path = write("user_id,item_id,timestamp,rating", "ann,dune,100,")
    assert load(path)[0] == [DUNE]


# -- items -----------------------------------------------------------------------------


def catalogue(path: Path) -> dict[str, dict[str, object]]:
    return {i.item_id: dict(i.attributes) for i in load_catalogue(path, reject=raising)}


def raising(row: BadRow) -> None:
    raise AssertionError(row)


def test_genres_are_parted_by_bars(write: Write) -> None:
    path = write("movieId,title,genres", "1,Dune,Science Fiction|War", "2,Emma,Light Comedy")
    assert catalogue(path)["1"]["genres"] == ("Science Fiction", "War")
    assert catalogue(path)["2"]["genres"] == ("Light Comedy",)


def test_genres_are_parted_by_spaces_where_no_row_has_a_mark(write: Write) -> None:
    path = write("item_id,title,genres", "1,Dune,Sci-Fi War")
    assert catalogue(path)["1"]["genres"] == ("Sci-Fi", "War")


def test_a_year_is_a_number_and_a_time(write: Write) -> None:
    (item,) = load_catalogue(
        write("item_id,title,year", "1,Heat,1995", name="i.csv"), reject=raising
    )
    assert item.attributes["year"] == 1995.0
    assert item.published_at == 788918400.0


def test_columns_that_nobody_knows_say_nothing(write: Write) -> None:
    (item,) = load_catalogue(
        write("item_id,title,desc_source", "1,Heat,tmdb", name="i.csv"), reject=raising
    )
    assert "tmdb" not in item.text()


def test_the_first_of_two_items_counts(write: Write) -> None:
    (item,) = load_catalogue(
        write("item_id,title", "1,Heat", "1,Dune", name="i.csv"), reject=raising
    )
    assert item.title == "Heat"


def test_an_item_without_a_title_is_put_aside(write: Write) -> None:
    bad: list[BadRow] = []
    items = load_catalogue(write("item_id,title", "1,", "2,Dune", name="i.csv"), reject=bad.append)
    assert ([item.item_id for item in items], [row.number for row in bad]) == (["2"], [1])


def test_a_catalogue_without_ids_is_refused(write: Write) -> None:
    with pytest.raises(SetupError, match="no column item_id or movieId"):
        load_catalogue(write("title", "Heat", name="i.csv"), reject=raising)
