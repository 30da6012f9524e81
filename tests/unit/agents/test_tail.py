"""What stands on a topic is shown as text and nothing else, or as one JSON object a line."""

import json

import msgspec
import pytest

from agents.commands.tail import Which, drawn, json_line
from slates.slate import Reason, Slate, SlateItem, Timings, Versions, encode_slate
from streams.deadletters import dead_letter
from streams.errors import MalformedEvent
from streams.kafka import Record
from streams.origins import Origin
from streams.requests import Trigger

ESCAPE = "\x1b[31m"


def slate(*, title: str = "Emma", degraded: tuple[str, ...] = (), empty: bool = False) -> Slate:
    item = SlateItem("emma", title, 0, 0.5, {"recent": 0.5}, (Reason("new", "New today", {}),))
    return Slate(
        slate_id="slate-events-0-1",
        user_id="ann",
        revision=1,
        strategy="hybrid",
        scenario="feed",
        trigger=Trigger(id="events-0-1", kind="click", at=10.0, received_at=20.0),
        items=() if empty else (item,),
        ranked_by="engine",
        degraded=degraded,
        versions=Versions(),
        timings=Timings(),
        produced_at=20.0125,
        note="nothing is left" if empty else "",
    )


def record(value: bytes | None, *, topic: str = "recommendations", key: bytes = b"ann") -> Record:
    return Record(topic, 0, 7, key, value, 20.0)


def letter(value: bytes) -> Record:
    error = MalformedEvent(f"not an event {ESCAPE}")
    made = dead_letter(Origin("events", 2, 3), key=b"ann", value=value, error=error)
    return Record("dead-letters", 0, 0, made.key, made.value, 20.0, tuple(made.headers))


def test_a_slate_is_drawn_with_user_cause_latency_and_reasons() -> None:
    text = drawn(Which.RECOMMENDATIONS, record(encode_slate(slate()))).plain
    assert "ann  click → slate in 12.5 ms" in text
    assert "1  Emma  New today" in text


def test_a_slate_says_whether_a_model_was_asked_and_what_it_did() -> None:
    asked = msgspec.structs.replace(slate(), refinement="asked: cold")
    refined = msgspec.structs.replace(
        asked,
        revision=2,
        ranked_by="model",
        tokens=1_234,
        versions=Versions(prompt="rerank/1", model=f"small{ESCAPE}"),
        timings=Timings(refined=0.9),
    )
    marked = msgspec.structs.replace(asked, revision=2, degraded=("model: timeout",))
    texts = [drawn(Which.RECOMMENDATIONS, record(encode_slate(s))).plain for s in (asked, refined)]
    assert "refinement asked: cold" in texts[0]
    assert "revision 2" in texts[1]
    assert "(rerank/1) in 0.90 s, 1,234 tokens; asked: cold" in texts[1]
    assert "\x1b" not in texts[1]
    text = drawn(Which.RECOMMENDATIONS, record(encode_slate(marked))).plain
    assert "degraded: model: timeout" in text


def test_a_degraded_or_empty_slate_says_so() -> None:
    shown = slate(degraded=("replica-behind: trends",), empty=True)
    text = drawn(Which.RECOMMENDATIONS, record(encode_slate(shown))).plain
    assert "degraded: replica-behind: trends" in text
    assert "empty: nothing is left" in text


@pytest.mark.parametrize("title", [f"Emma{ESCAPE}", "[bold]Emma[/bold]", "[/]"])
def test_a_title_is_text_and_steers_neither_terminal_nor_markup(title: str) -> None:
    text = drawn(Which.RECOMMENDATIONS, record(encode_slate(slate(title=title)))).plain
    assert "\x1b" not in text
    assert title.replace(ESCAPE, r"\x1b[31m") in text


def test_a_forgotten_user_is_shown_as_such() -> None:
    assert "ann  was forgotten" in drawn(Which.RECOMMENDATIONS, record(None)).plain


def test_a_record_that_is_no_slate_does_not_end_the_watch() -> None:
    assert "unreadable: \\xff" in drawn(Which.RECOMMENDATIONS, record(b"\xff")).plain


def test_a_dead_letter_is_drawn_with_origin_reason_message_and_first_bytes() -> None:
    text = drawn(Which.DEAD_LETTERS, letter(b"\xff\x00" + b"a" * 200)).plain
    assert "events-2-3  malformed_event" in text
    assert r"not an event \x1b[31m" in text
    assert r"\xff\x00aaa" in text
    assert text.endswith("a…")


def test_an_event_is_drawn_with_its_fields() -> None:
    value = b'{"kind":"interaction","user_id":"ann","item_id":"emma","action":"like"}'
    text = drawn(Which.EVENTS, record(value, topic="events")).plain
    assert "ann  kind interaction  item_id emma  action like" in text


@pytest.mark.parametrize("which", list(Which))
@pytest.mark.parametrize("value", [None, b"", b"\xff\x1b", b"[1]", b'{"a": "\x7f\xc2\x9b"}'])
def test_any_bytes_become_one_line_of_ascii_json(which: Which, value: bytes | None) -> None:
    line = json_line(which, record(value))
    assert isinstance(json.loads(line), dict)
    assert line.isascii()
    assert "\n" not in line


def test_the_json_of_a_slate_is_the_slate() -> None:
    value = encode_slate(slate())
    assert json.loads(json_line(Which.RECOMMENDATIONS, record(value))) == json.loads(value)


def test_the_json_of_a_dead_letter_has_all_of_its_bytes() -> None:
    found = json.loads(json_line(Which.DEAD_LETTERS, letter(b"a" * 500)))
    assert found["value"] == "a" * 500
    assert (found["origin"], found["reason"]) == ("events-2-3", "malformed_event")
