"""Snapshots of the catalogue: index and facts; `indexes.snapshots` knows how."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from agents.aging import CONFIRM_EVERY, check_age
from agents.catalogue import Catalogue
from agents.known import Known, read_known
from agents.metrics import Metrics
from agents.spacing import Spacing
from indexes.embedding import DIM, fingerprint
from indexes.images import Snapshottable
from indexes.snapshot_writer import SnapshotWriter
from indexes.snapshots import load, save
from streams.errors import SnapshotCorrupt, StateUnusable

log = logging.getLogger("headwater")

REPLICA = "item-vectors"


@dataclass(frozen=True, slots=True)
class Restored:
    """What a snapshot brought."""

    index: Snapshottable
    known: Mapping[str, Known]
    offsets: Mapping[int, int]
    """Partition to the offset to go on from."""


class Snapshotting:
    """Keeps the catalogue in a folder."""

    def __init__(
        self,
        folder: Path,
        *,
        every: float,
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self._clock = clock
        self._spacing = Spacing(folder, replica=REPLICA, every=every, metrics=metrics, clock=clock)
        self._writer = self._spacing._writer

    def restore(self, catalogue: Catalogue) -> Mapping[int, int]:
        """
        Fill the catalogue from the newest snapshot.

        Returns:
            Partition to the offset to go on from; empty when there is none that can be used.
        """
        return self.adopt(self.read(catalogue), catalogue)

    def read(self, catalogue: Catalogue) -> Restored | None:
        """
        The newest snapshot; None when there is none that can be used.

        The catalogue is not changed, so that this may run in a thread.
        """
        try:
            snapshot = load(
                self.folder, dim=DIM, fingerprint=fingerprint().hex(), on_alarm=catalogue.alarm
            )
            if snapshot is None:
                return None
            check_age(self.folder, snapshot.written_at, now=self._clock())
            return Restored(
                _as_configured(snapshot.index, catalogue.index),
                _known(snapshot.facts, self.folder),
                {int(partition): offset for partition, offset in snapshot.offsets.items()},
            )
        except StateUnusable as error:
            self._spacing.say_unusable(error)
            return None

    def adopt(self, restored: Restored | None, catalogue: Catalogue) -> Mapping[int, int]:
        """Fill the catalogue with what was read; partition to the offset to go on from."""
        if restored is None:
            return {}
        catalogue.take(restored.index, restored.known)
        log.info("snapshot restored: %d items", len(catalogue))
        return restored.offsets

    @property
    def busy(self) -> bool:
        """Is a child at work in the folder?"""
        return self._spacing.busy

    def note_change(self) -> None:
        """There is something to write."""
        self._spacing.note_change()

    def tick(self, catalogue: Catalogue, positions: Mapping[int, int]) -> None:
        """
        Look after the child, and start one when it is time; call it often, it never waits.

        Args:
            catalogue: All that the log had at the worker's start, and what came since.
            positions: Partition to the offset to go on from.
        """
        if self._clock() - self._spacing.started > CONFIRM_EVERY:
            self.note_change()  # or what nobody has changed would be too old one day

        def start(writer: SnapshotWriter) -> None:
            writer.start(
                index=catalogue.index,
                offsets=_named(positions),
                facts=catalogue.dump_facts(),
                fingerprint=fingerprint().hex(),
            )

        self._spacing.look(start)

    def finish(self, catalogue: Catalogue, positions: Mapping[int, int]) -> None:
        """Write what has changed since the last one, and wait for it."""

        def write() -> None:
            save(
                self.folder,
                index=catalogue.index,
                offsets=_named(positions),
                facts=catalogue.dump_facts(),
                fingerprint=fingerprint().hex(),
            )

        self._spacing.end(write)


def _named(positions: Mapping[int, int]) -> dict[str, int]:
    return {str(partition): offset for partition, offset in positions.items()}


def _known(facts: bytes, folder: Path) -> Mapping[str, Known]:
    try:
        return read_known(facts)
    except (msgspec.DecodeError, msgspec.ValidationError) as exc:
        raise SnapshotCorrupt(f"{folder}: facts: {exc}") from exc


def _as_configured(kept: Snapshottable, wanted: Snapshottable) -> Snapshottable:
    """The index kept, or its vectors in the kind of index that the settings want now."""
    if type(kept) is type(wanted):
        return kept
    item_ids = kept.item_ids()
    wanted.upsert_many(list(zip(item_ids, kept.vectors(item_ids), strict=True)))
    return wanted
