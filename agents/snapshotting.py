"""When snapshots of the catalogue are written and read; `indexes.snapshots` knows how."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from agents.catalogue import Catalogue
from agents.metrics import Metrics
from indexes.embedding import DIM, fingerprint
from indexes.images import Snapshottable
from indexes.snapshot_writer import Done, Failed, SnapshotWriter
from indexes.snapshots import load, save
from streams.deadletters import reason
from streams.errors import StateUnusable

log = logging.getLogger("headwater")

REPLICA = "item-vectors"


class Snapshotting:
    """Keeps the catalogue in a folder, written by a forked child while the worker goes on."""

    def __init__(
        self,
        folder: Path,
        *,
        every: float,
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self._every = every
        self._clock = clock
        self._metrics = metrics
        self._writer = SnapshotWriter(folder)
        self._changed = False
        self._started = clock()
        self._newest: float | None = None
        metrics.snapshot_age.labels(REPLICA).set_function(self._age)

    def _age(self) -> float:
        return -1.0 if self._newest is None else self._clock() - self._newest

    def restore(self, catalogue: Catalogue) -> Mapping[int, int]:
        """
        Fill the catalogue from the newest snapshot.

        Returns:
            Partition to the offset to go on from; empty when there is none that can be used.
        """
        try:
            snapshot = load(
                self.folder, dim=DIM, fingerprint=fingerprint().hex(), on_alarm=catalogue.alarm
            )
            if snapshot is None:
                return {}
            catalogue.load(_as_configured(snapshot.index, catalogue.index), snapshot.facts)
        except (StateUnusable, msgspec.DecodeError, msgspec.ValidationError) as error:
            log.error("snapshot unusable, reading the log from its start instead: %s", error)
            self._count(reason(error))
            return {}
        log.info("snapshot restored: %d items", len(catalogue))
        return {int(partition): offset for partition, offset in snapshot.offsets.items()}

    @property
    def busy(self) -> bool:
        """Is a child at work in the folder?"""
        return self._writer.busy

    def note_change(self) -> None:
        """There is something to write."""
        self._changed = True

    def tick(self, catalogue: Catalogue, positions: Mapping[int, int]) -> None:
        """Look after the child, and start one when it is time; call it often, it never waits."""
        match self._writer.poll():
            case Done(stalled=stalled):
                self._newest = self._started
                log.debug("snapshot written; the worker stood still for %.1f ms", stalled * 1000)
            case Failed(reason=why):
                self._changed = True
                self._say_not_written(why)
        if self._changed and not self._writer.busy and self._clock() - self._started > self._every:
            self._changed = False
            self._started = self._clock()
            self._writer.start(
                index=catalogue.index,
                offsets={str(partition): offset for partition, offset in positions.items()},
                facts=catalogue.dump_facts(),
                fingerprint=fingerprint().hex(),
            )

    def finish(self, catalogue: Catalogue, positions: Mapping[int, int]) -> None:
        """Write what has changed since the last one, and wait for it."""
        self._changed = self._changed or self._writer.busy
        self._writer.close()
        if not self._changed and self._newest is not None:
            return
        try:
            save(
                self.folder,
                index=catalogue.index,
                offsets={str(partition): offset for partition, offset in positions.items()},
                facts=catalogue.dump_facts(),
                fingerprint=fingerprint().hex(),
            )
        except OSError as error:
            self._say_not_written(error)

    def _say_not_written(self, why: object) -> None:
        log.error("snapshot not written, the former one stays: %s", why)
        self._count("not_written")

    def _count(self, why: str) -> None:
        self._metrics.local_state_failures.labels(REPLICA, why).inc()


def _as_configured(kept: Snapshottable, wanted: Snapshottable) -> Snapshottable:
    """The index kept, or its vectors in the kind of index that the settings want now."""
    if type(kept) is type(wanted):
        return kept
    item_ids = kept.item_ids()
    wanted.upsert_many(list(zip(item_ids, kept.vectors(item_ids), strict=True)))
    return wanted
