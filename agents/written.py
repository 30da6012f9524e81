"""
What this worker has written to a changelog of late, so that it knows it again.

A replica reads what its own worker has folded back from the log.  The same bytes say the same, so
they need no decoding: 60 µs for a trend with 200 predecessors.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from agents.recent import Recent

V = TypeVar("V")

MOST = 4_000
"""Values that are remembered: what changes in ten seconds or so; 20 MB of trends' bytes."""


class Written(Generic[V]):
    """
    Values by the bytes that were written for them.

    >>> written = Written[int]()
    >>> written.put("dune", b"7", 7)
    >>> written.take("dune", b"8"), written.take("dune", b"7"), written.take("dune", b"7")
    (None, 7, None)
    """

    def __init__(self, *, most: int = MOST) -> None:
        self._values: Recent[tuple[bytes, V]] = Recent(most=most)

    def put(self, key: str, value: bytes, meant: V) -> None:
        """These bytes are about to be written for this value."""
        self._values.put(key, (value, meant))

    def take(self, key: str, value: bytes) -> V | None:
        """What was written in these bytes, once; None where that is not known."""
        found = self._values.get(key)
        if found is None or found[0] != value:
            return None
        self._values.forget(key)
        return found[1]
