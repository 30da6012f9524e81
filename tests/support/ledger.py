"""All that came out of a stream, and what the same folds make of it in plain Python."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import msgspec

from benchmarks.refolding import GAINS, Refold
from slates.slate import decode_slate
from streams.errors import RejectedEvent
from streams.events import Interaction, decode_event
from streams.kafka import Broker, LogReader, Record
from streams.origins import Origin
from streams.profiles import Profile, decode_profile
from streams.topics import Topics
from streams.trends import Trend, decode_trend

MAX_AHEAD = 86_400.0


@dataclass(frozen=True, slots=True)
class Asked:
    """An event that must be folded and answered."""

    event: Interaction
    partition: int
    offset: int
    at: float
    """When it was sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A slate, without its weight."""

    slate_id: str
    trigger: str
    answers: tuple[str, ...]
    at: float
    """When the broker got it."""
    produced_at: float
    """When it was made, by the worker's own clock."""
    items: bytes
    """A digest of them."""
    trends: tuple[tuple[int, int], ...]
    """How much of the trends was known when it was made."""
    trends_ahead: int
    """And how many of those behind it."""
    rankers: tuple[tuple[int, int], ...]
    """How much of the learned weights."""
    degraded: bool


class Ledger:
    """The topics that tell whether all is well, as far as they were read."""

    def __init__(self, broker: Broker, names: Topics) -> None:
        self._tails = {
            name: Tail(broker, f"{names.prefix}{name}")
            for name in ("events", "recommendations", "profiles", "item-trends", "dead-letters")
        }
        self.asked: dict[str, Asked] = {}
        self.answers: list[Answer] = []
        self.profiles: dict[str, Profile] = {}
        self.trends: dict[str, Trend] = {}
        self.dead_letters: list[Record] = []
        self.went_back = 0

    async def read(self) -> None:
        """Take in what came since the last time."""
        for record in await self._tails["events"].news():
            self._ask(record)
        for record in await self._tails["recommendations"].news():
            if record.value is not None and (answer := _answer(record, record.value)):
                self.answers.append(answer)
        for record in await self._tails["profiles"].news():
            self._note_profile(record)
        for record in await self._tails["item-trends"].news():
            self._note_trend(record)
        self.dead_letters += await self._tails["dead-letters"].news()

    async def stop(self) -> None:
        """Disconnect."""
        for tail in self._tails.values():
            await tail.stop()

    def _ask(self, record: Record) -> None:
        try:
            event = decode_event(
                record.key,
                record.value,
                gains=GAINS,
                received_at=record.received_at,
                max_ahead=MAX_AHEAD,
            )
        except RejectedEvent:
            return
        assert isinstance(event, Interaction)
        origin = Origin(record.topic, record.partition, record.offset)
        self.asked[str(origin)] = Asked(event, record.partition, record.offset, record.received_at)

    def _note_profile(self, record: Record) -> None:
        assert record.key is not None
        assert record.value is not None
        user, after = record.key.decode(), decode_profile(record.value)
        self.went_back += after.offset < self.profiles.get(user, Profile()).offset
        self.profiles[user] = after

    def _note_trend(self, record: Record) -> None:
        assert record.key is not None
        assert record.value is not None
        item, after = record.key.decode(), decode_trend(record.value)
        before = self.trends.get(item, Trend()).applied
        self.went_back += any(after.applied.get(p, -1) < offset for p, offset in before.items())
        self.trends[item] = after

    def missing(self) -> str:
        """What is still to be folded or answered, in words; empty when nothing is."""
        answered = {cause for answer in self.answers for cause in answer.answers}
        counts = {
            "answered": len(self.asked.keys() & answered),
            "in profiles": sum(sum(p.counters.values()) for p in self.profiles.values()),
            "in trends": sum(trend.interactions for trend in self.trends.values()),
        }
        short = [f"{count} {where}" for where, count in counts.items() if count < len(self.asked)]
        return f"{len(self.asked)} events, {', '.join(short)}" if short else ""

    def expected(self) -> Refold:
        """The folds, over the log in its order."""
        wanted = Refold()
        for asked in sorted(self.asked.values(), key=lambda a: (a.partition, a.offset)):
            wanted.add(asked.event, partition=asked.partition, offset=asked.offset)
        return wanted


def _answer(record: Record, value: bytes) -> Answer | None:
    """None for a second revision: it answers nothing that the first one did not."""
    slate = decode_slate(value)
    if slate.revision > 1:
        return None
    return Answer(
        slate_id=slate.slate_id,
        trigger=slate.trigger.id,
        answers=slate.answers,
        at=record.received_at,
        produced_at=slate.produced_at,
        items=sha256(msgspec.json.encode(slate.items)).digest(),
        trends=tuple(sorted(slate.versions.trends.items())),
        trends_ahead=slate.versions.trends_ahead,
        rankers=tuple(sorted(slate.versions.rankers.items())),
        degraded=bool(slate.degraded),
    )


class Tail:
    """A topic, read to its end again and again."""

    def __init__(self, broker: Broker, topic: str) -> None:
        self._reader = LogReader(broker, topic)
        self._started = False

    async def news(self) -> list[Record]:
        """What came since the last time."""
        if not self._started:
            await self._reader.start()
            self._started = True
        found: list[Record] = []
        while await self._reader.lag():
            found += await self._reader.read(wait=0.2)
        return found

    async def stop(self) -> None:
        """Disconnect."""
        if self._started:
            await self._reader.stop()
