"""
Recognise what was sent twice.

Outputs come at least once: a worker that died after sending and before committing is followed by
one that sends the same again.  Ids are derived from what caused a record, so a repeat has the id
of the first, and whoever must act only once can drop it.
"""

from __future__ import annotations

from collections import OrderedDict

REMEMBERED = 100_000
"""Ids kept by default: the repeats of a crash are those of its last seconds."""


class Repeats:
    """
    The newest ids, and whether one of them comes again.

    >>> repeats = Repeats(remembered=2)
    >>> [repeats.is_new(i) for i in ("slate-events-0-7", "slate-events-0-8", "slate-events-0-7")]
    [True, True, False]
    """

    def __init__(self, *, remembered: int = REMEMBERED) -> None:
        """
        Remember nothing yet.

        Args:
            remembered: How many ids to keep; the one not heard of for longest is forgotten.

        Raises:
            ValueError: None at all are to be kept.
        """
        if remembered < 1:
            raise ValueError(f"remembered {remembered}, expected at least 1")
        self._remembered = remembered
        self._ids: OrderedDict[tuple[str, int], None] = OrderedDict()

    def is_new(self, output_id: str, *, revision: int = 1) -> bool:
        """Is this the first time?  A revision of a slate is new although its id is not."""
        key = (output_id, revision)
        known = key in self._ids
        self._ids[key] = None
        self._ids.move_to_end(key)
        if len(self._ids) > self._remembered:
            self._ids.popitem(last=False)
        return not known
