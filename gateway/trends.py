"""`item-trends` into a gateway's catalogue: as a worker has it, but nothing is kept on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from agents.catalogue import Catalogue
from agents.decoding import read_trends
from agents.metrics import Metrics
from agents.replicas import Replica
from streams.kafka import LogReader, Record

AT_A_TIME = 20
"""Trends taken over before requests are answered: about 2 ms."""


class Trends(Replica):
    """Follows `item-trends`; at start only the newest of each item is decoded."""

    def __init__(
        self, reader: LogReader, metrics: Metrics, *, catalogue: Catalogue, **kwargs: Any
    ) -> None:
        super().__init__("item-trends", reader, metrics, **kwargs)
        self._catalogue = catalogue
        self._newest: dict[bytes | None, Record] = {}

    async def apply(self, records: Sequence[Record]) -> None:
        """Follow the newest of each item."""
        self._newest |= {record.key: record for record in records}
        if self.ready.is_set():
            await self.catch_up()

    async def catch_up(self) -> bool:
        """Follow what has come, a few at a time."""
        records, self._newest = list(self._newest.values()), {}
        for k in range(0, len(records), AT_A_TIME):
            trends = read_trends(records[k : k + AT_A_TIME], refuse=self.refuse)
            for item_id, trend in trends.items():
                self._catalogue.follow(item_id, trend)
            await asyncio.sleep(0)
        return True
