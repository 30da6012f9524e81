"""What the catalogue has: items similar to one, items for words, one item."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from gateway.access import Caller
from gateway.bodies import checked_id, readable
from gateway.parts import caller_of, parts_of
from gateway.problems import not_found, unavailable
from gateway.schemas import answer, problems, ref

router = APIRouter()

_MATCHES = answer(
    {
        "type": "object",
        "required": ["items"],
        "properties": {"items": {"type": "array", "items": ref("Match")}},
    },
    "best first",
)
_N = Query(ge=1, le=100)
LONGEST_QUERY = 1_000
"""Characters; the encoder reads no more."""


@router.get(
    "/items/{item_id:path}/similar",
    summary="Items similar to one",
    responses={200: _MATCHES, **problems(404)},
)
async def get_similar(
    item_id: str,
    request: Request,
    caller: Annotated[Caller, Depends(caller_of)],
    n: Annotated[int, _N] = 10,
) -> Response:
    """The items whose text is nearest to that of one."""
    caller.require("slates", user_id=caller.user)
    try:
        found = await parts_of(request).searching.similar(checked_id("item_id", item_id), n=n)
    except KeyError as exc:
        raise not_found(f"no item {item_id!r} can be found") from exc
    return _answered(found)


@router.get("/search", summary="Items for words", responses={200: _MATCHES, **problems(503)})
async def get_search(
    request: Request,
    caller: Annotated[Caller, Depends(caller_of)],
    q: Annotated[str, Query(min_length=1, max_length=LONGEST_QUERY)],
    n: Annotated[int, _N] = 10,
) -> Response:
    """The items whose text is nearest to some words."""
    caller.require("slates", user_id=caller.user)
    try:
        return _answered(await parts_of(request).searching.search(readable("q", q), n=n))
    except TimeoutError as exc:
        raise unavailable("the encoder is being loaded", after=5) from exc


def _answered(found: object) -> Response:
    return Response(msgspec.json.encode({"items": found}), media_type="application/json")
