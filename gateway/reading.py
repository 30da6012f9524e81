"""What goes out: slates, at once, on request, and as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Header, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from gateway.access import Caller
from gateway.board import Posted, read_posted
from gateway.bodies import checked_id, read_request
from gateway.parts import Parts, caller_of, parts_of
from gateway.problems import not_found, unavailable
from gateway.schemas import answer, body, problems, ref
from streams import topics
from streams.errors import DeliveryFailed
from streams.requests import SlateRequest, encode_request

router = APIRouter()

PING = 15
"""Seconds between signs of life on a quiet stream; proxies give up after 30 to 60."""
SEND_WITHIN = 10.0
"""Seconds a client may take to take what is sent; then it is gone."""
DEADLINE = 30.0
"""Seconds a caller may let us wait for a slate at most."""

_SLATE = answer(ref("Slate"), "the newest slate")
_ASKED = answer(
    {
        "type": "object",
        "required": ["is_answer", "note", "slate"],
        "properties": {
            "is_answer": {
                "type": "boolean",
                "description": "False: no answer came in time, this is the newest there was.",
            },
            "note": {"type": "string"},
            "slate": ref("Slate"),
        },
    },
    "the answer, or the newest slate with a mark",
)
_ASKS = {
    "five for the feed": {"user_id": "ann", "n": 5},
    "similar to one": {"user_id": "ann", "scenario": "similar", "about": "moby-dick"},
    "with filters": {"user_id": "ann", "filters": {"year": {"max": 1900}}},
}


@router.get(
    "/slates/{user_id}",
    summary="The newest slate",
    responses={200: _SLATE, 304: {"description": "the one you have"}, **problems(404)},
)
async def get_slate(
    user_id: str,
    request: Request,
    caller: Annotated[Caller, Depends(caller_of)],
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """A user's newest slate, at once, as it stands on the topic."""
    caller.require("slates", user_id=user_id)
    posted = await _newest(parts_of(request), checked_id("user_id", user_id))
    if posted is None or posted.value is None:
        raise not_found(f"no slate for {user_id!r} yet: send an event, or ask for one")
    headers = {"ETag": posted.etag, "Cache-Control": "private, no-cache"}
    if if_none_match == posted.etag:
        return Response(status_code=304, headers=headers)
    return Response(posted.value, headers=headers, media_type="application/json")


@router.post(
    "/slates",
    summary="Ask for a slate",
    responses={200: _ASKED, **problems(400, 503)},
    openapi_extra=body("SlateRequest", examples=_ASKS),
)
async def post_slate(request: Request, caller: Annotated[Caller, Depends(caller_of)]) -> Response:
    """
    Ask for a slate now and wait for it.

    When none comes in time (`deadline` of the request, else the setting), the newest slate of the
    user is given with `is_answer` false; where there is none, 503.
    """
    parts = parts_of(request)
    asked = read_request(await request.body())
    caller.require("slates", user_id=asked.user_id)
    within = min(asked.deadline or parts.settings.gateway.answer_within.total_seconds(), DEADLINE)
    trigger = await _ask(parts, asked)
    posted = await parts.board.answer(asked.user_id, trigger, within=max(within, 0.0))
    note = ""
    if posted is None:
        posted = await _newest(parts, asked.user_id)
        note = f"no answer within {within:g} s; is a worker running, and how far behind is it?"
    if posted is None or posted.value is None:
        raise unavailable(note or "the user was forgotten meanwhile")
    return Response(_answered(posted.value, note), media_type="application/json")


@router.get(
    "/slates/{user_id}/stream",
    summary="Slates as they come",
    responses={
        200: answer(
            {"type": "string"},
            "events `slate` with a slate as data, `forgotten` with nothing",
            media="text/event-stream",
        ),
        **problems(503),
    },
)
async def stream_slates(
    user_id: str,
    request: Request,
    caller: Annotated[Caller, Depends(caller_of)],
    last_event_id: Annotated[str, Header()] = "",
) -> Response:
    """
    Server-sent events: the newest slate, then every revision as it comes.

    Whoever connects again with `Last-Event-ID` gets the newest slate if it is another one.  A slow
    reader misses what is outdated and holds nobody back.
    """
    caller.require("slates", user_id=user_id)
    parts = parts_of(request)
    checked_id("user_id", user_id)
    parts.limits.allow_stream(caller, request)  # here, while there can be a status
    newest = await _newest(parts, user_id)
    room = parts.limits.stream(caller, request)
    return EventSourceResponse(
        _follow(parts, user_id, newest, last_event_id, room),
        ping=PING,
        send_timeout=SEND_WITHIN,
        headers={"Cache-Control": "no-store"},
    )


async def _follow(
    parts: Parts,
    user_id: str,
    newest: Posted | None,
    last: str,
    room: AbstractContextManager[None],
) -> AsyncIterator[ServerSentEvent]:
    with (
        room,
        parts.metrics.gateway_streams.track_inprogress(),
        parts.board.watching(user_id) as came,
    ):
        newest = parts.board.newest(user_id) or newest
        if newest is not None and newest.place != last:
            yield _event(newest)
        while True:
            yield _event(await came.next())


def _event(posted: Posted) -> ServerSentEvent:
    if posted.value is None:
        return ServerSentEvent(data="", event="forgotten", id=posted.place)
    return ServerSentEvent(data=posted.value.decode(), event="slate", id=posted.place)


async def _newest(parts: Parts, user_id: str) -> Posted | None:
    """From the board; where that does not hold everybody, from the log."""
    posted = parts.board.newest(user_id)
    if posted is not None or not parts.board.forgets():
        return posted
    record = await parts.log.newest(topics.RECOMMENDATIONS, user_id.encode())
    return None if record is None else read_posted(record)


async def _ask(parts: Parts, asked: SlateRequest) -> str:
    """Put the request on its topic; the trigger that its slate will name."""
    bare = msgspec.structs.replace(asked, trigger=None)
    name = parts.settings.topics().name(topics.SLATE_REQUESTS)
    try:
        origin = await parts.sender.send(
            name, key=asked.user_id.encode(), value=encode_request(bare)
        )
    except DeliveryFailed as exc:
        raise unavailable("the broker does not take the request") from exc
    return str(origin)


def _answered(slate: bytes, note: str) -> bytes:
    return msgspec.json.encode({"is_answer": not note, "note": note, "slate": msgspec.Raw(slate)})
