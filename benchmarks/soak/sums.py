"""After the last event: is each of them in profiles and trends, once, and was it answered?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from benchmarks.refolding import GAINS, Difference, Refold, compare
from streams import topics
from streams.events import Interaction, decode_event
from streams.kafka import Broker, read_to_end
from streams.profiles import Profile, decode_profile
from streams.topics import Topic
from streams.trends import Trend, decode_trend

MAX_AHEAD = 86_400.0

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Sums:
    """What is on the topics in the end."""

    events: int
    """On the log."""
    in_profiles: int
    """Interactions counted in profiles, without those of the beginning."""
    in_trends: int
    """Interactions counted in trends, without those of the beginning."""
    difference: Difference
    """To what the folds in plain Python make of the log."""
    new_ids: int
    """Item ids that profiles have and did not have in the beginning: what state has grown by."""
    dead_letters: int


async def add_up(
    broker: Broker, *, known: Mapping[str, Profile], trends: Mapping[str, Trend]
) -> Sums:
    """Read the log again, fold it in plain Python, and compare; both began as given."""
    wanted = Refold(known, trends)
    events = 0
    async for records in read_to_end(broker, topics.EVENTS.name):
        for record in records:
            event = decode_event(
                record.key,
                record.value,
                gains=GAINS,
                received_at=record.received_at,
                max_ahead=MAX_AHEAD,
            )
            assert isinstance(event, Interaction)
            wanted.add(event, partition=record.partition, offset=record.offset)
            events += 1
    profiles = await _newest(broker, topics.PROFILES, decode_profile)
    in_the_end = await _newest(broker, topics.ITEM_TRENDS, decode_trend)
    before = sum(trend.interactions for trend in trends.values())
    return sums_of(
        events,
        profiles,
        in_the_end,
        known=known,
        known_visits=before,
        wanted=wanted,
        dead_letters=await _letters(broker),
    )


def sums_of(
    events: int,
    profiles: Mapping[str, Profile],
    trends: Mapping[str, Trend],
    *,
    known: Mapping[str, Profile],
    known_visits: int = 0,
    wanted: Refold,
    dead_letters: int,
) -> Sums:
    """Count and compare."""
    return Sums(
        events=events,
        in_profiles=_interactions(profiles) - _interactions(known),
        in_trends=sum(trend.interactions for trend in trends.values()) - known_visits,
        difference=compare(profiles, trends, wanted=wanted),
        new_ids=_ids(profiles) - _ids(known),
        dead_letters=dead_letters,
    )


def _interactions(profiles: Mapping[str, Profile]) -> int:
    return sum(sum(profile.counters.values()) for profile in profiles.values())


def _ids(profiles: Mapping[str, Profile]) -> int:
    return sum(len(profile.seen) for profile in profiles.values())


async def _newest(broker: Broker, topic: Topic, decode: Callable[[bytes], V]) -> dict[str, V]:
    """Key to its newest value, decoded in the end: most are replaced."""
    newest: dict[bytes | None, bytes | None] = {}
    async for records in read_to_end(broker, topic.name):
        newest.update((record.key, record.value) for record in records)
    return {
        (key or b"").decode(): decode(value) for key, value in newest.items() if value is not None
    }


async def _letters(broker: Broker) -> int:
    found = [len(records) async for records in read_to_end(broker, topics.DEAD_LETTERS.name)]
    return sum(found)
