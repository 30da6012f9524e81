"""
What the workers have made durable, read from the changelogs without asking any of them.

How far they are is asked first and their state is read after that, so the state contains at least
what they said they had folded, however fast they go on meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TypeAlias, TypeVar

from streams import topics
from streams.errors import ChangelogUnreadable
from streams.kafka import Position, Record
from streams.origins import Origin
from streams.profiles import Profile, decode_profile
from streams.topics import Topics
from streams.trends import Trend, decode_trend
from streams.wire import UNDECODABLE

POLL = 0.5
"""Seconds between looks how far the trends have come."""

V = TypeVar("V")

UserKey: TypeAlias = tuple[int, str]
"""Partition of `events` and user: whose events went to two partitions has two profiles."""
Positions: TypeAlias = Mapping[int, Position]
"""Partition to how far a group has come."""
Ask: TypeAlias = Callable[[str, str], Awaitable[Positions]]
"""How far a group, the first, has come on a topic, the second."""
Read: TypeAlias = Callable[[str], AsyncIterator[list[Record]]]
"""All records that are on a topic now."""


@dataclass(frozen=True, slots=True)
class Live:
    """What the workers had made durable."""

    committed: Mapping[int, int]
    """Partition of `events` to the offset before which all was folded, when reading began."""
    profiles: Mapping[UserKey, Profile]
    trends: Mapping[str, Trend]
    trends_settled: bool
    """Were all co-visits of events before `committed` folded into the trends?"""


class Reading:
    """Reads the state of one tenant's workers."""

    def __init__(
        self,
        names: Topics,
        *,
        ask: Ask,
        read: Read,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._names = names
        self._ask = ask
        self._read = read
        self._clock = clock

    async def live(self, group: str, *, trend_groups: Sequence[str], patience: float) -> Live:
        """
        First how far the workers are, then their state.

        Args:
            group: The consumer group of the workers that own profiles.
            trend_groups: Those that may own trends.
            patience: Seconds to wait until trends contain what profiles do.

        Raises:
            ChangelogUnreadable: A value cannot be decoded.
        """
        positions = await self._ask(group, self._names.name(topics.EVENTS))
        settled = await self._settled(trend_groups, patience=patience)
        profiles = await self._newest(self._names.name(topics.PROFILES), decode_profile)
        trends = await self._newest(self._names.name(topics.ITEM_TRENDS), decode_trend)
        return Live(
            committed={partition: found.committed or 0 for partition, found in positions.items()},
            profiles=profiles,
            trends={item_id: trend for (_, item_id), trend in trends.items()},
            trends_settled=settled,
        )

    async def _settled(self, groups: Sequence[str], *, patience: float) -> bool:
        """
        Wait until all co-visits that are there now are folded; False when that takes too long.

        Those of an event were on their topic before the event was committed.
        """
        topic = self._names.name(topics.CO_VISITS)
        until = self._clock() + patience
        goals: dict[int, int] | None = None
        while True:
            found = [await self._ask(group, topic) for group in groups]
            if goals is None:
                goals = {partition: place.end for partition, place in found[0].items()}
            if all(max(each[p].reading for each in found) >= goal for p, goal in goals.items()):
                return True
            if self._clock() >= until:
                return False
            await asyncio.sleep(POLL)

    async def _newest(self, topic: str, decode: Callable[[bytes], V]) -> dict[UserKey, V]:
        """Partition and key to the newest value of a changelog."""
        newest: dict[tuple[int, bytes], Record] = {}
        async for records in self._read(topic):
            for record in records:
                newest[record.partition, record.key or b""] = record
        return {
            (partition, key.decode(errors="replace")): _decoded(record, record.value, decode)
            for (partition, key), record in newest.items()
            if record.value is not None
        }


def _decoded(record: Record, value: bytes, decode: Callable[[bytes], V]) -> V:
    try:
        return decode(value)
    except UNDECODABLE as exc:
        place = Origin(record.topic, record.partition, record.offset)
        raise ChangelogUnreadable(
            f"{place}, key {record.key!r}: {exc}; a newer Headwater may have written it: "
            "verify with that version"
        ) from exc
