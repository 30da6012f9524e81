"""Workers at any place of a log, and what is said of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from agents.durable import Live, UserKey
from agents.replaying import Replaying, Rules
from agents.spans import Span
from agents.verifying import Verdict, Verifying
from streams.covisits import co_visit_of
from streams.events import Event, Forget, Gains, Interaction, encode_event
from streams.kafka import Record
from streams.profiles import Profile
from streams.profiles import fold as fold_profile
from streams.topics import Topics
from streams.trends import CoVisit, Trend
from streams.trends import fold as fold_trend

DAY = 86_400.0

NAMES = Topics(prefix="", partitions=2)

RULES = Rules(
    Gains({"click": 1.0, "dislike": -2.0}), max_ahead=DAY, max_bytes=100_000, half_life=3 * DAY
)

Log = Mapping[int, Sequence[Event | None]]
"""Partition to its events; None is a record that is none."""


def click(user: str = "ann", item: str = "dune", *, at: float = 1.0) -> Interaction:
    return Interaction(user_id=user, item_id=item, action="click", at=at)


def forget(user: str = "ann") -> Forget:
    return Forget(user_id=user, at=1.0)


@dataclass(frozen=True)
class Workers:
    """What was folded by workers of which each key was read at a time of its own."""

    log: Log
    committed: Mapping[int, int]
    read_at: Callable[[object], Mapping[int, int]]
    """The offset before which a key contains everything, by partition."""
    skipped: frozenset[tuple[int, int]] = frozenset()
    """Events that were lost."""
    settled: bool = True

    def events(self, partition: int) -> list[tuple[int, Event]]:
        return [
            (offset, event)
            for offset, event in enumerate(self.log[partition])
            if event is not None and (partition, offset) not in self.skipped
        ]

    def live(self) -> Live:
        profiles: dict[UserKey, Profile] = {}
        visits: list[tuple[str, CoVisit]] = []
        for partition in self.log:
            for user in {event.user_id for _, event in self.events(partition)}:
                known, sent = self._user(partition, user)
                visits += sent
                if known is not None:
                    profiles[partition, user] = known
        return Live(self.committed, profiles, self._trends(visits), self.settled)

    def _user(self, partition: int, user: str) -> tuple[Profile | None, list[tuple[str, CoVisit]]]:
        known: Profile | None = None
        written: Profile | None = None
        visits = []
        for offset, event in self.events(partition):
            if event.user_id != user:
                continue
            before = known or Profile()
            if isinstance(event, Interaction):
                visit = co_visit_of(
                    event, before, gains=RULES.gains, partition=partition, offset=offset
                )
                visits.append((event.item_id, visit))
            known = fold_profile(
                before, event, gains=RULES.gains, partition=partition, offset=offset
            )
            if offset < self.read_at((partition, user))[partition]:
                written = known
        return written, visits

    def _trends(self, visits: Sequence[tuple[str, CoVisit]]) -> dict[str, Trend]:
        trends: dict[str, Trend] = {}
        # One partition after the other, as no replay would.
        for item_id, visit in sorted(visits, key=lambda v: (-v[1].partition, v[1].offset)):
            if visit.offset < self.read_at(item_id)[visit.partition]:
                trend = trends.get(item_id) or Trend()
                trends[item_id] = fold_trend(trend, visit, half_life=RULES.half_life)
        return trends


def whole(log: Log) -> Workers:
    """Everything folded and committed."""
    ends = {partition: len(events) for partition, events in log.items()}
    return Workers(log, ends, lambda key: ends)


def records(log: Log, *, starts: Mapping[int, int], stops: Mapping[int, int]) -> list[Record]:
    """A span of the log, the partitions in turn."""
    found = [
        Record(
            "events",
            partition,
            offset,
            b"ann" if event is None else event.user_id.encode(),
            b"{" if event is None else encode_event(event),
            1.0 * DAY,
        )
        for partition, events in log.items()
        for offset, event in enumerate(events)
        if starts[partition] <= offset < stops[partition]
    ]
    return sorted(found, key=lambda record: (record.offset, record.partition))


def verify(
    live: Live, log: Log, *, starts: Mapping[int, int] = {}, stops: Mapping[int, int] = {}
) -> Verdict:
    ends = {partition: len(events) for partition, events in log.items()}
    span = Span({**dict.fromkeys(log, 0), **starts}, {**ends, **stops}, ends)
    verifying = Verifying(live, NAMES, half_life=RULES.half_life)
    replaying = Replaying(NAMES, RULES, watch=verifying)

    async def main() -> None:
        for record in records(log, starts=span.starts, stops=span.stops):
            await replaying.fold(record)

    asyncio.run(main())
    return verifying.verdict(replaying.profiles, span)


def said(verdict: Verdict) -> list[str]:
    return [f"{d.of}: {'; '.join(d.phrases())}" for d in verdict.differences]


LOG: Log = {
    0: [click("ann"), click("eve"), None, click("ann", "emma"), forget("eve")],
    1: [click("ann", "moby"), click("zoe", "moby")],
}


def altered(live: Live, key: UserKey | str, **fields: Any) -> Live:
    """The same, but for fields of one profile or trend."""
    if isinstance(key, str):
        trend = msgspec.structs.replace(live.trends[key], **fields)
        return replace(live, trends={**live.trends, key: trend})
    profile = msgspec.structs.replace(live.profiles[key], **fields)
    return replace(live, profiles={**live.profiles, key: profile})
