"""
Write small files so that they are on the disk when the function returns, and read them back.

What cannot be written is an `OSError`; what cannot be read as it was written is `SnapshotCorrupt`.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from streams.errors import SnapshotCorrupt


def write_bytes(path: Path, content: bytes) -> None:
    """Write and fsync one file."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_json(path: Path, value: Any) -> None:
    """Write and fsync a JSON file; ids with any character survive."""
    write_bytes(path, json.dumps(value).encode("ascii"))


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write and fsync a ``.npy`` file."""
    with path.open("wb") as file:
        np.lib.format.write_array(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())


def fsync(path: Path) -> None:
    """Wait until a file, or the list of names in a folder, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_bytes(path: Path) -> bytes:
    """
    A file's content.

    Raises:
        SnapshotCorrupt: Missing, or not to be read.
    """
    try:
        return path.read_bytes()
    except OSError as exc:
        raise SnapshotCorrupt(f"{path}: {exc.strerror}") from exc


def read_json(path: Path) -> Any:
    """
    The value that `write_json` wrote.

    Raises:
        SnapshotCorrupt: Missing, or not JSON.
    """
    try:
        return json.loads(read_bytes(path))
    except ValueError as exc:
        raise SnapshotCorrupt(f"{path}: {exc}") from exc


def read_array(path: Path, *, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """
    The array that `write_array` wrote.

    Raises:
        SnapshotCorrupt: Missing, not an array, or of another shape or type.
    """
    try:
        array: NDArray[Any] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as exc:
        raise SnapshotCorrupt(f"{path}: {exc}") from exc
    if array.shape != shape or array.dtype != dtype:
        raise SnapshotCorrupt(
            f"{path}: {array.dtype} {array.shape}, expected {np.dtype(dtype)} {shape}"
        )
    return array
