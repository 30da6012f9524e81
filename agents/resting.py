"""
Give back the memory of what nobody asks for: values that rest are packed again.

A profile or trend is decoded when an event needs it, and stays so while events keep coming.  What
was not needed for a minute or two goes back to the bytes it would have on its changelog: a trend
with 224 predecessors takes 6.5 KB so, and 34 KB of Python's objects otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from mode import Service

from agents.shards import Shard
from agents.tables import FoldTable

REST = 60.0
"""
Seconds after which, and before twice that, a value is packed that nobody has asked for.

Decoding a profile again costs 13 µs: much shorter, and users between two clicks would be packed.
"""
AT_ONCE = 16
"""Values packed before others may use the event loop: 0.3 ms."""
PAUSE = 0.002
"""Seconds between: a sweep takes an eighth of the time at most, events the rest."""


class Resting(Service):  # type: ignore[misc]
    """Sweeps through the tables of a worker, now and then."""

    def __init__(
        self, tables: Sequence[FoldTable[Any]], *, rest: float = REST, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._tables = tables
        self._rest = rest

    @Service.task  # type: ignore[untyped-decorator]
    async def _sweep_often(self) -> None:
        while not self.should_stop:
            await self.sleep(self._rest)
            for table in self._tables:
                for shard in list(table.shards.values()):
                    await self._sweep(shard, table)

    async def _sweep(self, shard: Shard[Any], table: FoldTable[Any]) -> None:
        while shard.pack(table.encode, most=AT_ONCE):  # noqa: ASYNC110 - it is a pause
            await asyncio.sleep(PAUSE)
        shard.age()
