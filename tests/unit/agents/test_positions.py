"""A log that ends before what was read of it is another one, and is named as such."""

from __future__ import annotations

from faust.types import TP

from agents.safety.positions import Contained, beyond, forgotten

EVENTS, ELSEWHERE, ITEMS = TP("events", 0), TP("events", 1), TP("items", 0)
STATE = Contained("profiles", 40)


def test_a_log_that_ends_where_it_was_read_up_to_is_the_same() -> None:
    read, contained = {EVENTS: 41, ITEMS: 0}, {EVENTS: STATE, ELSEWHERE: Contained("profiles", -1)}
    ends = {EVENTS: 41, ELSEWHERE: 0, ITEMS: 0}
    assert beyond(read, contained, ends, group="headwater") is None


def test_state_from_the_future_is_named_with_where_it_stands_and_what_to_do() -> None:
    said = beyond({}, {EVENTS: STATE}, {EVENTS: 40}, group="headwater")
    assert said is not None
    assert said.startswith("events-0 ends at 40, profiles-0 contains its offset 40: ")
    assert "delete the topics of profiles, item-trends and co-visits" in said
    assert "--reset-offsets --to-earliest --execute --group headwater --topic events, and" in said


def test_a_commit_beyond_the_end_is_named_and_leaves_state_alone() -> None:
    said = beyond({ITEMS: 9}, {}, {ITEMS: 8, EVENTS: 0}, group="headwater")
    assert said is not None
    assert said.startswith("items-0 ends at 8, offset 9 was to be read next: ")
    assert "delete the topics" not in said


def test_every_such_partition_is_named_and_the_remedy_once() -> None:
    read, ends = {EVENTS: 5, ELSEWHERE: 6, ITEMS: 9}, {EVENTS: 1, ELSEWHERE: 1, ITEMS: 1}
    said = beyond(read, {}, ends, group="headwater")
    assert said is not None
    assert all(f"{tp.topic}-{tp.partition} ends at 1" in said for tp in read)
    assert said.count("kafka-consumer-groups.sh") == 1
    assert "--topic events --topic items" in said


def test_what_retention_took_is_counted() -> None:
    (said,) = forgotten({EVENTS: 5, ELSEWHERE: 7}, {EVENTS: 7, ELSEWHERE: 7})
    assert said.startswith("events-0: offset 5 was to be read next, but the log begins at 7: 2 ")
    assert said.endswith("lengthen the topic's retention")
