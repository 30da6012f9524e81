"""
One user's case, as `headwater why` tells it: the newest slate, its cause, and the same again now.

Pure: everything it is made of was read before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from agents.catalogue import Catalogue
from agents.lookup import ItemRecords, UserFacts
from agents.tracing import Standing, Tracer, Verdict, standing_of
from agents.wording import as_object, shown
from slates.building import Built, build
from slates.strategies import Strategies
from streams.profiles import Profile


@dataclass(frozen=True, slots=True)
class Case:
    """All there is to tell."""

    user: UserFacts
    profile: Profile
    catalogue: Catalogue
    built: Built
    standing: Standing
    now: float
    """Event time, seconds since 1970."""
    item_id: str | None = None
    verdict: Verdict | None = None

    def title(self, item_id: str) -> str:
        """What an item is called; its id where nobody announced it."""
        facts = self.catalogue.facts(item_id)
        return item_id if facts is None else facts.title


def open_case(
    user: UserFacts,
    catalogue: Catalogue,
    *,
    strategies: Strategies,
    strategy: str,
    now: float,
    item: tuple[str, ItemRecords] | None = None,
) -> Case:
    """
    Build the user's slate again and ask about an item.

    Args:
        user: What the log says of the user.
        catalogue: What it says of all items.
        strategies: Those of the workers.
        strategy: The one that is taken where neither slate nor request names one.
        now: Taken as the present where no slate says when its trigger was.
        item: The item asked about, with what the log says of it.
    """
    profile = user.profile or Profile()
    if user.slate is not None:
        now = user.slate.trigger.at
    named = user.request.strategy or (user.slate.strategy if user.slate else strategy)
    config = strategies.get(named, strategies[strategy])
    built = build(user.request, profile, catalogue, now=now, config=config)
    standing = standing_of(built)
    verdict = None
    if item is not None:
        tracer = Tracer(built, standing, user.request, profile, catalogue, now, config)
        verdict = _with_log(tracer.trace(item[0]), item[1])
    item_id = None if item is None else item[0]
    return Case(user, profile, catalogue, built, standing, now, item_id, verdict)


def _with_log(verdict: Verdict, records: ItemRecords) -> Verdict:
    """Of an item that no worker knows, the log may say why."""
    if verdict.kind != "unknown":
        return verdict
    announced, refused = records.announced, records.refused
    if refused is not None and (announced is None or refused.received_at >= announced.received_at):
        message = dict(refused.headers).get("message", b"").decode(errors="replace")
        return Verdict(
            "unknown", f"It was refused: {message}.", {"refused_at": refused.received_at}
        )
    if announced is None:
        return Verdict("unknown", "Nobody has announced it: there is no such item.", {})
    facts = {"at": announced.received_at}
    if announced.value is None:
        return Verdict("unknown", "It was taken out of the catalogue.", facts)
    return Verdict("unknown", "It is announced but has no vector yet: is a worker running?", facts)


def case_object(case: Case, *, n: int) -> dict[str, Any]:
    """
    The case as one JSON object.

    Args:
        case: What to tell.
        n: How many candidates, from the best.
    """
    user, profile = case.user, case.profile
    return {
        "user_id": user.user_id,
        "now": case.now,
        "slate": None if user.slate is None else msgspec.to_builtins(user.slate),
        "event": _event_object(user),
        "profile": {
            "history": [_entry(entry, case.now) for entry in reversed(profile.history)],
            "seen": len(profile.seen),
            "counters": dict(profile.counters),
            "likes": None if profile.likes is None else msgspec.structs.asdict(profile.likes),
        },
        "built": {
            "note": case.built.note,
            "items": [msgspec.to_builtins(item) for item in case.built.items],
            "candidates": candidates(case, n=n),
            "candidates_total": len(case.standing.rank),
        },
        "item": None
        if case.verdict is None
        else {
            "item_id": case.item_id,
            "title": case.title(case.item_id or ""),
            **asdict(case.verdict),
        },
    }


def candidates(case: Case, *, n: int) -> list[dict[str, Any]]:
    """The n best candidates, and those that are on the slate, in the order of their scores."""
    shortlist, standing = case.built.shortlist, case.standing
    rows = []
    in_order = shortlist.order.tolist()
    for rank, candidate in enumerate(shortlist.candidates.at(in_order)):
        if rank >= n and candidate.item_id not in standing.place:
            continue
        place, move = standing.place.get(candidate.item_id), standing.move(candidate.item_id)
        rows.append(
            {
                "item_id": candidate.item_id,
                "title": case.title(candidate.item_id),
                "rank": rank,
                "place": place,
                "moved_by": None if move is None else move.cause,
                "score": round(float(shortlist.scores[in_order[rank]]), 6),
                "sources": {name: round(s, 4) for name, s in candidate.sources.items()},
            }
        )
    return rows


def _event_object(user: UserFacts) -> Mapping[str, Any] | None:
    """The trigger as it stands in the log; None where it is there no more."""
    if user.event is None:
        return None
    return as_object(user.event.value) or {"unreadable": shown(user.event.value)}


def _entry(entry: Any, now: float) -> dict[str, Any]:
    return {
        "item_id": entry.item_id,
        "action": entry.action,
        "gain": entry.gain,
        "at": entry.at,
        "age_seconds": round(max(now - entry.at, 0.0), 3),
    }
