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
from agents.known import Kept, Known, read_known
from agents.metrics import Metrics
from agents.proof import other_log
from agents.spacing import Spacing
from agents.stretches import Last
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
    lasts: Mapping[int, Last]
    """Partition to the last record contained, which the log must have, too."""


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
            kept = _kept(snapshot.facts, self.folder)
            return Restored(
                _as_configured(snapshot.index, catalogue.index),
                kept.known,
                {int(partition): offset for partition, offset in snapshot.offsets.items()},
                kept.lasts,
            )
        except StateUnusable as error:
            self._spacing.say_unusable(error)
            return None

    def adopt(self, restored: Restored, catalogue: Catalogue) -> None:
        """Fill the catalogue with what was read."""
        catalogue.take(restored.index, restored.known)
        log.info("snapshot restored: %d items", len(catalogue))

    def refuse(self) -> None:
        """What was read has turned out to be of another log."""
        self._spacing.say_unusable(other_log(self.folder))

    @property
    def busy(self) -> bool:
        """Is a child at work in the folder?"""
        return self._spacing.busy

    def note_change(self) -> None:
        """There is something to write."""
        self._spacing.note_change()

    def tick(
        self, catalogue: Catalogue, positions: Mapping[int, int], lasts: Mapping[int, Last]
    ) -> None:
        """
        Look after the child, and start one when it is time; call it often, it never waits.

        Args:
            catalogue: All that the log had at the worker's start, and what came since.
            positions: Partition to the offset to go on from.
            lasts: Partition to the last record before that.
        """
        if self._clock() - self._spacing.started > CONFIRM_EVERY:
            self.note_change()  # or what nobody has changed would be too old one day

        def start(writer: SnapshotWriter) -> None:
            writer.start(
                index=catalogue.index,
                offsets=_named(positions),
                facts=catalogue.dump_facts(lasts),
                fingerprint=fingerprint().hex(),
            )

        self._spacing.look(start)

    def finish(
        self, catalogue: Catalogue, positions: Mapping[int, int], lasts: Mapping[int, Last]
    ) -> None:
        """Write what has changed since the last one, and wait for it."""

        def write() -> None:
            save(
                self.folder,
                index=catalogue.index,
                offsets=_named(positions),
                facts=catalogue.dump_facts(lasts),
                fingerprint=fingerprint().hex(),
            )

        self._spacing.end(write)


def _named(positions: Mapping[int, int]) -> dict[str, int]:
    return {str(partition): offset for partition, offset in positions.items()}


def _kept(facts: bytes, folder: Path) -> Kept:
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
