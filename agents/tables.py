"""
State by key, kept in memory and on a compacted changelog, a shard for each partition.

A change is remembered as dirty and written when offsets are about to be committed: once per key and
interval, however often it changed.  Outputs are made durable first, so a state on the changelog
proves that everything it caused was sent, and a repeated event can be skipped whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from agents.keeping import Place
from agents.safety.lease import Lease
from agents.shards import Shard
from agents.stretches import Last, Stretch, checksum
from agents.written import Written
from streams.errors import MembershipLost
from streams.kafka import Outbox, Run

V = TypeVar("V")

ENCODE_BATCH = 32
"""Values encoded before others may use the event loop."""


class FoldTable(Generic[V]):
    """The shards of one fold that this worker owns."""

    def __init__(
        self,
        *,
        source: str,
        changelog: str,
        encode: Callable[[V], bytes],
        decode: Callable[[bytes], V],
        contained: Callable[[Any, int], int] | None = None,
        glance: Callable[[bytes], Any] | None = None,
        written: Written[V] | None = None,
    ) -> None:
        """
        Own nothing yet.

        Args:
            source: The topic that is folded; who owns a partition of it owns the shard.
            changelog: The compacted topic with the newest value of each key.
            encode: A value to the bytes of the changelog.
            decode: The way back.
            contained: The last offset of a partition of the source that a value contains, and
                takes for a repeat, -1 where none is; none at all where values do not tell.
            glance: As `decode`, for values that were decoded or encoded before: only what
                `contained` asks for, and it fails for a layout of a later version.
            written: Told what is written, where somebody here reads it back.
        """
        self.source = source
        self.changelog = changelog
        self.encode = encode
        self.decode = decode
        self.contained = contained
        self._glance = glance
        self._written = written
        self.restored: Mapping[int, int] = {}
        """Partition to the last offset that its state contained when it was restored."""
        self.shards: Mapping[int, Shard[V]] = {}

    def glance(self, value: bytes) -> Any:
        """What `contained` asks for, of a value that was decoded or encoded before."""
        return self.decode(value) if self._glance is None else self._glance(value)

    def record(self, key: str, value: V | None) -> tuple[bytes, bytes | None]:
        """A change as it stands on the changelog; None is a removal."""
        if value is None:
            return key.encode(), None
        encoded = self.encode(value)
        if self._written is not None:
            self._written.put(key, encoded, value)
        return key.encode(), encoded

    def shard(self, partition: int) -> Shard[V]:
        """
        The state of a partition that this worker owns.

        Raises:
            KeyError: It does not own it.
        """
        return self.shards[partition]

    def retain(self, partitions: Collection[int]) -> None:
        """Forget all other partitions."""
        self.shards = {p: shard for p, shard in self.shards.items() if p in partitions}

    def give(self, shards: Mapping[int, Shard[V]]) -> None:
        """Own these, too."""
        self.shards = {**self.shards, **shards}

    def __len__(self) -> int:
        return sum(map(len, self.shards.values()))


Changes: TypeAlias = list[tuple[bytes, bytes | None]]
"""Key and value, as they stand on a changelog."""
Sent: TypeAlias = tuple[Changes, Run]
"""What was sent, and what knows where it stands once it is acknowledged."""
Keep: TypeAlias = Callable[[Mapping[Place, Stretch | None]], None]
"""Told what stands on the changelogs now; None where records of others lie in between."""


class Commits:
    """Makes durable what the worker has done; called before offsets are committed."""

    def __init__(
        self, outbox: Outbox, *, lease: Lease, keep: Keep, on_commit: Callable[[], None]
    ) -> None:
        self._outbox = outbox
        self._lease = lease
        self._keep = keep
        self._on_commit = on_commit
        self.tables: list[FoldTable[Any]] = []

    async def settle(self) -> None:
        """
        Prove that all outputs have arrived, then write the state that led to them.

        Raises:
            DeliveryFailed: The broker refused something; the offsets must not move.
            MembershipLost: The partitions may belong to another worker, whose state is newer.
        """
        self._lease.check()
        taken = [
            (table, partition, shard, shard.take_dirty())
            for table in self.tables
            for partition, shard in table.shards.items()
        ]
        written: dict[Place, Sent] = {}
        try:
            await self._outbox.settle()
            for table, partition, _, changes in taken:
                place = Place(table.changelog, partition)
                written[place] = await self._write(table, partition, changes)
            await self._outbox.settle()
        except MembershipLost:
            for _, _, shard, changes in taken:
                shard.mark_dirty(key for key, _ in changes)
            raise
        self._keep({place: _stretch(*sent) for place, sent in written.items() if sent[0]})
        self._on_commit()

    async def _write(
        self, table: FoldTable[V], partition: int, changes: Sequence[tuple[str, V | None]]
    ) -> Sent:
        records: Changes = []
        for key, value in changes:
            records.append(table.record(key, value))
            if len(records) % ENCODE_BATCH == 0:
                await asyncio.sleep(0)
        self._lease.check()
        return records, await self._outbox.post_many(table.changelog, partition, records)


def _stretch(records: Changes, run: Run) -> Stretch | None:
    """What was acknowledged, as one stretch; None where records of others lie in between."""
    if (offsets := run.offsets()) is None:
        return None
    last = Last(offsets[-1], checksum(*records[-1]))
    begins = offsets.start == 0  # nothing was there before: with this a copy can begin
    return Stretch(dict(records), offsets.start, offsets.stop, last, whole=begins)
