"""
All trends in a folder, in columns, so that a start need not read and follow each of them.

What is read back is held against what the worker is now: topic, half-life and layout.  That the
topic is still the same log is proven by its reader (`agents.proof`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from agents.aging import check_age
from agents.stretches import Last
from indexes.files import read_array, read_bytes, read_json, write_array, write_bytes, write_json
from indexes.manifests import check_files, read_manifest, write_manifest
from indexes.versions import current_version, next_version
from slates.crowd import WIDTH
from slates.crowd_image import OF_PAIRS, OF_ROWS, CrowdImage
from streams.errors import LocalStateUnusable, SnapshotCorrupt
from streams.trends import VERSION, Trend

FORMAT = 1
"""Of the manifest and of the files; a snapshot of another format is rebuilt from the log."""

_decoder = msgspec.msgpack.Decoder(Trend)


@dataclass(frozen=True, slots=True)
class KeptTrends:
    """All that is known of trends."""

    crowd: CrowdImage
    trends: Mapping[str, Trend]
    """By item, without predecessors: those are in the crowd."""


@dataclass(frozen=True, slots=True)
class TrendSnapshot:
    """What `write` was given, as `load` gives it back."""

    kept: KeptTrends
    lasts: Mapping[int, Last]
    """Partition to the newest record contained; without those that had none."""


@dataclass(frozen=True, slots=True)
class Ours:
    """What a snapshot must be of."""

    topic: str
    half_life: float
    """Of popularity, in seconds: standings are made with it."""

    def as_json(self) -> dict[str, Any]:
        """What the manifest says of it; a row's width and the trends' layout with it."""
        return {
            "topic": self.topic,
            "half_life": self.half_life,
            "width": WIDTH,
            "layout": VERSION,
        }


def write(
    directory: Path,
    trends: Callable[[], KeptTrends],
    *,
    lasts: Mapping[int, Last],
    ours: Ours,
    now: float,
) -> None:
    """
    Write a snapshot in place of the one that is there, while nothing changes: in a forked child.

    Args:
        directory: Made, with mode 0700, when it is not there.
        trends: Gives what is known; it must contain all records up to `lasts`, and may contain
            more, for trends may be followed again, but never less.
        lasts: Partition to the newest record contained.
        ours: What they are of.
        now: Seconds since 1970.

    Raises:
        OSError: The disk is full, or another writer is at work here; the former snapshot is whole.
    """
    kept = trends()
    with next_version(directory) as folder:
        write_json(folder / "ids.json", kept.crowd.ids)
        for name in (*OF_ROWS, *OF_PAIRS, "values"):
            write_array(folder / f"{name}.npy", getattr(kept.crowd, name))
        write_bytes(folder / "trends.bin", msgspec.msgpack.encode(kept.trends))
        says = {
            "format": FORMAT,
            "ours": ours.as_json(),
            "as_of": now,
            "lasts": {str(p): [last.offset, last.checksum] for p, last in lasts.items()},
            "pairs": len(kept.crowd.slots),
        }
        write_manifest(folder, says)


def load(directory: Path, *, ours: Ours, now: float) -> TrendSnapshot | None:
    """
    Read the snapshot back; None when there is none.

    Args:
        directory: As given to `write`.
        ours: What it must be of.
        now: Seconds since 1970.

    Raises:
        SnapshotCorrupt: A file is missing, short or altered; the message names it.
        LocalStateUnusable: It is of other settings or another layout, or too old.
    """
    while (version := current_version(directory)) is not None:
        try:
            manifest = read_manifest(version, known=FORMAT)
            _check(manifest, version.folder, ours=ours, now=now)
            check_files(manifest, version.folder)
            return _read(manifest, version.folder)
        except SnapshotCorrupt:
            if current_version(directory) == version:
                raise  # and else a writer replaced it meanwhile: take the newer one
    return None


def _check(manifest: Mapping[str, Any], folder: Path, *, ours: Ours, now: float) -> None:
    for name, expected in ours.as_json().items():
        if (found := manifest["ours"].get(name)) != expected:
            raise LocalStateUnusable(
                f"{folder}: {name} {found!r}, expected {expected!r}", reason="other_layout"
            )
    check_age(folder, manifest["as_of"], now=now)


def _read(manifest: Mapping[str, Any], folder: Path) -> TrendSnapshot:
    ids, pairs = read_json(folder / "ids.json"), manifest["pairs"]
    lengths = {**dict.fromkeys(OF_ROWS, len(ids)), **dict.fromkeys(OF_PAIRS, pairs)}
    columns = {
        name: read_array(folder / f"{name}.npy", shape=(lengths[name],), dtype=dtype)
        for name, dtype in {**OF_ROWS, **OF_PAIRS}.items()
    }
    values = read_array(folder / "values.npy", shape=(pairs, 3), dtype=np.float32)
    crowd = CrowdImage(ids=ids, values=values, **columns)
    lasts = {int(p): Last(offset, checksum) for p, (offset, checksum) in manifest["lasts"].items()}
    return TrendSnapshot(KeptTrends(crowd, _trends(folder / "trends.bin")), lasts)


def _trends(path: Path) -> dict[str, Trend]:
    """One by one, so that a thread that reads lets others have the interpreter meanwhile."""
    try:
        raw = msgspec.msgpack.decode(read_bytes(path), type=dict[str, msgspec.Raw])
        return {item_id: _decoder.decode(trend) for item_id, trend in raw.items()}
    except msgspec.DecodeError as exc:
        raise SnapshotCorrupt(f"{path}: {exc}") from exc
