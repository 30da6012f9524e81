"""
Replace a folder of files in one step, whenever the writer may die.

A directory holds a folder per version, and a file ``current`` that names one of them together with
the digest of its manifest.  A version is written in full before ``current`` is replaced; what
``current`` does not name does not count, and is removed by the next writer.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from indexes.files import fsync, read_bytes, sha256, write_bytes
from streams.errors import SnapshotCorrupt

MANIFEST = "manifest.json"
"""The file of a version that vouches for the others."""

FOLDER = re.compile(r"version-\d{8}")

CURRENT = re.compile(rf"({FOLDER.pattern}) ([0-9a-f]{{64}})\n")
"""What ``current`` holds: a folder and the sha256 of its manifest."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version that counts, or did when it was looked up."""

    folder: Path
    digest: str
    """The sha256 that its manifest must have."""


def current_version(directory: Path) -> Version | None:
    """
    The version that counts; None when there is none.

    Raises:
        SnapshotCorrupt: ``current`` cannot be read or is not as it was written.
    """
    path = directory / "current"
    if not path.exists():
        return None
    line = read_bytes(path).decode("ascii", errors="replace")
    match = CURRENT.fullmatch(line)
    if match is None:
        raise SnapshotCorrupt(f"{path}: {line[:80]!r}, expected a version and a digest")
    return Version(directory / match[1], digest=match[2])


@contextmanager
def next_version(directory: Path) -> Iterator[Path]:
    """
    Give an empty folder to fill, a manifest included; it counts when the block ends.

    The directory is made when it is not there; folders have mode 0700.  When the block raises,
    what it wrote is removed and the former version stays.

    Raises:
        OSError: The disk is full, or another writer is at work here.
    """
    make_folder(directory)
    with sole_writer(directory):
        _sweep(directory)
        folder = directory / _next_name(directory)
        try:
            folder.mkdir(mode=0o700)
            yield folder
            _propose(folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        os.replace(directory / "current.new", directory / "current")
        fsync(directory)
        _sweep(directory)


def _propose(folder: Path) -> None:
    """Have the version's names on the disk, and the file that is to replace ``current``."""
    fsync(folder)
    line = f"{folder.name} {sha256(folder / MANIFEST)}\n"
    write_bytes(folder.parent / "current.new", line.encode("ascii"))
    fsync(folder.parent)


def _folders(directory: Path) -> list[Path]:
    return [path for path in directory.iterdir() if FOLDER.fullmatch(path.name)]


def _next_name(directory: Path) -> str:
    taken = [int(path.name.removeprefix("version-")) for path in _folders(directory)]
    return f"version-{max(taken, default=0) + 1:08d}"


def _sweep(directory: Path) -> None:
    """Remove what a former or dead writer left; what cannot be removed is left for next time."""
    try:
        counts = current_version(directory)
    except SnapshotCorrupt:
        counts = None  # it names no version, so none is lost
    for folder in _folders(directory):
        if counts is None or folder != counts.folder:
            shutil.rmtree(folder, ignore_errors=True)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, for nobody else to read."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    fsync(path.parent)


@contextmanager
def sole_writer(directory: Path) -> Iterator[None]:
    """
    Keep other writers out until the block ends, or this process.

    Raises:
        OSError: One is at work.
    """
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise OSError(f"{directory}: another process is writing a snapshot here") from exc
        yield
    finally:
        os.close(descriptor)
