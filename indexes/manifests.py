"""
What a version of a snapshot says of itself: its format, where it comes from, and its files.

The digest of the manifest stands in ``current``, the digests of the files in the manifest.  So a
version whose manifest can be read and whose files can be checked is as it was written, whole.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from indexes.files import read_bytes, sha256, write_json
from indexes.versions import MANIFEST, Version
from streams.errors import SnapshotCorrupt


def write_manifest(folder: Path, says: Mapping[str, Any]) -> None:
    """Write the manifest of a version, with all files that are there; the last of its files."""
    files = {
        path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)}
        for path in sorted(folder.iterdir())
    }
    write_json(folder / MANIFEST, {**says, "files": files})


def read_manifest(version: Version, *, known: int) -> dict[str, Any]:
    """
    What `write_manifest` was given, and the files.

    Args:
        version: Which.
        known: The format that can be read.

    Raises:
        SnapshotCorrupt: It is missing, altered, or of another format.
    """
    path = version.folder / MANIFEST
    content = read_bytes(path)
    if hashlib.sha256(content).hexdigest() != version.digest:
        raise SnapshotCorrupt(f"{path}: altered, its digest is not the one in 'current'")
    manifest: dict[str, Any] = json.loads(content)
    if manifest["format"] != known:
        raise SnapshotCorrupt(f"{path}: format {manifest['format']}, expected {known}")
    return manifest


def check_files(manifest: Mapping[str, Any], folder: Path) -> None:
    """
    Compare the files of a version with its manifest.

    Raises:
        SnapshotCorrupt: One is missing, short or altered; the message names it.
    """
    for name, expected in manifest["files"].items():
        path = folder / name
        try:
            size, digest = path.stat().st_size, sha256(path)
        except OSError as exc:
            raise SnapshotCorrupt(f"{path}: {exc.strerror}") from exc
        if size != expected["bytes"]:
            raise SnapshotCorrupt(f"{path}: {size} bytes, expected {expected['bytes']}")
        if digest != expected["sha256"]:
            raise SnapshotCorrupt(f"{path}: altered, its sha256 is not the one in the manifest")
