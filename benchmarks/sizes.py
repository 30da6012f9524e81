"""
What records take on the log, in bytes: `python -m benchmarks.sizes`.

Nothing is timed, so the figures are the same on every machine; `docs/scaling.md` shows them, and a
test runs the command there and compares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from indexes.embedding import DIM
from slates.slate import Reason, Slate, SlateItem, Timings, Versions, encode_slate
from streams.covisits import co_visit_of
from streams.events import DEFAULT_GAINS, Gains, Interaction, encode_event
from streams.items import ItemFacts
from streams.profiles import Profile, encode_profile, fold
from streams.requests import SlateRequest, Trigger, encode_request
from streams.trends import DAY, Trend, encode_co_visit, encode_trend
from streams.trends import fold as fold_trend
from streams.vectors import VectorRecord, encode_vector

NOW = 1_764_000_000.0
GAINS = Gains(DEFAULT_GAINS)
HALF_LIFE = 7 * DAY
HISTORY = 50
USERS = 100


def main() -> None:
    """Print one line for each kind of record."""
    for name, size in sizes().items():
        print(f"{name:<58}{size:>8,} bytes")


def sizes() -> Mapping[str, int]:
    """Kind of record to its bytes: the value, with ids of ten characters."""
    profile = _profile("u000000001", HISTORY)
    event = _click("u000000001", 9_999, HISTORY)
    visit = co_visit_of(event, profile, gains=GAINS, partition=3, offset=12_345_678)
    return {
        "event: a click": len(encode_event(event)),
        "slate request": len(encode_request(_request())),
        f"co-visit of a user with {HISTORY} interactions": len(encode_co_visit(visit)),
        f"profile with {HISTORY} interactions": len(encode_profile(profile)),
        "profile with 200 interactions": len(encode_profile(_profile("u000000002", 200))),
        "trend without predecessors": len(encode_trend(_trend(0))),
        "trend with the 200 predecessors that are kept at most": len(encode_trend(_trend(USERS))),
        "item vector with title and three attributes": len(encode_vector(_vector())),
        "slate of ten items with a reason each": len(encode_slate(_slate())),
    }


def _click(user: str, item: int, number: int) -> Interaction:
    at = NOW + 60.0 * number
    return Interaction(user_id=user, item_id=f"i{item:09}", action="click", at=at)


def _profile(user: str, interactions: int, *, first: int = 0) -> Profile:
    profile = Profile()
    for number in range(interactions):
        event = _click(user, first + number, number)
        folded = fold(profile, event, gains=GAINS, partition=3, offset=12_345_000 + number)
        assert folded is not None  # only a wish to be forgotten leaves nothing
        profile = folded
    return profile


def _trend(users: int) -> Trend:
    """Of an item that users come to, each of whom came to other items before."""
    trend = Trend()
    for number in range(users):
        user = f"u{number:09}"
        profile = _profile(user, HISTORY, first=number * HISTORY)
        event = _click(user, 9_999_999, HISTORY)
        visit = co_visit_of(event, profile, gains=GAINS, partition=3, offset=number)
        trend = fold_trend(trend, visit, half_life=HALF_LIFE)
    return trend


def _trigger() -> Trigger:
    return Trigger("events-3-12345678", "click", NOW, NOW)


def _request() -> SlateRequest:
    return SlateRequest(user_id="u000000001", trigger=_trigger())


def _vector() -> VectorRecord:
    facts = ItemFacts("A title of thirty characters..", attributes=_attributes())
    vector = np.zeros(DIM, dtype=np.float16)
    return VectorRecord(b"12345678", b"0" * 16, vector, facts, 3, 12_345_678, NOW)


def _attributes() -> Mapping[str, str | float | tuple[str, ...]]:
    return {"author": "Jules Verne", "year": 1870.0, "subjects": ("sea", "adventure")}


def _slate() -> Slate:
    return Slate(
        slate_id="slate-events-3-12345678",
        user_id="u000000001",
        revision=1,
        strategy="hybrid",
        scenario="feed",
        trigger=_trigger(),
        items=tuple(_items()),
        ranked_by="engine",
        degraded=(),
        versions=Versions(encoder="all-MiniLM-L6-v2", trends={0: 12_345_678}),
        timings=Timings(0.001, 0.002, 0.003),
        produced_at=NOW,
    )


def _items() -> Iterator[SlateItem]:
    text = "31 of the 40 people who came to “Dune” went on to this"
    evidence = {"items": ["i000000001"], "titles": ["Dune"], "people": 31, "of": 40}
    for rank in range(10):
        title, sources = "A title of thirty characters..", {"companions": 1.25, "similar": 0.5}
        reason = Reason("co-visit", text, evidence)
        yield SlateItem(f"i{rank:09}", title, rank, 2.5 - rank / 8, sources, (reason,))


if __name__ == "__main__":
    main()
