"""Tokens for browsers."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from gateway.access import Caller
from gateway.bodies import checked_id
from gateway.parts import caller_of, parts_of
from gateway.problems import Problem
from gateway.schemas import answer, problems
from gateway.tokens import LONGEST

router = APIRouter()


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose token is wanted."""

    user_id: str
    seconds: Annotated[float, msgspec.Meta(gt=0, le=LONGEST)] = 600.0


_decoder = msgspec.json.Decoder(Wish)
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["user_id"],
                    "additionalProperties": False,
                    "properties": {
                        "user_id": {"type": "string"},
                        "seconds": {"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST},
                    },
                },
                "examples": {"ten minutes": {"value": {"user_id": "ann", "seconds": 600}}},
            }
        },
    }
}


@router.post(
    "/tokens",
    summary="A token for one user's browser",
    responses={
        200: answer(
            {
                "type": "object",
                "required": ["token", "seconds"],
                "properties": {"token": {"type": "string"}, "seconds": {"type": "number"}},
            },
            "for the header Authorization: Bearer",
        ),
        **problems(400),
    },
    openapi_extra=_BODY,
)
async def post_token(request: Request, caller: Annotated[Caller, Depends(caller_of)]) -> Response:
    """
    A token with which a browser may read one user's slates and send that user's events.

    Your own server asks for it, after it has made sure who the user is.
    """
    caller.require("admin")
    try:
        wish = _decoder.decode(await request.body())
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise Problem(422, "The request is not valid", str(exc)) from exc
    user_id = checked_id("user_id", wish.user_id)
    token = parts_of(request).access.token(user_id, seconds=wish.seconds)
    return JSONResponse(
        {"token": token, "seconds": wish.seconds}, headers={"Cache-Control": "no-store"}
    )
