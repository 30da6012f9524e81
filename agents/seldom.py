"""Say on the log what goes wrong again and again, without a line for each time."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from time import monotonic

PAUSE = 10.0
"""Seconds between two lines about the same thing; a metric has the counts."""

log = logging.getLogger("headwater")


class Seldom:
    """Warns about each kind of thing at most once in `PAUSE` seconds."""

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        """Begin with nothing said."""
        self._clock = clock
        self._next: dict[str, float] = {}
        self._unsaid: Counter[str] = Counter()

    def warn(self, kind: str, text: str) -> None:
        """
        Log a warning, or count it until the next one of its kind.

        Args:
            kind: Out of a closed set.
            text: What happened this time.
        """
        now = self._clock()
        if now < self._next.get(kind, 0.0):
            self._unsaid[kind] += 1
            return
        self._next[kind] = now + PAUSE
        unsaid = self._unsaid.pop(kind, 0)
        log.warning("%s%s", text, f"; {unsaid} more like it before" if unsaid else "")
