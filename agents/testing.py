"""
Stand-ins for what an agent talks to: nothing leaves the process and everything is remembered.

Hand them to an agent instead of a broker, a table and a model.  Each can be told to fail, so that a
refusal, a lost log or a broken model is a value in a test's input.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import AsyncIterator, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Generic, NamedTuple, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from indexes.embedding import DIM
from streams.errors import DeliveryFailed
from streams.kafka import Broker, LogReader, Outbox, Record, Run
from streams.origins import Origin

T = TypeVar("T")
V = TypeVar("V")

NOWHERE = Broker("nowhere:1")


class Posted(NamedTuple):
    """One record that was sent."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class SmallOutbox(Outbox):
    """
    An `Outbox` that keeps what it is given.

    >>> outbox = SmallOutbox()
    >>> _ = asyncio.run(outbox.post("events", key=b"ann", value=b"{}"))
    >>> outbox.on("events")[0].key
    b'ann'
    """

    def __init__(
        self,
        *,
        refusing: Collection[str] = (),
        losing: Collection[str] = (),
        diary: list[str] | None = None,
        largest: int = 2**40,
    ) -> None:
        """
        Begin empty.

        Args:
            refusing: Topics for which `post` fails at once.
            losing: Topics whose records are taken and then refused by the broker: from then on
                nothing can be settled, as in an `Outbox`.
            largest: Bytes of a value past which `offer` finds it too large.
            diary: Where to write down ``post TOPIC`` and ``settle``; share it to compare orders.
        """
        super().__init__(NOWHERE)
        self.refusing = set(refusing)
        self.losing = set(losing)
        self.largest = largest
        self.posted: list[Posted] = []
        self._diary = [] if diary is None else diary

    def on(self, topic: str) -> list[Posted]:
        """What was sent to one topic, in order."""
        return [posted for posted in self.posted if posted.topic == topic]

    async def start(self) -> None:
        """There is nothing to connect to."""

    async def stop(self) -> None:
        """There is nothing to leave."""

    async def post(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        partition: int | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> asyncio.Future[Any]:
        """Keep a record; see `Outbox.post`."""
        self._raise_failure()
        if topic in self.refusing:
            raise DeliveryFailed(f"topic {topic!r}, key {key!r}: refused")
        sent: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        before = sum(posted.partition == partition for posted in self.on(topic))
        sent.set_result(Origin(topic, partition or 0, before))
        self._diary.append(f"post {topic}")
        if topic in self.losing:
            self._failure = ConnectionError(f"{topic}: the broker went away")
        else:
            self.posted.append(Posted(topic, key, value, partition, tuple(headers)))
        return sent

    async def post_later(
        self, topic: str, *, key: bytes, value: bytes, partition: int | None = None
    ) -> None:
        """As `post`: here everything is at once."""
        await self.post(topic, key=key, value=value, partition=partition)

    async def offer(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        partition: int | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> asyncio.Future[Origin | None]:
        """Keep a record of at most `largest` bytes; see `Outbox.offer`."""
        if len(value or b"") <= self.largest:
            return await self.post(
                topic, key=key, value=value, partition=partition, headers=headers
            )
        too_large: asyncio.Future[Origin | None] = asyncio.get_running_loop().create_future()
        too_large.set_result(None)
        return too_large

    async def post_many(
        self, topic: str, partition: int, records: Iterable[tuple[bytes, bytes | None]]
    ) -> Run:
        """As `post`, one after another."""
        run = Run()
        for key, value in records:
            run.add(await self.post(topic, key=key, value=value, partition=partition), 1)
        return run

    async def settle(self) -> None:
        """Fail if something was lost."""
        self._diary.append("settle")
        self._raise_failure()


class DictState(Generic[V]):
    """
    An `agents.tables.Sharded` with every partition and no changelog.

    >>> state: DictState[int] = DictState()
    >>> state.shard(0).put("ann", 1)
    >>> state.shard(0).peek("ann"), state.shard(1).peek("ann")
    (1, None)
    """

    def __init__(self, *, diary: list[str] | None = None) -> None:
        """Begin empty, and write ``put KEY`` into the diary."""
        self._values: dict[tuple[int, str], V] = {}
        self.puts: list[tuple[str, V | None, int]] = []
        """Key, value and partition of every change, in order."""
        self._diary = [] if diary is None else diary

    @property
    def values(self) -> dict[str, V]:
        """Key to value, of all partitions."""
        return {key: value for (_, key), value in self._values.items()}

    def shard(self, partition: int) -> DictShard[V]:
        """The state of a partition."""
        return DictShard(self, partition)


class DictShard(Generic[V]):
    """One partition of a `DictState`."""

    def __init__(self, state: DictState[V], partition: int) -> None:
        """Begin with what the state has."""
        self._state = state
        self._partition = partition

    def peek(self, key: str) -> V | None:
        """The value of a key; None when there is none."""
        return self._state._values.get((self._partition, key))

    def put(self, key: str, value: V | None) -> None:
        """Set the value of a key; None removes it."""
        self._state._diary.append(f"put {key}")
        self._state.puts.append((key, value, self._partition))
        if value is None:
            self._state._values.pop((self._partition, key), None)
        else:
            self._state._values[self._partition, key] = value


class WorkerEnded(BaseException):
    """Raised where the process would have ended; no `except Exception` stops it either."""


class SmallEnd:
    """An `agents.consuming.Fatal` that remembers why."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def __call__(self, message: str, error: BaseException) -> NoReturn:
        """Remember, and end whoever called."""
        self.reasons.append(message)
        raise WorkerEnded(message) from error


@dataclass(slots=True)
class SmallMessage:
    """A Faust message, as far as agents look at it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: float
    generation_id: int = 0


@dataclass(frozen=True, slots=True)
class SmallEvent:
    """A Faust event."""

    message: SmallMessage


def event_of(record: Record, *, generation: int = 0) -> SmallEvent:
    """A record as Faust hands it to an agent."""
    return SmallEvent(SmallMessage(*record[:6], generation_id=generation))


class SmallStream:
    """A Faust stream of these records, then it ends."""

    def __init__(self, *records: Record) -> None:
        self._records = records

    def noack(self) -> SmallStream:
        """Nothing is acknowledged here anyway."""
        return self

    async def events(self) -> AsyncIterator[SmallEvent]:
        """One event a record, in order."""
        for record in self._records:
            yield event_of(record)


class HashEncoder:
    """
    An encoder that knows nothing: equal texts are equal, different ones as good as unrelated.

    >>> encoder = HashEncoder()
    >>> sea, war = encoder(["sea", "war"])
    >>> abs(float(sea @ war)) < 0.3, bool((encoder(["sea"])[0] == sea).all())
    (True, True)
    """

    def __init__(self, *, error: Exception | None = None) -> None:
        """Raise the error, where there is one, instead of encoding."""
        self.batches: list[list[str]] = []
        """The texts of each call."""
        self._error = error

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """Unit rows, (len(texts), DIM)."""
        self.batches.append(list(texts))
        if self._error is not None:
            raise self._error
        return np.stack([_direction(text) for text in texts]).astype(np.float16)


def _direction(text: str) -> NDArray[np.float64]:
    seed = int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
    row = np.random.default_rng(seed).standard_normal(DIM)
    return row / np.linalg.norm(row)


class SmallLog(LogReader):
    """
    A `LogReader` over records in memory; those appended later are read like any others.

    >>> log = SmallLog("items")
    >>> log.append(b"dune", b"{}").offset
    0
    """

    def __init__(self, topic: str, *, partitions: int = 1) -> None:
        super().__init__(NOWHERE, topic)
        self.records: list[Record] = []
        self.reads = 0
        self._count = partitions

    def append(self, key: bytes | None, value: bytes | None, *, partition: int = 0) -> Record:
        """Put a record at the end of a partition."""
        offset = sum(record.partition == partition for record in self.records)
        record = Record(self.topic, partition, offset, key, value, 0.0)
        self.records.append(record)
        return record

    async def start(
        self, offsets: Mapping[int, int] | None = None, *, at_end: bool = False
    ) -> None:
        """See `LogReader.start`."""
        wanted = dict(offsets or {})
        self.begins = dict.fromkeys(range(self._count), 0)
        self.ends = {p: sum(r.partition == p for r in self.records) for p in self.begins}
        inside = {p: o for p, o in wanted.items() if 0 <= o <= self.ends.get(p, 0)}
        self.restarted = inside != wanted
        self.positions = {**(self.ends if at_end else self.begins), **inside}

    async def read(self, *, wait: float, most: int = 2000) -> list[Record]:
        """See `LogReader.read`."""
        self.reads += 1
        waiting = [r for r in self.records if r.offset >= self.positions[r.partition]][:most]
        await asyncio.sleep(0 if waiting else min(wait, 0.001))
        for record in waiting:
            self.positions[record.partition] = record.offset + 1
        return waiting

    def go_to(self, offsets: Mapping[int, int]) -> None:
        """See `LogReader.go_to`."""
        self.positions.update(offsets)

    async def stop(self) -> None:
        """There is nothing to leave."""


class _Impatient(selectors.DefaultSelector):
    """Where others would wait, it moves the clock."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(timeout if timeout is None else 0)
        if not found and timeout:
            self.skipped += timeout
        return found


class _InstantLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._impatient = _Impatient()
        super().__init__(self._impatient)

    def time(self) -> float:
        return super().time() + self._impatient.skipped


def run_at_once(main: Coroutine[Any, Any, T]) -> T:
    """
    Run a coroutine on a clock that leaps over every wait; threads and sockets are real.

    >>> run_at_once(asyncio.sleep(3600, "an hour later"))
    'an hour later'
    """
    with asyncio.Runner(loop_factory=_InstantLoop) as runner:
        return runner.run(main)
