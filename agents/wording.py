"""
Records of the log as a person reads them, and as one JSON object each.

Whatever comes from outside is shown as text only: bytes that are no text and characters that would
steer a terminal are written out.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rich.text import Text

from slates.slate import Slate, SlateItem
from streams.kafka import Record

AUTHORS = {"user": "the user", "model": "a language model", "engine": "Headwater, from counts"}
"""Whose words they are, in words."""
FIRST_BYTES = 120
"""How much of a dead letter is shown; `--json` has all of it."""


def printable(text: str) -> str:
    r"""
    Text with everything that is no plain character written out.

    >>> printable("Dune\x1b[31m\n")
    'Dune\\x1b[31m\\n'
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def shown(data: bytes | None, *, most: int = FIRST_BYTES) -> str:
    r"""
    Bytes as far as they are text, the first of them.

    >>> shown(b"\xffsea \x00", most=5), shown(None)
    ('\\xffsea …', '(no value)')
    """
    if data is None:
        return "(no value)"
    text = printable(data[:most].decode(errors="backslashreplace"))
    return f"{text}…" if len(data) > most else text


def clock(seconds: float) -> str:
    """Local time of day."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%H:%M:%S")


def moment(seconds: float) -> str:
    """Local date and time; the number itself where no calendar has it."""
    try:
        return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def ago(seconds: float) -> str:
    """
    A length of time in its largest fitting unit.

    >>> ago(7.4), ago(150.0), ago(7_200.0), ago(200_000.0), ago(-5.0)
    ('7 s', '2 min', '2 h', '2 days', '0 s')
    """
    if seconds < 120:
        return f"{max(seconds, 0.0):.0f} s"
    for unit, size in (("min", 60.0), ("h", 3600.0)):
        if seconds < 48 * 3600.0 and seconds / size < 120:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400.0:.0f} days"


def latency_ms(slate: Slate) -> float:
    """From the broker's receipt of the event to the finished slate."""
    return max(slate.produced_at - slate.trigger.received_at, 0.0) * 1000


def refinement_of(slate: Slate) -> str:
    """What a language model had to do with a slate; empty where no model was thought of."""
    if slate.ranked_by == "model":
        model, prompt = printable(slate.versions.model), printable(slate.versions.prompt)
        return (
            f"refined by {model} ({prompt}) in {slate.timings.refined:,.2f} s, "
            f"{slate.tokens:,} tokens; {printable(slate.refinement)}"
        )
    return f"refinement {printable(slate.refinement)}" if slate.refinement else ""


def slate_lines(slate: Slate) -> Text:
    """A slate: a heading, then its items with the first reason of each."""
    text = Text()
    text.append(f"{clock(slate.produced_at)}  ", "dim")
    text.append(printable(slate.user_id), "bold")
    text.append(f"  {printable(slate.trigger.kind)} → slate in {latency_ms(slate):,.1f} ms")
    if slate.revision > 1:
        text.append(f"  revision {slate.revision}")
    if said := refinement_of(slate):
        text.append(f"\n  {said}", "cyan")
    for line in slate.degraded:
        text.append(f"\n  degraded: {printable(line)}", "yellow")
    for item in slate.items:
        text.append("\n").append(_item_line(item))
    if not slate.items:
        text.append(f"\n  empty: {printable(slate.note)}", "yellow")
    return text


def _item_line(item: SlateItem) -> Text:
    text = Text(f"  {item.rank + 1:>2}  {printable(item.title or item.item_id)}")
    if item.reasons:
        text.append(f"  {printable(item.reasons[0].text)}", "dim")
    return text


def letter_lines(record: Record) -> Text:
    """A dead letter: where it came from, why it was refused, and how it begins."""
    headers = _headers(record)
    text = Text()
    text.append(f"{clock(record.received_at)}  ", "dim")
    text.append(headers.get("origin", "?"), "bold")
    text.append(f"  {headers.get('reason', '?')}", "red")
    text.append(f"\n      {headers.get('message', '')}")
    key = shown(record.key) if record.key is not None else "(none)"
    text.append(f"\n      key {key}  value {shown(record.value)}", "dim")
    return text


def fact_lines(record: Record) -> Text:
    """An event or a request: who, then what stands in it."""
    text = Text()
    text.append(f"{clock(record.received_at)}  ", "dim")
    text.append(shown(record.key), "bold")
    value = as_object(record.value)
    if value is None:
        return text.append(f"  unreadable: {shown(record.value)}", "yellow")
    parts = [f"{name} {_short(name, v)}" for name, v in value.items() if name != "user_id"]
    return text.append(f"  {'  '.join(parts)}")


def _short(name: str, value: Any) -> str:
    if name == "at" and isinstance(value, float | int):
        return moment(value)
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def as_object(value: bytes | None) -> dict[str, Any] | None:
    """The JSON object in a value; None where there is none."""
    try:
        found = json.loads(value or b"")
    except ValueError:  # not JSON, or not UTF-8
        return None
    return found if isinstance(found, dict) else None


def _headers(record: Record) -> Mapping[str, str]:
    return {name: printable(value.decode(errors="replace")) for name, value in record.headers}


def letter_object(record: Record) -> dict[str, Any]:
    """A dead letter with all of its bytes: as text, or in base64 where they are none."""
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    return {
        "at": record.received_at,
        **headers,
        **_data("key", record.key),
        **_data("value", record.value),
    }


def fact_object(record: Record) -> dict[str, Any]:
    """The JSON object on the topic; what cannot be read or was removed is said so."""
    value = as_object(record.value)
    if value is not None:
        return value
    place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    return {
        "at": record.received_at,
        **place,
        **_data("key", record.key),
        **_data("value", record.value),
    }


def _data(name: str, data: bytes | None) -> dict[str, Any]:
    if data is None:
        return {name: None}
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(data).decode()}
