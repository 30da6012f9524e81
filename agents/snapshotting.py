"""When snapshots of the catalogue are written and read; `indexes.snapshots` knows how."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import msgspec

from agents.catalogue import Catalogue
from agents.metrics import Metrics
from indexes.embedding import DIM, fingerprint
from indexes.snapshots import load, save
from streams.errors import StateUnusable

log = logging.getLogger("headwater")


class Snapshotting:
    """Keeps the catalogue in a folder."""

    def __init__(self, folder: Path, *, every: float, metrics: Metrics) -> None:
        self.folder = folder
        self._every = every
        self._metrics = metrics

    def restore(self, catalogue: Catalogue) -> Mapping[int, int]:
        """
        Fill the catalogue from the newest snapshot.

        Returns:
            Partition to the offset to go on from; empty when there is none that can be used.
        """
        try:
            snapshot = load(self.folder, dim=DIM, fingerprint=fingerprint().hex())
            if snapshot is None:
                return {}
            catalogue.index = snapshot.index
            catalogue.load_facts(snapshot.facts)
        except (StateUnusable, msgspec.DecodeError) as error:
            log.error("snapshot unusable, reading the log instead: %s", error)
            return {}
        return {int(partition): offset for partition, offset in snapshot.offsets.items()}

    def changed(self, catalogue: Catalogue, positions: Mapping[int, int]) -> None:
        pass

    def finish(self, catalogue: Catalogue, positions: Mapping[int, int]) -> None:
        save(
            self.folder,
            index=catalogue.index,
            offsets={str(p): o for p, o in positions.items()},
            facts=catalogue.dump_facts(),
            fingerprint=fingerprint().hex(),
        )
