"""
Look things up in the log itself: what is known of a user, of an item, of the whole catalogue.

Nothing here asks a worker or belongs to a consumer group: looking leaves no trace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from agents.catalogue import Catalogue
from agents.decoding import read_rankers, read_trends, read_vectors
from indexes.embedding import DIM, fingerprint
from indexes.exact import ExactIndex
from slates.slate import Slate, decode_slate
from streams import topics
from streams.errors import MalformedRequest, StateUnusable
from streams.kafka import Broker, LogReader, Record, partition_of, read_to_end
from streams.origins import Origin
from streams.profiles import Profile, decode_profile
from streams.requests import SlateRequest, decode_request
from streams.topics import Topic, Topics

WINDOW = 5_000
"""Offsets looked at first, from the end; four times as many after each window without a find."""
READ_WAIT = 1.0

T = TypeVar("T")
Wanted = Callable[[Record], bool]


@dataclass(frozen=True, slots=True)
class UserFacts:
    """What the log says of a user."""

    user_id: str
    slate: Slate | None
    """The newest one that is there."""
    request: SlateRequest
    """What asked for it; a plain request where that is not in the log any more."""
    event: Record | None
    """What triggered it, where that is still in the log."""
    profile: Profile | None
    forgotten: bool
    """Was the user removed on request?"""

    @property
    def is_known(self) -> bool:
        """Is there anything to tell?"""
        return self.slate is not None or self.profile is not None


@dataclass(frozen=True, slots=True)
class ItemRecords:
    """What the log says of an item besides its vector."""

    announced: Record | None
    """Newest record of `items`; one without a value took the item out."""
    refused: Record | None
    """Newest dead letter that came from `items`."""


class Log:
    """The topics of one tenant, to look things up in."""

    def __init__(self, broker: Broker, names: Topics) -> None:
        self._broker = broker
        self._names = names

    async def user(self, user_id: str) -> UserFacts:
        """
        Everything about one user.

        Raises:
            TopicMismatch: A topic is missing.
            StateUnusable: A record was written by another version.
        """
        key = user_id.encode()
        slated, profiled = await asyncio.gather(
            self.newest(topics.RECOMMENDATIONS, key), self.newest(topics.PROFILES, key)
        )
        slate = _decoded(slated, decode_slate)
        profile = _decoded(profiled, decode_profile)
        request, event = await asyncio.gather(self._request(user_id, slate), self._event(slate))
        forgotten = bool(slated and slated.value is None)
        return UserFacts(user_id, slate, request, event, profile, forgotten)

    async def item(self, item_id: str) -> ItemRecords:
        """Whether an item was announced, and whether that was refused."""
        key, items = item_id.encode(), self._names.name(topics.ITEMS).encode()
        announced, refused = await asyncio.gather(
            self.newest(topics.ITEMS, key),
            self.newest(topics.DEAD_LETTERS, key, lambda r: dict(r.headers).get("topic") == items),
        )
        return ItemRecords(announced, refused)

    async def catalogue(self, *, half_life: float) -> tuple[Catalogue, list[str]]:
        """
        All items as the workers know them, and why some of their records were refused.

        Args:
            half_life: Seconds after which an interaction counts half in popularity.
        """
        catalogue = Catalogue(ExactIndex(DIM), half_life=half_life)
        refused: list[str] = []

        def refuse(record: Record, error: Exception) -> None:
            refused.append(f"{record.topic}-{record.partition}-{record.offset}: {error}")

        async for records in read_to_end(self._broker, self._names.name(topics.ITEM_VECTORS)):
            changes = read_vectors(records, dim=DIM, fingerprint=fingerprint(), refuse=refuse)
            for item_id in changes.gone:
                catalogue.index.discard(item_id)
                catalogue.discard(item_id)
            catalogue.index.upsert_many([(i, v.vector) for i, v in changes.vectors.items()])
            for item_id, vector in changes.vectors.items():
                catalogue.announce(item_id, vector)
        async for records in read_to_end(self._broker, self._names.name(topics.ITEM_TRENDS)):
            for item_id, trend in read_trends(records, refuse=refuse).items():
                catalogue.follow(item_id, trend)
        async for records in read_to_end(self._broker, self._names.name(topics.RANKERS)):
            for strategy, ranker in read_rankers(records, refuse=refuse).items():
                catalogue.learn(strategy, ranker)
        return catalogue, refused

    async def newest(self, topic: Topic, key: bytes, wanted: Wanted | None = None) -> Record | None:
        """The last record with this key that is wanted; the log is searched from its end."""
        partition = partition_of(key, self._names.partitions)
        reader = LogReader(self._broker, self._names.name(topic), partitions=[partition])
        await reader.start()
        try:
            end, begin, window = reader.ends[partition], reader.begins[partition], WINDOW
            while end > begin:
                start = max(end - window, begin)
                reader.go_to({partition: start})
                found = [
                    record
                    for record in await _read_until(reader, partition, end)
                    if record.key == key and (wanted is None or wanted(record))
                ]
                if found:
                    return found[-1]
                end, window = start, 4 * window
        finally:
            await reader.stop()
        return None

    async def _request(self, user_id: str, slate: Slate | None) -> SlateRequest:
        plain = SlateRequest(user_id=user_id)
        if slate is None:
            return plain

        def causes_it(record: Record) -> bool:
            request = _request_of(record)
            trigger = None if request is None else request.trigger
            return trigger is not None and trigger.id == slate.trigger.id

        record = await self.newest(topics.SLATE_REQUESTS, user_id.encode(), causes_it)
        return (record and _request_of(record)) or plain

    async def _event(self, slate: Slate | None) -> Record | None:
        place = None if slate is None else read_origin(slate.trigger.id)
        if place is None or place.topic not in dict(self._names):
            return None
        reader = LogReader(self._broker, place.topic, partitions=[place.partition])
        await reader.start({place.partition: place.offset})
        try:
            if reader.restarted or not reader.behind:
                return None
            records = await reader.read(wait=READ_WAIT, most=1)
        finally:
            await reader.stop()
        return next((record for record in records if record.offset == place.offset), None)


def _decoded(record: Record | None, decode: Callable[[bytes], T]) -> T | None:
    if record is None or record.value is None:
        return None
    try:
        return decode(record.value)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        place = Origin(record.topic, record.partition, record.offset)
        raise StateUnusable(f"{place}: not of this version of Headwater: {exc}") from exc


async def _read_until(reader: LogReader, partition: int, end: int) -> list[Record]:
    """What stands before an offset, from where the reader is."""
    found: list[Record] = []
    while reader.positions[partition] < end:
        records = await reader.read(wait=READ_WAIT)
        if not records:  # compaction may leave nothing before the end
            break
        found += [record for record in records if record.offset < end]
    return found


def _request_of(record: Record) -> SlateRequest | None:
    origin = Origin(record.topic, record.partition, record.offset)
    try:
        return decode_request(
            record.key, record.value, origin=str(origin), received_at=record.received_at
        )
    except MalformedRequest:
        return None


def read_origin(text: str) -> Origin | None:
    """
    The place that an id names; None where it names none.

    >>> read_origin("shop-events-3-120")
    Origin(topic='shop-events', partition=3, offset=120)
    """
    topic, _, rest = text.rpartition("-")
    topic, _, partition = topic.rpartition("-")
    if not topic or not partition.isdecimal() or not rest.isdecimal():
        return None
    return Origin(topic, int(partition), int(rest))
