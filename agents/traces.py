"""
What a topic holds of a user, found record by record.

Current state is what something goes by: the newest value of a key, a record that is still to be
dealt with.  Everything else is history, which nothing reads but which the log still has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from agents.mentions import Name
from indexes.embedding import DIM
from slates.slate import decode_slate
from streams import topics
from streams.errors import MalformedVector
from streams.kafka import Record
from streams.origins import Origin
from streams.profiles import decode_profile
from streams.topics import Topic
from streams.vectors import decode_vector

READ_BY_WORKERS = (topics.EVENTS, topics.SLATE_REQUESTS)
"""Topics of users whose records are current until a worker has dealt with them."""

SHOWN = 3
"""Places that are named, of many."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What one place holds of a user."""

    place: str
    """A topic's name on the broker, or a folder."""
    held: int = 0
    """Records, or finds in files, that are current state."""
    what: str = ""
    """What those are, in words."""
    left: int = 0
    """Records that are not, and are still in the log."""
    removals: int = 0
    """How many of these only say that the user was removed."""
    newest: float = 0.0
    """When the newest of those left was received, seconds since 1970."""
    last: Origin | None = None
    """Where that stands."""
    partitions: frozenset[int] = frozenset()
    """Partitions with current state."""
    note: str = ""
    """What else has to be known."""


class TopicTraces:
    """What one topic holds of a user, from all of its records in order."""

    def __init__(self, topic: Topic, place: str, name: Name, reading: Mapping[int, int]) -> None:
        """
        Begin with nothing found.

        Args:
            topic: Its row of the table.
            place: Its name on the broker.
            name: Who is looked for.
            reading: Partition to the offset at which the workers go on; only of `READ_BY_WORKERS`.
        """
        self.topic = topic
        self.as_item = 0
        """Records that are about an item of the same name."""
        self.longer: set[bytes] = set()
        """Keys that end with the id and are not it."""
        self._place = place
        self._name = name
        self._reading = reading
        self._current: dict[tuple[int, bytes | None, int], Record] = {}
        self._found: list[Record] = []

    def see(self, record: Record) -> None:
        """The next record of the topic."""
        key = record.key or b""
        if key != self._name.key and key.endswith(self._name.key):
            self.longer.add(key)
        if self._is_of_item(record) and key == self._name.key:
            self.as_item += 1
            return
        theirs = self._is_theirs(record)
        if theirs:
            self._found.append(record._replace(value=record.value and b"..."))
        self._follow(record, theirs=theirs)

    def _is_of_item(self, record: Record) -> bool:
        """Is the record's key an item?"""
        if self.topic is not topics.DEAD_LETTERS:
            return not self.topic.holds_users
        source = dict(record.headers).get("topic", b"").decode(errors="replace")
        prefix = self._place.removesuffix(self.topic.name)
        keyed_by_item = {f"{prefix}{topic.name}" for topic in topics.ALL if topic.key == "item"}
        return source in keyed_by_item

    def _is_theirs(self, record: Record) -> bool:
        if self.topic in (topics.PROFILES, topics.RECOMMENDATIONS, topics.SLATE_DRAFTS):
            return record.key == self._name.key  # what else they name are items
        if self.topic in READ_BY_WORKERS:
            return record.key == self._name.key or self._name.owns(record.value)
        if self.topic is topics.ITEM_VECTORS:
            return self._name.is_in(_facts(record))
        return (
            record.key == self._name.key
            or self._name.is_in(record.value)
            or self._name.is_in(dict(record.headers).get("message"))
        )

    def _follow(self, record: Record, *, theirs: bool) -> None:
        """What is current after this record."""
        if self.topic.compact or self.topic is topics.SLATE_DRAFTS:  # a newer draft takes it back
            place = (record.partition, record.key, -1)
            self._current.pop(place, None)
            if theirs and record.value:
                self._current[place] = record
        elif theirs and self._is_awaited(record):
            self._current[record.partition, record.key, record.offset] = record

    def _is_awaited(self, record: Record) -> bool:
        """Is it still to be dealt with?  Co-visits must not name anybody at any time."""
        if self.topic in READ_BY_WORKERS:
            return record.offset >= self._reading.get(record.partition, 0)
        return self.topic is topics.CO_VISITS

    def trace(self) -> Trace:
        """What was found."""
        current = list(self._current.values())
        places = {(record.partition, record.offset) for record in current}
        left = [r for r in self._found if (r.partition, r.offset) not in places]
        newest = max(left, key=lambda r: r.received_at, default=None)
        return Trace(
            place=self._place,
            held=len(current),
            what=_words(self.topic, current),
            left=len(left),
            removals=sum(record.value is None for record in left),
            newest=0.0 if newest is None else newest.received_at,
            last=None if newest is None else _place(newest),
            partitions=frozenset(record.partition for record in current),
        )


def settle(found: Sequence[TopicTraces]) -> list[Trace]:
    """
    What all topics hold, each looked at to its end.

    Where an item has the user's id for its own, what names it is taken to mean the item.
    """
    as_item = sum(traces.as_item for traces in found)
    return [_without_items(traces, as_item=as_item) for traces in found]


def _without_items(traces: TopicTraces, *, as_item: int) -> Trace:
    trace = traces.trace()
    if traces.topic.holds_users or not as_item:
        return trace
    note = "an item has this id, too; what names it here is taken to mean the item"
    return replace(Trace(trace.place), note=note)


def _facts(record: Record) -> bytes | None:
    """The text of an encoded item, without the numbers of its vector."""
    if record.value is None:
        return None
    try:
        vector = decode_vector("", record.value, dim=DIM)
    except MalformedVector:
        return record.value
    return msgspec.json.encode(vector.facts)


_AWAITED = {
    topics.EVENTS: ("event", "folded"),
    topics.SLATE_REQUESTS: ("request", "answered"),
    topics.SLATE_DRAFTS: ("draft", "refined"),
}


def _words(topic: Topic, current: Sequence[Record]) -> str:
    if not current:
        return ""
    if topic is topics.PROFILES:
        entries = sum(_entries(record) for record in current)
        return f"a profile with {_many(entries, 'interaction')}"
    if topic is topics.RECOMMENDATIONS:
        return f"a slate of {_many(sum(_shown(record) for record in current), 'item')}"
    if topic in _AWAITED:
        return f"{_many(len(current), _AWAITED[topic][0])} to be {_AWAITED[topic][1]}"
    return f"named by {', '.join(str(_place(record)) for record in current[:SHOWN])}"


def _place(record: Record) -> Origin:
    return Origin(record.topic, record.partition, record.offset)


def _entries(record: Record) -> int:
    try:
        return len(decode_profile(record.value or b"").history)
    except msgspec.DecodeError:
        return 0


def _shown(record: Record) -> int:
    try:
        return len(decode_slate(record.value or b"").items)
    except msgspec.DecodeError:
        return 0


def _many(count: int, noun: str) -> str:
    """
    A number of things.

    >>> _many(1, "item"), _many(2_000, "item")
    ('1 item', '2,000 items')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def partitions_of(traces: Iterable[Trace]) -> set[int]:
    """Where current state of the user lies, however its events were partitioned."""
    return {partition for trace in traces for partition in trace.partitions}
