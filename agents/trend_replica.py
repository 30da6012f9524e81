"""
`item-trends` into the catalogue, from a local snapshot and what the log has behind it.

A log holds many former trends of an item before it is compacted.  At start the newest of each is
looked for first, and only that one is decoded; the one before it where that cannot be done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias, TypeVar

from agents.catalogue import Catalogue
from agents.decoding import Recognise, read_trends
from agents.metrics import Metrics
from agents.proof import Proof, lasts_of, places_of
from agents.replicas import Replica
from agents.stretches import Last
from agents.trend_snapshots import TrendSnapshot
from agents.trend_snapshotting import TrendSnapshotting
from streams.kafka import LogReader, Record

T = TypeVar("T")

Newest: TypeAlias = dict[bytes | None, tuple[Record, ...]]
"""Key to its last records, the newest at the end."""

AT_A_TIME = 20
"""Trends taken over before others may go on: about 2 ms; all come at once, once a second."""


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
        **kwargs: Any,
    ) -> None:
        super().__init__("item-trends", reader, metrics, **kwargs)
        self.catalogue = catalogue
        self.snapshots = snapshots
        self._recognise = recognise
        self._snapshot: TrendSnapshot | None = None
        """What was kept, until it is proven to be of this log."""
        self._proof = Proof({})
        self._newest: Newest = {}
        """The last two of each item, until the end that the log had at start is reached."""
        self._lasts: dict[int, Last] = {}
        """Partition to the newest record that was taken over."""

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
        if self.ready.is_set():
            await self._follow_newest(_newest_of_keys(records))
            self.snapshots.note_change()
        else:
            self._proof.see(records)
            _newest_of_keys(records, known=self._newest)
        self._lasts |= lasts_of(records)

    async def catch_up(self) -> bool:
        """Follow what the log had at start; begin again where that is not the snapshot's log."""
        if self._snapshot is not None:
            if not self._proof.holds:
                self._refuse()
                self.reader.rewind()
                return False
            self.catalogue.adopt(self._snapshot.kept)
            self._snapshot = None
        if self._newest:
            self.snapshots.note_change()
        await self._follow_newest(self._newest)
        self._newest.clear()
        return True

    async def tick(self) -> None:
        """Write a snapshot when it is time."""
        if self.ready.is_set():
            self.snapshots.tick(self.catalogue.trends, self._lasts)

    async def on_stop(self) -> None:
        """Disconnect and leave a snapshot behind."""
        await super().on_stop()
        if self.ready.is_set():
            self.snapshots.finish(self.catalogue.trends, self._lasts)

    def _refuse(self) -> None:
        self.snapshots.refuse()
        self._snapshot, self._proof = None, Proof({})
        self._newest.clear()
        self._lasts.clear()

    async def _follow_newest(self, found: Newest) -> None:
        """Follow the newest of each item, or the one before it; slates are built between."""
        for some in _few(found.values()):
            for *former, newest in some:
                if not self._follow_trends([newest]):
                    self._follow_trends(former)
            await asyncio.sleep(0)

    def _follow_trends(self, records: Sequence[Record]) -> int:
        """Follow those that can be read; how many items that was."""
        trends = read_trends(records, refuse=self.refuse, recognise=self._recognise)
        for item_id, trend in trends.items():
            self.catalogue.follow(item_id, trend)
        return len(trends)


def _few(items: Iterable[T]) -> Iterator[list[T]]:
    """So many of them at a time that others do not have to wait long."""
    rest = iter(items)
    while some := list(islice(rest, AT_A_TIME)):
        yield some


def _newest_of_keys(records: Iterable[Record], known: Newest | None = None) -> Newest:
    """The last two of each item, added to those known before."""
    newest: Newest = {} if known is None else known
    for record in records:
        newest[record.key] = (*newest.get(record.key, ())[-1:], record)
    return newest
