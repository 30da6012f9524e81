"""
An index with the offsets it has reached and the caller's facts, on disk: all of it or none.

Nothing is handed to hnswlib before its digest is verified, because hnswlib crashes on altered
files.  How a snapshot replaces the former one is told in `indexes.versions`, how to write one
without stopping the event loop in `indexes.snapshot_writer`.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexes import images
from indexes.exact import ExactIndex
from indexes.files import read_bytes, write_bytes
from indexes.images import Image, Snapshottable
from indexes.items import HnswIndex, unheard
from indexes.manifests import check_files, read_manifest, write_manifest
from indexes.parameters import HnswParameters
from indexes.versions import current_version, next_version
from streams.errors import DimensionMismatch, EncoderMismatch, SnapshotCorrupt

FORMAT = 2
"""Of the manifest; a snapshot of another format is rebuilt from the log."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What `save` was given, as `load` gives it back."""

    index: Snapshottable
    offsets: dict[str, int]
    """By ``topic-partition``, the next offset to read."""
    facts: bytes
    """The caller's own."""
    fingerprint: str
    """The encoder that made the vectors."""
    written_at: float
    """Seconds since 1970; how old it may be depends on how long its log tells of removals."""


def save(
    directory: Path,
    *,
    index: Snapshottable,
    offsets: Mapping[str, int],
    facts: bytes,
    fingerprint: str,
) -> None:
    """
    Write a snapshot in place of the one that is there; the index stands still meanwhile.

    Args:
        directory: Made, with mode 0700, when it is not there.
        index: Must contain all that lies before `offsets`; it may contain more, for changes may
            be replayed, but never less.
        offsets: By ``topic-partition``, the next offset to read.
        facts: Kept with the index, byte for byte.
        fingerprint: Of the encoder; `load` refuses the snapshot to any other.

    Raises:
        OSError: The disk is full, or another writer is at work here; the former snapshot is whole.
    """
    with index.frozen() as image:
        write(directory, image, offsets=offsets, facts=facts, fingerprint=fingerprint)


def load(
    directory: Path,
    *,
    dim: int,
    fingerprint: str,
    parameters: HnswParameters | None = None,
    on_alarm: Callable[[str], None] = unheard,
) -> Snapshot | None:
    """
    Read the snapshot back; None when there is none.

    Args:
        directory: As given to `save`.
        dim: The vectors' length that the caller expects.
        fingerprint: The encoder that the caller uses.
        parameters: For an `HnswIndex`; None for those it was saved with.
        on_alarm: For an `HnswIndex`.

    Raises:
        SnapshotCorrupt: A file is missing, short or altered; the message names it.
        DimensionMismatch: The vectors have another length.
        EncoderMismatch: Another encoder made them.
    """
    while (version := current_version(directory)) is not None:
        folder = version.folder
        try:
            manifest = read_manifest(version, known=FORMAT)
            _check_origin(manifest, folder, dim=dim, fingerprint=fingerprint)
            check_files(manifest, folder)
            return Snapshot(
                index=_restore(manifest, folder, parameters=parameters, on_alarm=on_alarm),
                offsets=manifest["offsets"],
                facts=read_bytes(folder / "facts.bin"),
                fingerprint=fingerprint,
                written_at=manifest["written_at"],
            )
        except SnapshotCorrupt:
            if current_version(directory) == version:
                raise  # and else a writer replaced it meanwhile: take the newer one
    return None


def write(
    directory: Path,
    image: Image,
    *,
    offsets: Mapping[str, int],
    facts: bytes,
    fingerprint: str,
) -> None:
    """As `save`, for an index that is frozen already."""
    with next_version(directory) as folder:
        parameters = image.write(folder)
        write_bytes(folder / "facts.bin", facts)
        says = {
            "format": FORMAT,
            "kind": image.kind,
            "dim": image.dim,
            "fingerprint": fingerprint,
            "written_at": time.time(),
            "offsets": dict(offsets),
            "parameters": parameters,
        }
        write_manifest(folder, says)


def _check_origin(manifest: Mapping[str, Any], folder: Path, *, dim: int, fingerprint: str) -> None:
    if manifest["dim"] != dim:
        raise DimensionMismatch(f"{folder}: dim {manifest['dim']}, expected {dim}")
    if manifest["fingerprint"] != fingerprint:
        raise EncoderMismatch(f"{folder}: {manifest['fingerprint']!r}, expected {fingerprint!r}")


def _restore(
    manifest: Mapping[str, Any],
    folder: Path,
    *,
    parameters: HnswParameters | None,
    on_alarm: Callable[[str], None],
) -> Snapshottable:
    written, dim = manifest["parameters"], manifest["dim"]
    match manifest["kind"]:
        case images.EXACT:
            return ExactIndex.restore(folder, written, dim=dim)
        case images.HNSW:
            return HnswIndex.restore(
                folder, written, dim=dim, parameters=parameters, on_alarm=on_alarm
            )
        case unknown:
            raise SnapshotCorrupt(f"{folder}: an index of kind {unknown!r}, expected a known one")
