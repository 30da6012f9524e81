"""
`item-trends` into the catalogue, from a local snapshot and what the log has behind it.

A log holds many former trends of an item before it is compacted.  At start the newest of each is
looked for first, and only that one is decoded; the one before it where that cannot be done.
While many events wait trends are followed every ten seconds or less often, in the same way, and a
little at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any, TypeAlias

from agents.catalogue import Catalogue
from agents.decoding import Recognise, read_trends
from agents.metrics import Metrics
from agents.proof import Proof, lasts_of, places_of
from agents.replicas import Replica
from agents.stretches import Last
from agents.trend_snapshots import TrendSnapshot
from agents.trend_snapshotting import TrendSnapshotting
from agents.waiting import MANY
from streams.kafka import LogReader, Record

Newest: TypeAlias = dict[bytes | None, tuple[Record, ...]]
"""Key to its last records, the newest at the end."""

SLICE = 0.002
"""Seconds of following before others may go on; trends come all at once, once a second."""
REST = 9.0
"""
Times as long as a slice took is rested behind it while many events wait.

Following takes a tenth of a worker's time then.  In one go it was five seconds in which hardly an
event was folded, and it began whenever few events happened to have been fetched.
"""
PAUSE = 10.0
"""
Seconds between two times of following while many events wait.

An item that changes every second is then followed once for ten: two fifths of a worker's time went
there at 1,000 events a second.  What is not followed yet is kept as it came, 4 kB a trend.
"""


class TrendReplica(Replica):
    """Follows the trends of all items."""

    def __init__(
        self,
        reader: LogReader,
        metrics: Metrics,
        *,
        catalogue: Catalogue,
        snapshots: TrendSnapshotting,
        recognise: Recognise = lambda _item, _value: None,
        unfolded: Callable[[], int] = lambda: 0,
        clock: Callable[[], float] = monotonic,
        **kwargs: Any,
    ) -> None:
        super().__init__("item-trends", reader, metrics, **kwargs)
        self.catalogue = catalogue
        self.snapshots = snapshots
        self._recognise = recognise
        self._unfolded = unfolded
        self._clock = clock
        self._due = 0.0
        self._snapshot: TrendSnapshot | None = None
        """What was kept, until it is proven to be of this log."""
        self._proof = Proof({})
        self._newest: Newest = {}
        """The last two of each item that are not followed yet."""
        self._lasts: dict[int, Last] = {}
        """Partition to the newest record that was read."""

    async def restore(self) -> Mapping[int, int]:
        """Read the snapshot, and go on from the last records that it contains."""
        self._snapshot = await asyncio.to_thread(self.snapshots.read)
        if self._snapshot is None:
            return {}
        self._proof = Proof(self._snapshot.lasts)
        self._lasts = dict(self._snapshot.lasts)
        return places_of(self._lasts)

    async def reset(self) -> None:
        """Throw away what was read: the log does not reach so far."""
        self._refuse()

    async def apply(self, records: Sequence[Record]) -> None:
        """Follow the newest of each item; slates are built between, not after."""
        if not self.ready.is_set():
            self._proof.see(records)
        for record in records:
            self._newest[record.key] = (*self._newest.get(record.key, ())[-1:], record)
        self._lasts |= lasts_of(records)
        if self.ready.is_set() and self._is_time():
            await self._follow_waiting()

    def position(self) -> Mapping[int, int]:
        """Up to where the log was followed; what was read since waits."""
        return self.applied if self._newest else super().position()

    async def catch_up(self) -> bool:
        """Follow what the log had at start; begin again where that is not the snapshot's log."""
        if self._snapshot is not None:
            if not self._proof.holds:
                self._refuse()
                self.reader.rewind()
                return False
            self.catalogue.adopt(self._snapshot.kept)
            self._snapshot = None
        await self._follow_waiting()
        return True

    async def tick(self) -> None:
        """Follow what has waited long enough; write a snapshot when it is time."""
        if not self.ready.is_set():
            return
        if self._newest and self._is_time():
            await self._follow_waiting()
        if not self._newest:  # a snapshot has all that was read up to its last records
            self.snapshots.tick(self.catalogue.trends, self._lasts)

    def _is_time(self) -> bool:
        return self._unfolded() <= MANY or self._clock() >= self._due

    async def on_stop(self) -> None:
        """Disconnect and leave a snapshot behind."""
        await super().on_stop()
        if self.ready.is_set():
            await self._follow_waiting(rest=0.0)
            self.snapshots.finish(self.catalogue.trends, self._lasts)

    def _refuse(self) -> None:
        self.snapshots.refuse()
        self._snapshot, self._proof = None, Proof({})
        self._newest.clear()
        self._lasts.clear()

    async def _follow_waiting(self, *, rest: float = REST) -> None:
        """Follow the newest of each item, or the one before it; others go on between."""
        if self._newest:
            self.snapshots.note_change()
        while self._newest:  # what is not followed stays there, whenever this is ended
            began = self._clock()
            while self._newest and self._clock() - began < SLICE:
                _, (*former, newest) = self._newest.popitem()
                if not self._follow_trends([newest]):
                    self._follow_trends(former)
                self.ahead += 1
            took = self._clock() - began
            await asyncio.sleep(rest * took if self._unfolded() > MANY else 0)
        self.applied, self.ahead = dict(self.reader.positions), 0
        self._due = self._clock() + PAUSE

    def _follow_trends(self, records: Sequence[Record]) -> int:
        """Follow those that can be read; how many items that was."""
        trends = read_trends(records, refuse=self.refuse, recognise=self._recognise)
        for item_id, trend in trends.items():
            self.catalogue.follow(item_id, trend)
        return len(trends)
