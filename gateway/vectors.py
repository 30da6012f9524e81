"""`item-vectors` into a gateway's catalogue: as a worker has it, but nothing is kept on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from agents.catalogue import Catalogue
from agents.decoding import read_vectors
from agents.metrics import Metrics
from agents.replicas import Replica
from streams.kafka import LogReader, Record


class Vectors(Replica):
    """Follows `item-vectors`."""

    def __init__(
        self,
        reader: LogReader,
        metrics: Metrics,
        *,
        catalogue: Catalogue,
        fingerprint: bytes,
        **kwargs: Any,
    ) -> None:
        super().__init__("item-vectors", reader, metrics, **kwargs)
        self._catalogue = catalogue
        self._fingerprint = fingerprint

    async def apply(self, records: Sequence[Record]) -> None:
        """Vectors in a thread, facts after them, so that what is announced can be found."""
        index = self._catalogue.index
        changes = read_vectors(
            records, dim=index.dim, fingerprint=self._fingerprint, refuse=self.refuse
        )
        for item_id in changes.gone:
            self._catalogue.discard(item_id)
            index.discard(item_id)
        rows = [(item_id, record.vector) for item_id, record in changes.vectors.items()]
        await asyncio.to_thread(index.upsert_many, rows)
        for item_id, record in changes.vectors.items():
            self._catalogue.announce(item_id, record)
