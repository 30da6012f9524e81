"""
Is a user in the files of the state folder?  Bytes are looked at, whatever file they are in.

Nothing is locked, opened as a database or changed: a worker may be at work on the files meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from agents.kept import has_key
from agents.mentions import Name
from agents.traces import SHOWN, Trace

TABLES = "tables"
"""Folder of the local copies of state, by key."""
BLOCK = 4 * 1_048_576
"""Bytes read at a time."""
OVERLAP = 4_096
"""Bytes looked at again with the next block; an id has 1,024 at most."""


def search_folder(folder: Path, own: Path, name: Name, *, longer: Collection[bytes]) -> list[Trace]:
    """
    What the files of the state folder hold of a user.

    Args:
        folder: The state folder.
        own: The part of it that belongs to this log and tenant.
        name: Who is looked for.
        longer: Keys on the log that end with the id and are not it.

    Returns:
        What is in our part, which is state; and what is in others, of another log or tenant, where
        the same id may be another person's.
    """
    ours, others = Finds(name, longer), Finds(name, longer)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            (ours if path.is_relative_to(own) or _is_shared(path, folder) else others).search(path)
    first = Trace(f"files in {own}", held=ours.count, what=ours.words, note=ours.note)
    if not others.count:
        return [first]
    note = f"{others.words}: of another log or tenant, delete them by hand if they are the same"
    return [first, Trace(f"other files in {folder}", left=others.count, note=note)]


def _is_shared(path: Path, folder: Path) -> bool:
    """Does it lie beside the parts that belong to one log each?"""
    return path.parent == folder or path.is_relative_to(folder / "faust")


class Finds:
    """What was found in files."""

    def __init__(self, name: Name, longer: Collection[bytes]) -> None:
        self._name = name
        self._row = re.compile(re.escape(name.key) + rb'(?=\{")')  # a key, and JSON right behind it
        beginnings = {key.removesuffix(name.key) for key in longer}
        self._beginnings = beginnings
        self._lengths = sorted({len(beginning) for beginning in beginnings})
        self._files: dict[Path, int] = {}
        self._unsearched = 0

    @property
    def count(self) -> int:
        """Times that the user was found."""
        return sum(self._files.values())

    @property
    def words(self) -> str:
        """Which files they are in."""
        named = ", ".join(path.name for path in list(self._files)[:SHOWN])
        more = len(self._files) - SHOWN
        return f"{named} and {more} more" if more > 0 else named

    @property
    def note(self) -> str:
        """What was not looked at."""
        if not self._unsearched:
            return ""
        return f"{self._unsearched} files not searched: so short an id is in them by chance"

    def search(self, path: Path) -> None:
        """Look through a file; one that is deleted meanwhile holds nothing."""
        try:
            count = self._rows(path) if path.parent.name == TABLES else self._strings(path)
        except FileNotFoundError:
            return
        if count:
            self._files[path] = count

    def _rows(self, path: Path) -> int:
        """Rows with the key, and what is left of rows in pages that are free again."""
        remains = sum(not self._is_longer(before) for before in _found(path, self._row))
        return max(remains, int(has_key(path, self._name.key)))

    def _is_longer(self, before: bytes) -> bool:
        """Is it the end of a longer key?"""
        return any(before[len(before) - n :] in self._beginnings for n in self._lengths)

    def _strings(self, path: Path) -> int:
        strings = self._name.strings(path.stat().st_size)
        if not strings:
            self._unsearched += 1
            return 0
        return sum(1 for _ in _found(path, re.compile(b"|".join(map(re.escape, strings)))))


def _found(path: Path, pattern: re.Pattern[bytes]) -> Iterator[bytes]:
    """What stands before each find."""
    with path.open("rb") as file:
        seen, start, data = -1, 0, b""
        while block := file.read(BLOCK):
            kept = data[-OVERLAP:]
            start, data = start + len(data) - len(kept), kept + block
            for match in pattern.finditer(data):
                if start + match.start() > seen:
                    seen = start + match.start()
                    yield data[max(match.start() - OVERLAP // 4, 0) : match.start()]
