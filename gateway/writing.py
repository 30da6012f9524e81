"""What comes in: events and items, answered once the broker has them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import Response

from gateway.access import Caller
from gateway.bodies import checked_id, read_events, read_items
from gateway.parts import Parts, caller_of, parts_of
from gateway.problems import unavailable
from gateway.schemas import answer, body, problems
from streams import topics
from streams.errors import DeliveryFailed
from streams.events import Event, encode_event
from streams.items import Item, encode_item
from streams.topics import Topic

router = APIRouter()

ACCEPTED = answer(
    {
        "type": "object",
        "required": ["accepted", "ids"],
        "properties": {
            "accepted": {"type": "integer"},
            "ids": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Where each stands in the log; a slate names it as its trigger.",
            },
        },
    },
    "the broker has acknowledged all of them",
)
EVENTS = {
    "a click": {"kind": "interaction", "user_id": "ann", "item_id": "moby-dick", "action": "click"},
    "a rating and a slate shown": [
        {
            "kind": "interaction",
            "user_id": "ann",
            "item_id": "dracula",
            "action": "rating",
            "value": 4.5,
        },
        {
            "kind": "impression",
            "user_id": "ann",
            "slate_id": "slate-events-0-1",
            "item_ids": ["moby-dick", "dracula"],
        },
    ],
}
ITEMS = {
    "a book": {
        "item_id": "the-sea-wolf",
        "title": "The Sea-Wolf",
        "description": "A castaway is taken aboard a sealing schooner with a ruthless captain.",
        "attributes": {"author": "Jack London", "year": 1904, "subjects": ["sea", "survival"]},
    }
}


@router.post(
    "/events",
    status_code=202,
    summary="Send events",
    responses={202: ACCEPTED, **problems(400, 503)},
    openapi_extra=body("Interaction", "Impression", many=True, examples=EVENTS),
)
async def post_events(
    request: Request,
    caller: Annotated[Caller, Depends(caller_of)],
    idempotency_key: Annotated[str, Header(max_length=255)] = "",
) -> Response:
    """
    Send one event, or an array of them.

    All are checked first; if one is wrong, none is sent.  The answer comes when the broker has
    acknowledged all.  After a 503 some may have arrived: send them again with the same
    `Idempotency-Key`, and this gateway will not send twice what it knows to have arrived.
    """
    parts, sent = parts_of(request), await request.body()
    settings = parts.settings
    events = read_events(
        sent,
        gains=settings.gains(),
        now=parts.clock(),
        max_ahead=settings.events.max_ahead.total_seconds(),
    )
    for event in events:
        caller.require("events", user_id=event.user_id)
    ids = await parts.repeats.once(
        (caller.name, idempotency_key), sent, lambda: _send_events(parts, events)
    )
    return _accepted(ids)


@router.post(
    "/items",
    status_code=202,
    summary="Announce items",
    responses={202: ACCEPTED, **problems(400, 503)},
    openapi_extra=body("Item", many=True, examples=ITEMS),
)
async def post_items(
    request: Request,
    caller: Annotated[Caller, Depends(caller_of)],
    idempotency_key: Annotated[str, Header(max_length=255)] = "",
) -> Response:
    """Announce one item, or an array of them; one with a known id is replaced."""
    caller.require("items")
    parts, sent = parts_of(request), await request.body()
    items = read_items(sent)
    ids = await parts.repeats.once(
        (caller.name, idempotency_key), sent, lambda: _send_items(parts, items)
    )
    return _accepted(ids)


@router.delete(
    "/items/{item_id:path}",
    status_code=202,
    summary="Take an item out",
    responses={202: ACCEPTED, **problems(503)},
)
async def delete_item(
    item_id: str, request: Request, caller: Annotated[Caller, Depends(caller_of)]
) -> Response:
    """Take an item out of the catalogue; one that is not there stays away."""
    caller.require("items")
    key = checked_id("item_id", item_id).encode()
    return _accepted(await _send(parts_of(request), topics.ITEMS, [(key, None)]))


async def _send_events(parts: Parts, events: Sequence[Event]) -> list[str]:
    records = [(event.user_id.encode(), encode_event(event)) for event in events]
    return await _send(parts, topics.EVENTS, records)


async def _send_items(parts: Parts, items: Sequence[Item]) -> list[str]:
    records = [(item.item_id.encode(), encode_item(item)) for item in items]
    return await _send(parts, topics.ITEMS, records)


async def _send(
    parts: Parts, topic: Topic, records: Sequence[tuple[bytes, bytes | None]]
) -> list[str]:
    """Send all, in order; where one fails the others are still waited for."""
    name = parts.settings.topics().name(topic)
    sent: list[Any] = await asyncio.gather(
        *(parts.sender.send(name, key=key, value=value) for key, value in records),
        return_exceptions=True,
    )
    failed = [result for result in sent if isinstance(result, DeliveryFailed)]
    if failed:
        parts.metrics.gateway_undelivered.inc(len(failed))
        raise unavailable(
            f"the broker has not acknowledged {len(failed)} of {len(records)}; "
            "send all of them again with the same Idempotency-Key"
        )
    for result in sent:
        if isinstance(result, BaseException):
            raise result
    return [str(origin) for origin in sent]


def _accepted(ids: Sequence[str]) -> Response:
    body = json.dumps({"accepted": len(ids), "ids": list(ids)})
    return Response(body, 202, media_type="application/json")
