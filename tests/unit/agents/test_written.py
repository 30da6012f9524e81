"""What a worker has written itself is known again by its bytes, and only by them."""

from agents.tables import FoldTable
from agents.written import Written
from streams.trends import Trend, decode_trend, encode_trend


def table_of(written: Written[Trend] | None) -> FoldTable[Trend]:
    return FoldTable(
        source="co-visits",
        changelog="item-trends",
        encode=encode_trend,
        decode=decode_trend,
        written=written,
    )


def test_a_change_is_known_again_by_its_bytes() -> None:
    written, trend = Written[Trend](), Trend(popularity=2.0)
    _, value = table_of(written).record("dune", trend)
    assert value is not None
    assert written.take("dune", bytes(bytearray(value))) is trend


def test_of_two_changes_of_a_key_the_older_one_is_not_known_any_more() -> None:
    written = Written[Trend]()
    table = table_of(written)
    (_, older), (_, newer) = (table.record("dune", Trend(popularity=p)) for p in (1.0, 2.0))
    assert older is not None
    assert newer is not None
    assert written.take("dune", older) is None
    assert written.take("dune", newer) == Trend(popularity=2.0)


def test_the_bytes_of_another_item_are_not_known() -> None:
    written = Written[Trend]()
    _, value = table_of(written).record("dune", Trend())
    assert value is not None
    assert written.take("emma", value) is None


def test_a_removal_is_a_tombstone_and_nothing_to_be_known_again() -> None:
    written = Written[Trend]()
    assert table_of(written).record("dune", None) == (b"dune", None)
    assert written.take("dune", b"") is None


def test_no_more_is_remembered_than_there_is_room_for() -> None:
    written = Written[Trend](most=1)
    table = table_of(written)
    (_, first), (_, last) = (table.record(i, Trend()) for i in ("dune", "emma"))
    assert first is not None
    assert last is not None
    assert written.take("dune", first) is None
    assert written.take("emma", last) == Trend()


def test_nothing_is_remembered_where_nobody_reads_it_back() -> None:
    assert table_of(None).record("dune", Trend()) == (b"dune", encode_trend(Trend()))
