"""
From what a changelog's partition says to a shard that has decoded nothing yet.

Whatever cannot be decoded ends the start, with its place and key named: nothing is folded into a
state that is not whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from agents.shards import Shard
from agents.tables import FoldTable
from agents.tails import Tail
from streams.errors import ChangelogUnreadable
from streams.wire import UNDECODABLE

V = TypeVar("V")

DECODE_BATCH = 200
"""Values looked at before others may use the event loop."""


class Packing(Generic[V]):
    """
    One partition in the bytes that its shard begins with, every value of them looked at.

    What stands on the log may be anybody's and is decoded to see that it can be.  What stands in
    the copy was decoded or encoded before it was kept, has a checksum, and is only glanced at.
    """

    def __init__(self, table: FoldTable[V], partition: int, *, copy: str) -> None:
        self._table = table
        self._partition = partition
        self._copy = copy
        """Names where the values of the copy stand."""
        self._rows: dict[str, bytes] = {}
        self.highest = -1
        """The last offset of the source that any of the values contains; -1 where none tells."""

    async def pack(self, kept: Mapping[bytes, bytes], tail: Tail) -> None:
        """
        Pack the newest value of each key.

        Raises:
            ChangelogUnreadable: One cannot be decoded.
        """
        changes = tail.changes()
        older = {key: value for key, value in kept.items() if key not in changes}
        await self._look_at(older, self._table.glance, where=lambda _: self._copy)
        await self._look_at(changes, self._table.decode, where=tail.where)

    def shard(self) -> Shard[V]:
        """What was packed."""
        return Shard(packed=self._rows, unpack=self._unpack)

    async def _look_at(
        self,
        rows: Mapping[bytes, bytes | None],
        look: Callable[[bytes], Any],
        *,
        where: Callable[[bytes], object],
    ) -> None:
        contained = self._table.contained
        for count, (key, value) in enumerate(rows.items()):
            if value is not None:
                try:
                    self._rows[key.decode()] = value
                    seen = look(value)
                except UNDECODABLE as exc:
                    raise _unreadable(where(key), key, exc) from exc
                if contained is not None:
                    self.highest = max(self.highest, contained(seen, self._partition))
            if count % DECODE_BATCH == 0:
                await asyncio.sleep(0)

    def _unpack(self, key: str, value: bytes) -> V:
        try:
            return self._table.decode(value)
        except UNDECODABLE as exc:
            raise _unreadable(self._copy, key.encode(), exc) from exc


def _unreadable(where: object, key: bytes, why: Exception) -> ChangelogUnreadable:
    return ChangelogUnreadable(
        f"{where}, key {key!r}: {why}; "
        "a newer Headwater may have written it: run that version, or delete the key's "
        "record and replay its events"
    )
