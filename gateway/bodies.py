"""What callers send, read and checked whole before any of it is used."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from gateway.problems import Problem, invalid
from streams.errors import RejectedEvent
from streams.events import Event, Gains, Impression, Interaction, check_id, decode_event
from streams.items import Item, decode_item
from streams.requests import SlateRequest, decode_request

MOST = 1_000
"""Events or items of one request at most."""
_raw_list = msgspec.json.Decoder(list[msgspec.Raw])
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_KINDS: Mapping[str, type[msgspec.Struct]] = {
    "interaction": Interaction,
    "impression": Impression,
}


def one_or_many(body: bytes) -> tuple[list[bytes], bool]:
    """
    The JSON objects of a body, and whether they stood in an array.

    Raises:
        Problem: 400 where it is no JSON, 422 where it is too long.
    """
    many = body.lstrip()[:1] == b"["
    try:
        found = [bytes(raw) for raw in _raw_list.decode(body)] if many else [body]
        for one in found:
            _fields.decode(one)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise Problem(400, "Not JSON", f"expected an object or an array of objects: {exc}") from exc
    if len(found) > MOST:
        raise invalid(f"{len(found)} at once, expected at most {MOST}")
    return found, many


def read_events(body: bytes, *, gains: Gains, now: float, max_ahead: float) -> list[Event]:
    """
    Events to be sent; all are good, or none is taken.

    Raises:
        Problem: The first that is wrong, with its place.
    """
    found, many = one_or_many(body)
    return [
        _event(one, _place(k, many=many), gains=gains, now=now, max_ahead=max_ahead)
        for k, one in enumerate(found)
    ]


def _event(one: bytes, place: str, *, gains: Gains, now: float, max_ahead: float) -> Event:
    fields = _fields.decode(one)
    kind = _text(fields, "kind", place)
    if kind == "forget":
        raise invalid("to forget a user, DELETE /users/{user}", field=f"{place}kind")
    if kind not in _KINDS:
        raise invalid(f"{kind[:40]!r}, expected {' or '.join(_KINDS)}", field=f"{place}kind")
    _refuse_unknown(fields, (*_KINDS[kind].__struct_fields__, "kind"), place)
    user_id = _text(fields, "user_id", place)
    try:
        return decode_event(
            user_id.encode(errors="surrogatepass"),
            one,
            gains=gains,
            received_at=now,
            max_ahead=max_ahead,
        )
    except RejectedEvent as exc:
        raise invalid(str(exc), field=place.rstrip(".")) from exc


def read_items(body: bytes) -> list[Item]:
    """
    Items to be announced; all are good, or none is taken.

    Raises:
        Problem: The first that is wrong, with its place.
    """
    found, many = one_or_many(body)
    return [_item(one, _place(k, many=many)) for k, one in enumerate(found)]


def _item(one: bytes, place: str) -> Item:
    fields = _fields.decode(one)
    _refuse_unknown(fields, Item.__struct_fields__, place)
    item_id = _text(fields, "item_id", place)
    try:
        item = decode_item(item_id.encode(errors="surrogatepass"), one)[1]
    except RejectedEvent as exc:
        raise invalid(str(exc), field=place.rstrip(".")) from exc
    assert item is not None  # there is a value
    return item


def read_request(body: bytes) -> SlateRequest:
    """
    A request for a slate; what only workers fill in is refused.

    Raises:
        Problem: It is wrong.
    """
    found, many = one_or_many(body)
    if many:
        raise invalid("an array, expected one request")
    fields = _fields.decode(found[0])
    _refuse_unknown(fields, ASKED_BY_CALLERS, "")
    user_id = _text(fields, "user_id", "")
    try:
        return decode_request(
            user_id.encode(errors="surrogatepass"), found[0], origin="gateway", received_at=0.0
        )
    except RejectedEvent as exc:
        raise invalid(str(exc)) from exc


ASKED_BY_CALLERS = tuple(
    name for name in SlateRequest.__struct_fields__ if name not in ("trigger", "forget")
)
"""The fields of a request that callers may set."""


def checked_id(field: str, text: str) -> str:
    """
    An id out of a path.

    Raises:
        Problem: It is none.
    """
    try:
        check_id(field, text)
        text.encode()
    except (RejectedEvent, UnicodeEncodeError) as exc:
        raise invalid(str(exc), field=field) from exc
    return text


def readable(field: str, text: str) -> str:
    """
    Words out of a query.

    Raises:
        Problem: They are no Unicode text, or nothing but blanks.
    """
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise invalid("no Unicode text", field=field) from exc
    if not text.strip():
        raise invalid("nothing but blanks", field=field)
    return text


def _place(k: int, *, many: bool) -> str:
    return f"[{k}]." if many else ""


def _text(fields: Mapping[str, msgspec.Raw], name: str, place: str) -> str:
    value: Any = None
    if name in fields:
        value = msgspec.json.decode(fields[name])
    if not isinstance(value, str):
        raise invalid(f"expected a text as {name!r}", field=f"{place}{name}")
    return value


def _refuse_unknown(fields: Mapping[str, msgspec.Raw], known: Collection[str], place: str) -> None:
    for name in fields:
        if name not in known:
            raise invalid(f"not known; known are {', '.join(known)}", field=f"{place}{name[:40]}")
