"""Files become events by the stream's rules, and a broken row is a bad row with its reason."""

import json
import time
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from streams.events import Event, Forget, Impression, Interaction, encode_event
from streams.files import parse_seconds
from tests.support.files import MAY_1, NOW, Write, events, only_fault, only_interaction, parquet


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
