"""
Stretches of a changelog's partition, as they go from the log into a local copy.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec


def checksum(key: bytes, value: bytes | None) -> int:
    """
    CRC-32 of a record; where the key ends counts, too.

    >>> checksum(b"ab", b"c") == checksum(b"a", b"bc")
    False
    """
    return zlib.crc32(value or b"", zlib.crc32(key, len(key)))


class Last(msgspec.Struct, frozen=True, array_like=True):
    """The newest record that a file contains; the log must have it, too."""

    offset: int
    checksum: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a stretch of a changelog's partition says, its newest value of each key."""

    changes: Mapping[bytes, bytes | None]
    """None is a removal."""
    first: int
    """The offset at which it begins."""
    end: int
    """The offset before which it ends."""
    last: Last
    whole: bool = False
    """Is it all that the partition has?"""

    def then(self, after: Stretch) -> Stretch | None:
        """
        Both in one; None where there is a gap between them.

        >>> one = Stretch({b"ann": b"1"}, 4, 6, Last(5, 0))
        >>> two = Stretch({b"ann": None}, 6, 7, Last(6, 0))
        >>> both = one.then(two)
        >>> both.changes, both.first, both.end, both.last.offset
        ({b'ann': None}, 4, 7, 6)
        """
        if after.whole:
            return after
        if self.end != after.first:
            return None
        changes = {**self.changes, **after.changes}
        return Stretch(changes, self.first, after.end, after.last, self.whole)
