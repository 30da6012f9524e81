"""Requests for a slate, the records of the `slate-requests` topic: a slate always has a cause."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from streams.errors import MalformedEvent, MalformedRequest
from streams.events import check_id
from streams.wire import UNDECODABLE

MAX_ITEMS = 100
"""Most items one slate may have."""
MAX_WORDS_CHARS = 1_000
"""Longest request in words; a few sentences, and no more than a model is paid to read."""


class Range(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Bounds on a number, both included; None is open."""

    min: float | None = None
    max: float | None = None


Filters: TypeAlias = Mapping[str, str | tuple[str, ...] | Range]
"""Attribute to the value, one of the values, or the range that it must have."""


class Trigger(msgspec.Struct, frozen=True, gc=False):
    """What a slate answers to."""

    id: str
    """The origin of the event, or of the request itself."""
    kind: str
    """The action of the event, or `request`."""
    at: float
    """Event time, seconds since 1970."""
    received_at: float
    """When the broker got it, seconds since 1970: event-to-slate counts from here."""


class SlateRequest(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Ask for a slate."""

    user_id: str
    n: int | None = None
    """How many items; the setting `slates.size` where left out."""
    scenario: str = "feed"
    """`feed`, its `next` page, `similar` to an item, or a row `because` of one."""
    strategy: str | None = None
    """How it is built; the setting `strategy` where left out."""
    about: str | None = None
    """The item that a slate of `similar` items is about."""
    exclude: tuple[str, ...] = ()
    """Items that must not be on it."""
    filters: Filters = {}
    deadline: float | None = None
    """Seconds after which an answer is of no use; the setting `request_deadline` where left out."""
    words: str = ""
    """
    What is wanted, in words; only a language model can read them.

    They come with revision 2.  Where no model is set up the slate says in `degraded` that nobody
    has read them.
    """
    trigger: Trigger | None = None
    """Filled in by profiling, or from the request itself."""
    forget: bool = False
    """Remove the user's slates, instead of making one; asked for by profiling."""


_decoder = msgspec.json.Decoder(SlateRequest)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encoder = msgspec.json.Encoder()


def encode_request(request: SlateRequest) -> bytes:
    """The bytes of a request, as they stand on the topic."""
    return _encoder.encode(request)


def decode_request(
    key: bytes | None, value: bytes | None, *, origin: str, received_at: float
) -> SlateRequest:
    """
    Read one record of the `slate-requests` topic.

    Args:
        key: The record's key, the user id in UTF-8.
        value: JSON of a request.
        origin: The record's id; becomes the trigger of a request that has none.
        received_at: The record's own timestamp, seconds since 1970.

    Raises:
        MalformedRequest: It cannot be decoded or breaks a rule; the message names which.
    """
    if value is None:
        raise MalformedRequest("no value, expected JSON of a request")
    try:
        request = _decoder.decode(value)
        check_id("user_id", request.user_id)
        if request.trigger is None:
            _refuse_unknown_fields(value, request.user_id)
    except (*UNDECODABLE, MalformedEvent) as exc:
        raise MalformedRequest(f"not a slate request: {exc}") from exc
    if key != request.user_id.encode():
        raise MalformedRequest(f"user {request.user_id!r}: key {key!r}, expected the user id")
    if request.trigger is None:
        trigger = Trigger(id=origin, kind="request", at=received_at, received_at=received_at)
        request = msgspec.structs.replace(request, trigger=trigger)
    return _checked(request)


def _refuse_unknown_fields(value: bytes, user_id: str) -> None:
    """
    A misspelt `filters` must not be a slate without any.

    Only of what others send: a request of profiling may come from a later version.
    """
    known = SlateRequest.__struct_fields__
    unknown = [name for name in _fields.decode(value) if name not in known]
    if unknown:
        raise MalformedRequest(
            f"user {user_id!r}: {unknown[0][:40]!r} is no field of a request; "
            f"known are {', '.join(known)}"
        )


def _checked(request: SlateRequest) -> SlateRequest:
    who = f"user {request.user_id!r}"
    if request.n is not None and not 1 <= request.n <= MAX_ITEMS:
        raise MalformedRequest(f"{who}: n {request.n}, expected 1 to {MAX_ITEMS}")
    if request.deadline is not None and not (math.isfinite(request.deadline)):
        raise MalformedRequest(f"{who}: deadline {request.deadline}, expected seconds")
    if request.scenario == "similar" and not request.about:
        raise MalformedRequest(f"{who}: similar to what?  `about` names no item")
    if len(request.words) > MAX_WORDS_CHARS:
        raise MalformedRequest(
            f"{who}: {len(request.words)} characters of words, expected at most {MAX_WORDS_CHARS}"
        )
    return request
