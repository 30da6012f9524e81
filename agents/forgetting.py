"""
Forget a user, wait until the workers have, and look everywhere whether it is so.

Looking asks no worker and belongs to no consumer group: it can be done at any time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TypeAlias

from agents.mentions import Name
from agents.traces import READ_BY_WORKERS, TopicTraces, Trace, settle
from streams import topics
from streams.errors import HeadwaterError
from streams.events import Forget, check_id, encode_event
from streams.kafka import Outbox, Position, Record, partition_of
from streams.origins import Origin
from streams.topics import Topic, Topics

POLL = 0.5
"""Seconds between looks how far the workers have come."""
STATE = (
    topics.PROFILES,
    topics.RECOMMENDATIONS,
    topics.SLATE_DRAFTS,
    topics.SLATE_REQUESTS,
    topics.EVENTS,
)
"""Topics with current state of a user."""

Positions: TypeAlias = Mapping[str, Mapping[int, Position]]
"""Topic to partition to how far the workers have come."""
AskPositions: TypeAlias = Callable[[Sequence[str]], Awaitable[Positions]]
ReadTopic: TypeAlias = Callable[[str, Mapping[int, int] | None], AsyncIterator[list[Record]]]
"""All records of a topic, from given offsets on where there are."""
OnRead: TypeAlias = Callable[[str, int], None]
"""Told after each batch which topic it came from, and how many records that were."""
SearchFiles: TypeAlias = Callable[[Name, Collection[bytes]], list[Trace]]
"""Searches this machine's files; told of keys that end with the id and are not it."""


class NotFolded(HeadwaterError):
    """No worker has dealt with the wish to be forgotten."""


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of a user."""

    traces: Sequence[Trace]
    longer: Collection[bytes]
    """Keys that end with the id and are not it."""

    @property
    def held(self) -> int:
        """Records, or finds in files, that are current state."""
        return sum(trace.held for trace in self.traces)


class Search:
    """Looks for a user on the topics of one tenant."""

    def __init__(
        self, names: Topics, *, read: ReadTopic, ask: AskPositions, on_read: OnRead
    ) -> None:
        self._names = names
        self._read = read
        self._ask = ask
        self._on_read = on_read

    async def state(self, user_id: str) -> Found:
        """What is current, without what is only left in logs."""
        return await self._look(STATE, user_id, whole=False)

    async def everything(self, user_id: str) -> Found:
        """All topics, from their beginnings."""
        return await self._look(topics.ALL, user_id, whole=True)

    async def _look(self, wanted: Sequence[Topic], user_id: str, *, whole: bool) -> Found:
        check_id("user_id", user_id)
        reading = await self._reading()
        found = []
        for topic in wanted:
            place = self._names.name(topic)
            traces = TopicTraces(topic, place, Name(user_id), reading.get(place, {}))
            async for records in self._read(place, None if whole else reading.get(place)):
                for record in records:
                    traces.see(record)
                self._on_read(place, len(records))
            found.append(traces)
        return Found(settle(found), {key for traces in found for key in traces.longer})

    async def _reading(self) -> dict[str, dict[int, int]]:
        """Where the workers go on, on the topics whose records they deal with once."""
        asked = await self._ask([self._names.name(topic) for topic in READ_BY_WORKERS])
        return {topic: {p: at.reading for p, at in parts.items()} for topic, parts in asked.items()}


async def send(
    outbox: Outbox, names: Topics, user_id: str, *, elsewhere: Collection[int]
) -> list[Origin]:
    """
    Put the wish on `events`, in the user's partition and in others that hold something of theirs.

    A producer with another partitioner has put their events, and so their profile, elsewhere.

    Returns:
        Where it stands.

    Raises:
        MalformedEvent: It is no user id.
        DeliveryFailed: The broker did not take it.
    """
    check_id("user_id", user_id)
    key, value = user_id.encode(), encode_event(Forget(user_id=user_id))
    sent = [
        await outbox.post(names.name(topics.EVENTS), key=key, value=value, partition=partition)
        for partition in sorted({partition_of(key, names.partitions), *elsewhere})
    ]
    await outbox.settle()
    places = [each.result() for each in sent]
    return [Origin(place.topic, place.partition, place.offset) for place in places]


class Waiting:
    """Waits for the workers, as long as there is patience."""

    def __init__(
        self,
        names: Topics,
        *,
        ask: AskPositions,
        patience: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._events = names.name(topics.EVENTS)
        self._requests = names.name(topics.SLATE_REQUESTS)
        self._ask = ask
        self._patience = patience
        self._clock = clock
        self._until = clock() + patience

    async def folded(self, sent: Sequence[Origin]) -> None:
        """
        Until profiles are gone for good, and the removal of slates has had its turn.

        Offsets of `events` are committed when the profile's tombstone and the request to remove the
        slates are safe; those of `slate-requests`, when the slates' tombstone is.

        Raises:
            NotFolded: No worker has come so far in time; the message says what to do.
        """
        await self._passed(self._events, {place.partition: place.offset + 1 for place in sent})
        ends = (await self._ask([self._requests]))[self._requests]
        await self._passed(self._requests, {p.partition: ends[p.partition].end for p in sent})

    async def settled(self, is_settled: Callable[[], bool]) -> None:
        """Until something local is so, which no offset tells; the patience may run out."""
        while not is_settled() and self._clock() < self._until:  # noqa: ASYNC110 - a file tells
            await asyncio.sleep(POLL)

    async def _passed(self, topic: str, goals: Mapping[int, int]) -> None:
        before: Mapping[int, Position] | None = None
        while True:
            now = (await self._ask([topic]))[topic]
            before = before or now
            late = [p for p, goal in goals.items() if now[p].reading < goal]
            if not late:
                return
            if self._clock() >= self._until:
                place = Origin(topic, late[0], goals[late[0]] - 1)
                raise NotFolded(self._why(place, before[late[0]], now[late[0]]))
            await asyncio.sleep(POLL)

    def _why(self, place: Origin, before: Position, now: Position) -> str:
        said = f"the wish is in the log and will be carried out, but in {self._patience:g} s no "
        if now.reading > before.reading:
            return (
                f"{said}worker came to {place}: they went on from {before.reading} to "
                f"{now.reading}, so they are behind; look again with `headwater forget USER "
                "--verify`, or wait longer with --patience"
            )
        return (
            f"{said}worker read on to {place}: committed is {now.committed}. Is one running, with "
            "the roles profiling and recommending?  Start `headwater worker`, then look again with "
            "`headwater forget USER --verify`"
        )
