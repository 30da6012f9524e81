"""
The newest slate of every user, and those who watch it change.

A replica of `recommendations`: any number of gateways may each have one, and none keeps anything.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from agents.metrics import Metrics
from agents.replicas import Replica
from streams.kafka import LogReader, Record
from streams.requests import Trigger

QUEUE = 16
"""Slates that wait for one watcher; the oldest gives way: who is slow sees the newest."""
USERS = 200_000
"""Users whose newest slate is held, about 1 GB; of others it is looked up in the log."""


class Head(msgspec.Struct, frozen=True, gc=False):
    """What the board needs to know of a slate."""

    slate_id: str
    revision: int
    trigger: Trigger
    supersedes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Posted:
    """A slate as it stands on the topic."""

    user_id: str
    place: str
    """`partition-offset`: the id of its server-sent event."""
    value: bytes | None
    """JSON of the slate; None where the user was forgotten."""
    head: Head | None

    @property
    def answers(self) -> tuple[str, ...]:
        """The triggers that it answers."""
        return () if self.head is None else (*self.head.supersedes, self.head.trigger.id)

    @property
    def etag(self) -> str:
        """Changes with every revision."""
        return "" if self.head is None else f'"{self.head.slate_id}.{self.head.revision}"'


_heads = msgspec.json.Decoder(Head)


def read_posted(record: Record) -> Posted:
    """
    Read one record of `recommendations`.

    Raises:
        msgspec.DecodeError: It is no slate.
    """
    user_id = (record.key or b"").decode(errors="replace")
    head = None if record.value is None else _heads.decode(record.value)
    return Posted(user_id, f"{record.partition}-{record.offset}", record.value, head)


class Watcher:
    """One who watches a user's slates; a slow one holds nobody back."""

    def __init__(self) -> None:
        self._waiting: deque[Posted] = deque(maxlen=QUEUE)
        self._came = asyncio.Event()

    def put(self, posted: Posted) -> None:
        """Something new."""
        self._waiting.append(posted)
        self._came.set()

    async def next(self) -> Posted:
        """The oldest that was not taken yet."""
        while not self._waiting:
            self._came.clear()
            await self._came.wait()
        return self._waiting.popleft()


class Board(Replica):
    """Follows `recommendations`."""

    def __init__(
        self, reader: LogReader, metrics: Metrics, *, users: int = USERS, **kwargs: Any
    ) -> None:
        super().__init__("recommendations", reader, metrics, **kwargs)
        self._users = users
        self._newest: OrderedDict[str, Posted] = OrderedDict()
        self._watchers: defaultdict[str, set[Watcher]] = defaultdict(set)
        self._asked: defaultdict[str, list[asyncio.Future[Posted]]] = defaultdict(list)

    async def apply(self, records: Sequence[Record]) -> None:
        """Hang them up, and tell those who wait."""
        for record in records:
            try:
                posted = read_posted(record)
            except (msgspec.DecodeError, UnicodeDecodeError) as exc:
                self.refuse(record, exc)
                continue
            if self._is_overtaken(posted):
                continue
            self._hang(posted)
            for watcher in self._watchers.get(posted.user_id, ()):
                watcher.put(posted)
            self._answer(posted)

    def _is_overtaken(self, posted: Posted) -> bool:
        """A second revision that crossed a newer slate of its user is of no use to anybody."""
        newest = self._newest.get(posted.user_id)
        if posted.head is None or posted.head.revision == 1:
            return False
        if newest is None or newest.head is None:
            return False
        return newest.head.slate_id != posted.head.slate_id

    def newest(self, user_id: str) -> Posted | None:
        """A user's newest slate; None where none is held."""
        return self._newest.get(user_id)

    def forgets(self) -> bool:
        """Are there users whose slate is in the log only?"""
        return len(self._newest) >= self._users

    def watch(self, user_id: str) -> Watcher:
        """Be told of every slate of a user from now on."""
        watcher = Watcher()
        self._watchers[user_id].add(watcher)
        return watcher

    @contextmanager
    def watching(self, user_id: str) -> Iterator[Watcher]:
        """Watch while the block lasts."""
        watcher = self.watch(user_id)
        try:
            yield watcher
        finally:
            self.leave(user_id, watcher)

    def leave(self, user_id: str, watcher: Watcher) -> None:
        """Be told no more."""
        self._watchers[user_id].discard(watcher)
        if not self._watchers[user_id]:
            del self._watchers[user_id]

    async def answer(self, user_id: str, trigger: str, *, within: float) -> Posted | None:
        """The first slate that answers a trigger; None when none came in so many seconds."""
        newest = self.newest(user_id)
        if newest is not None and trigger in newest.answers:
            return newest  # it was faster than the broker's word to us
        came: asyncio.Future[Posted] = asyncio.get_running_loop().create_future()
        self._asked[trigger].append(came)
        try:
            async with asyncio.timeout(within):
                return await came
        except TimeoutError:
            return None
        finally:
            self._asked[trigger].remove(came)
            if not self._asked[trigger]:
                del self._asked[trigger]

    def _hang(self, posted: Posted) -> None:
        self._newest.pop(posted.user_id, None)
        if posted.value is not None:
            self._newest[posted.user_id] = posted
        if len(self._newest) > self._users:
            self._newest.popitem(last=False)

    def _answer(self, posted: Posted) -> None:
        for trigger in posted.answers if self._asked else ():
            for came in self._asked.get(trigger, ()):
                if not came.done():
                    came.set_result(posted)
