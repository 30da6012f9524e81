"""A catalogue in the making: an index and what is known of its items, which nobody asks yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from agents.aging import check_age
from agents.decoding import read_vectors
from agents.known import Known, dump_known, known_of, read_known
from agents.proof import Proof, lasts_of, places_of
from agents.stretches import Last
from indexes.embedding import DIM
from indexes.exact import ExactIndex
from indexes.images import Snapshottable
from indexes.items import HnswIndex
from indexes.snapshots import load, save
from streams.errors import IndexUnfit, SnapshotCorrupt
from streams.kafka import LogReader, Record

READ_WAIT = 0.2
"""Seconds to wait for records; there are some, or the end is reached."""


@dataclass(slots=True, repr=False)
class Draft:
    """What the log says up to some offsets."""

    index: Snapshottable
    known: dict[str, Known]
    """Of exactly the items of the index."""
    offsets: dict[int, int]
    """Partition to the next offset to read."""
    lasts: dict[int, Last]
    """Partition to the last record before that."""
    fingerprint: bytes
    """Of the encoder whose vectors these are."""

    def fold(self, records: Sequence[Record]) -> None:
        """Take over records, in order per partition; what cannot be used leaves its item."""
        changes = read_vectors(
            records, dim=self.index.dim, fingerprint=self.fingerprint, refuse=_pass_over
        )
        for item_id in changes.gone:
            self.index.discard(item_id)
            self.known.pop(item_id, None)
        known = {item_id: known_of(vector) for item_id, vector in changes.vectors.items()}
        moved = [i for i, new in known.items() if _hash(self.known.get(i)) != new.content_hash]
        self.index.upsert_many([(i, changes.vectors[i].vector) for i in moved])
        self.known.update(known)
        self.lasts |= lasts_of(records)

    async def catch_up(self, reader: LogReader) -> None:
        """
        Read on to the end that the log has now.

        Raises:
            IndexUnfit: The log does not have the last records of this one.
        """
        proof = Proof(self.lasts)
        try:
            await reader.start(self.begins)
            while reader.behind and not reader.restarted:
                if records := await reader.read(wait=READ_WAIT):
                    proof.see(records)
                    await asyncio.to_thread(self.fold, records)
            if reader.restarted or not proof.holds:
                raise IndexUnfit(f"it is not of this log: {reader.topic!r} was made anew since")
            self.offsets = dict(reader.positions)
        finally:
            await reader.stop()

    @property
    def begins(self) -> dict[int, int]:
        """Partition to the offset from which to read on: that of the last record contained."""
        return self.offsets | places_of(self.lasts)

    def save(self, folder: Path) -> None:
        """
        Write it as a snapshot.

        Raises:
            OSError: The disk is full, or another writer is at work there.
        """
        save(
            folder,
            index=self.index,
            offsets={str(partition): offset for partition, offset in self.offsets.items()},
            facts=dump_known(self.known, self.lasts),
            fingerprint=self.fingerprint.hex(),
        )


def open_draft(
    folder: Path,
    *,
    like: Snapshottable,
    fingerprint: bytes,
    on_alarm: Callable[[str], None],
    now: float,
) -> Draft | None:
    """
    Read a snapshot, and try its index; None when there is none.

    Args:
        folder: Where it was saved.
        like: An index of the kind that is wanted.
        fingerprint: Of the encoder that is wanted.
        on_alarm: For the index.
        now: Seconds since 1970.

    Raises:
        StateUnusable: It is too old, damaged, made by another encoder, or not fit to be searched.
    """
    name = fingerprint.hex()
    snapshot = load(folder, dim=like.dim, fingerprint=name, on_alarm=on_alarm)
    if snapshot is None:
        return None
    check_age(folder, snapshot.written_at, now=now)
    if type(snapshot.index) is not type(like):
        kinds = type(snapshot.index).__name__, type(like).__name__
        raise IndexUnfit("it is of kind {}, the worker has {}: compare settings".format(*kinds))
    if (fault := snapshot.index.examine().fault) is not None:
        raise IndexUnfit(fault)
    try:
        kept = read_known(snapshot.facts)
    except (msgspec.DecodeError, msgspec.ValidationError) as exc:
        raise SnapshotCorrupt(f"{folder}: facts: {exc}") from exc
    offsets = {int(partition): offset for partition, offset in snapshot.offsets.items()}
    return Draft(snapshot.index, kept.known, offsets, kept.lasts, fingerprint)


def new_index(kind: str, *, items: int = 0, on_alarm: Callable[[str], None]) -> Snapshottable:
    """An empty index of a kind that the settings know, with room for so many items."""
    if kind == "exact":
        return ExactIndex(DIM)
    return HnswIndex(DIM, items=items, on_alarm=on_alarm)


def _hash(known: Known | None) -> bytes | None:
    return None if known is None else known.content_hash


def _pass_over(record: Record, error: Exception) -> None:
    """Whoever follows the topic refuses the record as well, and says so."""
