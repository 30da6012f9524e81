"""
How a rebuilt index gets from the command that built it to the worker: through files.

Beside the folder of the worker's own snapshot stand a folder with the rebuilt one, a file with the
worker's answer, and a file that every worker of this state folder holds locked while it lives.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

import msgspec

from agents.drafts import Draft
from indexes.versions import current_version, make_folder, sole_writer


class Answer(msgspec.Struct, frozen=True):
    """What became of a rebuilt index."""

    rebuilt: str
    """Which one: the digest of its manifest."""
    taken: bool
    why: str = ""
    """Why it was thrown away."""
    items_before: int = 0
    items: int = 0
    generation: int = 0
    """Of the index that serves now."""


class Handover:
    """The files of one worker's state folder; either side has an object of its own."""

    def __init__(self, own: Path) -> None:
        """
        Touch nothing yet.

        Args:
            own: Folder of the worker's own snapshot.
        """
        self.own = own
        self.folder = _beside(own, "rebuilt")
        self._former = _beside(own, "former")
        self._answer = _beside(own, "answer")
        self._lock = _beside(own, "worker")
        self._held: int | None = None

    # the command

    def offer(self, draft: Draft) -> str:
        """
        Put a rebuilt index where the worker looks for one.

        Returns:
            The digest of its manifest.

        Raises:
            OSError: The disk is full or the folder cannot be written to; nothing is offered.
        """
        self._answer.unlink(missing_ok=True)
        draft.save(self.folder)
        return self.digest()

    def answer(self, digest: str) -> Answer | None:
        """What the worker has said of a rebuilt index; None as long as it has said nothing."""
        try:
            answer = msgspec.json.decode(self._answer.read_bytes(), type=Answer)
        except FileNotFoundError:
            return None
        return answer if answer.rebuilt in ("", digest) else None

    def attended(self) -> bool:
        """Does a worker live that looks here?"""
        try:
            descriptor = os.open(self._lock, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    # the worker

    def attend(self) -> None:
        """
        Be known to live until `leave`, or until the process ends, however that comes about.

        Raises:
            OSError: The folder cannot be written to.
        """
        make_folder(self.own.parent)
        self._held = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._held, fcntl.LOCK_SH)  # workers may share a folder

    def leave(self) -> None:
        """Be known no more; idempotent."""
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def waiting(self) -> int | None:
        """A mark of the rebuilt index that is there, another for every one; None without."""
        try:
            return (self.folder / "current").stat().st_mtime_ns
        except OSError:
            return None

    def digest(self) -> str:
        """
        Names the rebuilt index that is there; empty without.

        Raises:
            SnapshotCorrupt: It has no readable name.
        """
        version = current_version(self.folder)
        return "" if version is None else version.digest

    def keep(self) -> None:
        """
        Make the rebuilt snapshot the worker's own; renames only, so that it takes no time.

        A worker that dies in between finds the rebuilt one at its next start.

        Raises:
            OSError: The folder cannot be written to, or another worker writes its snapshot to it.
        """
        if not self.folder.exists():  # a worker that shares the state folder was quicker
            return
        shutil.rmtree(self._former, ignore_errors=True)
        if self.own.exists():
            with sole_writer(self.own):
                os.rename(self.own, self._former)
        os.rename(self.folder, self.own)

    def clean(self) -> None:
        """Remove what is of no use any more."""
        shutil.rmtree(self._former, ignore_errors=True)

    def discard(self) -> None:
        """Throw the rebuilt index away; one that cannot be removed stays."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def reply(self, answer: Answer) -> None:
        """
        Tell the command, if one waits.

        Raises:
            OSError: The disk is full.
        """
        new = self._answer.with_name(f"{self._answer.name}.new")
        new.write_bytes(msgspec.json.encode(answer))
        os.replace(new, self._answer)


def _beside(folder: Path, what: str) -> Path:
    return folder.with_name(f"{folder.name}.{what}")
