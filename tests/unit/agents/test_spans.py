"""Two places in the log become offsets; what is no place, or the wrong way round, is said."""

from __future__ import annotations

import asyncio
import time

import pytest

from agents.spans import BEGINNING, END, Place, Span, find_span, read_place, read_until
from agents.testing import SmallLog
from streams.errors import BadSetting
from streams.kafka import Record

NOON = 1_800_000_000.0


def log_of(*times: list[float]) -> SmallLog:
    """A partition for each list, with a record received at each of its times."""
    log = SmallLog("events", partitions=len(times))
    for partition, received in enumerate(times):
        for offset, at in enumerate(received):
            log.records.append(Record("events", partition, offset, b"ann", b"{}", at))
    return log


def span_of(begin: str | None, end: str | None, *times: list[float]) -> Span:
    async def main() -> Span:
        log = log_of(*times)
        await log.start()
        first = read_place(begin, option="--from", elsewhere=BEGINNING)
        last = read_place(end, option="--to", elsewhere=END)
        span = await find_span(log, first, last)
        assert log.positions == span.starts
        return span

    return asyncio.run(main())


THREE = [NOON, NOON + 60, NOON + 120]
AT_ONE_PAST = "2027-01-15T08:01"


def test_without_places_it_is_the_whole_log() -> None:
    span = span_of(None, None, THREE, THREE[:1])
    assert (span.starts, span.stops) == ({0: 0, 1: 0}, {0: 3, 1: 1})
    assert span.size == 4


def test_one_offset_is_that_of_every_partition_as_far_as_it_has_it() -> None:
    span = span_of("1", "2", THREE, THREE[:1])
    assert (span.starts, span.stops) == ({0: 1, 1: 1}, {0: 2, 1: 1})


def test_partitions_that_are_not_named_begin_at_the_beginning_and_stop_at_the_end() -> None:
    assert span_of("0:1", None, THREE, THREE).starts == {0: 1, 1: 0}
    assert span_of(None, "0:1", THREE, THREE).stops == {0: 1, 1: 3}


def test_a_time_is_the_first_record_received_then_or_later() -> None:
    assert read_place(AT_ONE_PAST, option="--from", elsewhere=0) == Place(moment=NOON + 60)
    span = span_of(AT_ONE_PAST, None, THREE, [NOON], [NOON + 61])
    assert span.starts == {0: 1, 1: 1, 2: 0}
    assert span_of(None, AT_ONE_PAST, THREE, [NOON]).stops == {0: 1, 1: 1}


def test_a_record_whose_clock_was_behind_stands_where_it_stands() -> None:
    assert span_of(AT_ONE_PAST, None, [NOON, NOON + 99, NOON + 1, NOON + 70]).starts == {0: 1}


@pytest.mark.parametrize(
    "text", ["2027-01-15T08:01+00:00", "2027-01-15T09:01+01:00", "2027-01-15T08:01:00Z"]
)
def test_a_zone_counts_and_none_is_utc(text: str) -> None:
    assert read_place(text, option="--from", elsewhere=0).moment == NOON + 60


def test_the_clock_of_this_machine_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC-5")
    time.tzset()
    try:
        assert read_place(AT_ONE_PAST, option="--from", elsewhere=0).moment == NOON + 60
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["", "yesterday", "0:", "-1", "0:1;1:2", "2027-13-01"])
def test_what_is_no_place_is_named_with_the_option_and_what_was_expected(text: str) -> None:
    with pytest.raises(BadSetting, match=r"^--to: .*, expected a time such as "):
        read_place(text, option="--to", elsewhere=0)


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("2", "1"),
        ("200", "100"),
        ("0:2", "0:1"),
        ("2027-01-16", "2027-01-15"),
        ("2035-01-01", "2034-01-01"),
        (AT_ONE_PAST, "0:0"),
        ("0:2", AT_ONE_PAST),
    ],
)
def test_the_wrong_way_round_is_refused(begin: str, end: str) -> None:
    with pytest.raises(BadSetting, match=r"^--from is after --to"):
        span_of(begin, end, THREE, THREE)


def test_the_same_place_twice_is_nothing_and_no_error() -> None:
    assert span_of("1", "1", THREE).size == 0


def test_a_partition_that_is_not_there_is_named() -> None:
    with pytest.raises(BadSetting, match=r"^--to: partition 7 of 'events', expected 0 to 1"):
        span_of(None, "7:1", THREE, THREE)


async def test_the_beginning_of_a_log_is_where_it_begins_now() -> None:
    log = log_of(THREE)
    await log.start()
    log.begins = {0: 2}
    assert (await find_span(log, Place(), Place(elsewhere=END))).starts == {0: 2}
    assert (await find_span(log, Place(), Place(elsewhere=1))).size == 0


async def test_reading_stops_before_the_offsets_given() -> None:
    log = log_of(THREE, THREE)
    await log.start()
    log.go_to({0: 1})
    found = [(r.partition, r.offset) async for rs in read_until(log, {0: 2, 1: 1}) for r in rs]
    assert sorted(found) == [(0, 1), (1, 0)]
