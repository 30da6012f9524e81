"""What is known of a user, and why a slate is as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import JSONResponse, Response

from agents.case import Case, case_object, open_case
from agents.catalogue import Catalogue
from agents.lookup import ItemRecords, UserFacts
from agents.wording import ago
from gateway.access import Caller
from gateway.bodies import checked_id
from gateway.parts import Parts, caller_of, parts_of
from gateway.problems import not_found, unavailable
from gateway.schemas import answer, problems
from streams import topics
from streams.errors import DeliveryFailed
from streams.events import Forget, encode_event
from streams.profiles import Profile

router = APIRouter()

_OBJECT = {"type": "object"}
HISTORY = 20
"""Entries of a history shown, newest first."""


@router.get(
    "/users/{user_id}/profile",
    summary="What is known of a user",
    responses={200: answer(_OBJECT, "in words and as facts"), **problems(404)},
)
async def get_profile(
    user_id: str, request: Request, caller: Annotated[Caller, Depends(caller_of)]
) -> Response:
    """What is known of a user, in sentences and as the facts behind them."""
    parts = parts_of(request)
    user = await _user(parts, user_id, caller)
    profile = user.profile or Profile()
    now = parts.clock()
    return JSONResponse(
        {
            "user_id": user_id,
            "words": list(profile_sentences(profile, parts.catalogue, now)),
            "history": [
                {
                    "item_id": entry.item_id,
                    "title": _title(parts.catalogue, entry.item_id),
                    "action": entry.action,
                    "gain": entry.gain,
                    "at": entry.at,
                }
                for entry in reversed(profile.history[-HISTORY:])
            ],
            "seen": len(profile.seen),
            "counters": dict(profile.counters),
        }
    )


@router.get(
    "/users/{user_id}/why",
    summary="Why the newest slate is as it is",
    responses={
        200: answer(_OBJECT, "cause, profile, candidates with their scores"),
        **problems(404),
    },
)
async def get_why(
    user_id: str,
    request: Request,
    caller: Annotated[Caller, Depends(caller_of)],
    n: Annotated[int, Query(ge=1, le=200)] = 20,
) -> Response:
    """The newest slate, what caused it, and every candidate with its score by source."""
    parts = parts_of(request)
    case = _case(parts, await _user(parts, user_id, caller))
    return JSONResponse(case_object(case, n=n))


@router.get(
    "/users/{user_id}/why-not/{item_id:path}",
    summary="Why an item is not on the slate",
    responses={
        200: answer(_OBJECT, "the first rule that decided, with its numbers"),
        **problems(404),
    },
)
async def get_why_not(
    user_id: str,
    item_id: str,
    request: Request,
    caller: Annotated[Caller, Depends(caller_of)],
) -> Response:
    """Why an item is on the newest slate, or is not."""
    parts = parts_of(request)
    user = await _user(parts, user_id, caller)
    records = await parts.log.item(checked_id("item_id", item_id))
    case = _case(parts, user, item=(item_id, records))
    return JSONResponse(case_object(case, n=1)["item"])


@router.delete(
    "/users/{user_id}",
    status_code=202,
    summary="Forget a user",
    responses={202: answer(_OBJECT, "where the wish stands in the log"), **problems(503)},
)
async def delete_user(
    user_id: str, request: Request, caller: Annotated[Caller, Depends(caller_of)]
) -> Response:
    """
    Forget a user: profile, history, slates go; `headwater forget USER --verify` shows what stays.

    The answer comes when the broker has the wish; workers fulfil it within moments.
    """
    caller.require("admin", user_id=user_id)
    parts = parts_of(request)
    key = checked_id("user_id", user_id).encode()
    name = parts.settings.topics().name(topics.EVENTS)
    try:
        origin = await parts.sender.send(name, key=key, value=encode_event(Forget(user_id=user_id)))
    except DeliveryFailed as exc:
        raise unavailable("the broker has not acknowledged the wish; send it again") from exc
    return JSONResponse({"user_id": user_id, "sent": str(origin)}, 202)


def profile_sentences(profile: Profile, catalogue: Catalogue, now: float) -> Iterator[str]:
    """What a profile says, in sentences that hold nothing but its facts."""
    if not profile.history:
        yield "Nothing is known yet."
        return
    counts = ", ".join(f"{count} × {name}" for name, count in sorted(profile.counters.items()))
    yield f"{len(profile.seen)} items seen; {counts}."
    newest = profile.history[-1]
    title = _title(catalogue, newest.item_id)
    yield f"The last was {newest.action} on “{title}”, {ago(now - newest.at)} ago."
    liked = [entry.item_id for entry in profile.history if entry.gain > 0]
    if words := _words(liked, catalogue):
        yield f"Liked most often: {', '.join(words)}."
    disliked = [e.item_id for e in profile.history if e.gain < 0]
    if disliked:
        titles = ", ".join(f"“{_title(catalogue, i)}”" for i in list(dict.fromkeys(disliked))[-3:])
        yield f"Not liked: {titles}."


def _words(item_ids: list[str], catalogue: Catalogue, *, most: int = 5) -> list[str]:
    """The words of attributes that liked items share most."""
    counts: dict[str, int] = {}
    for item_id in item_ids:
        for word in dict.fromkeys(word for _, word in catalogue.words(item_id)):
            counts[word] = counts.get(word, 0) + 1
    shared = sorted((-count, word) for word, count in counts.items() if count > 1)
    return [f"{word} ({-count})" for count, word in shared[:most]]


def _title(catalogue: Catalogue, item_id: str) -> str:
    facts = catalogue.facts(item_id)
    return item_id if facts is None else facts.title


async def _user(parts: Parts, user_id: str, caller: Caller) -> UserFacts:
    caller.require("slates", user_id=user_id)
    user = await parts.log.user(checked_id("user_id", user_id))
    if not user.is_known:
        what = "asked to be forgotten" if user.forgotten else "is not known"
        raise not_found(f"user {user_id!r} {what}")
    return user


def _case(parts: Parts, user: UserFacts, *, item: tuple[str, ItemRecords] | None = None) -> Case:
    settings = parts.settings
    return open_case(
        user,
        parts.catalogue,
        strategies=parts.strategies,
        strategy=settings.strategy,
        now=parts.clock(),
        item=item,
    )
