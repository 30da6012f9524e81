"""A slate that was sent, and its draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slates.draft import Candidate, Draft, Had
from slates.model import Usage
from slates.refining import Refined
from slates.slate import Reason, Slate, SlateItem, Timings, Versions
from streams.requests import Trigger

AT = 1_700_000_000.0
POPULAR = Reason("popular", "40 people have come to it so far", {"people": 40})
CAUSE = Trigger("events-0-7", "click", AT - 1.0, AT - 0.5)


def slate_of(item_ids: Sequence[str], *, user: str = "ann", **fields: Any) -> Slate:
    """Revision 1 of these items."""
    items = tuple(
        SlateItem(i, f"Title of {i}", rank, 1.0 - rank / 10, {"popular": 1.0}, (POPULAR,))
        for rank, i in enumerate(item_ids)
    )
    made: dict[str, Any] = {
        "slate_id": "slate-events-0-7",
        "user_id": user,
        "revision": 1,
        "strategy": "rerank",
        "scenario": "feed",
        "trigger": CAUSE,
        "items": items,
        "ranked_by": "engine",
        "degraded": (),
        "versions": Versions(encoder="a model", trends={0: 11}),
        "timings": Timings(queued=0.001, retrieved=0.002, ranked=0.003),
        "produced_at": AT,
        "refinement": "asked: cold",
    }
    return Slate(**{**made, **fields})


def draft_of(
    item_ids: Sequence[str] = ("a", "b"),
    *,
    further: Sequence[str] = ("c", "d"),
    attributes: Mapping[str, Any] | None = None,
    history: tuple[Had, ...] = (),
    n: int = 2,
    deadline: float = AT + 5.0,
    people: int = 40,
    **fields: Any,
) -> Draft:
    """A draft of these items, with further ones on the shortlist; `attributes` by item."""
    candidates = tuple(
        Candidate(
            i,
            f"Title of {i}",
            1.0 - k / 10,
            attributes=(attributes or {}).get(i, {}),
            people=people,
        )
        for k, i in enumerate([*item_ids, *further])
    )
    made: dict[str, Any] = {
        "slate": slate_of(item_ids),
        "refinement": "rerank",
        "candidates": candidates,
        "history": history,
        "n": n,
        "interactions": len(history),
        "deadline": deadline,
    }
    return Draft(**{**made, **fields})


def refined_of(order: Sequence[str], **fields: Any) -> Refined:
    """As if a model had said this order."""
    made: dict[str, Any] = {
        "order": tuple(order),
        "reasons": {},
        "usage": Usage(prompt=300, completion=20),
        "model": "small",
        "prompt": "rerank/1",
        "calls": 1,
    }
    return Refined(**{**made, **fields})
