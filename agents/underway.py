"""
What was sent last of each item, whether or not it has come back from the log.

The catalogue knows an item as the log has it; what was sent since is newer.  Who decides by the
catalogue alone takes what is being replaced for what is there.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.catalogue import Catalogue
from agents.known import Known, known_of
from streams.vectors import VectorRecord


class Former(NamedTuple):
    """What was sent last of an item."""

    known: Known
    vector: NDArray[np.float16]


class _Sent(NamedTuple):
    record: VectorRecord | None
    """None: the item was taken out."""
    place: Future[Any]
    """Partition and offset on `item-vectors`, once the broker has it."""


class Underway:
    """What was sent and has not come back, before what the catalogue knows."""

    def __init__(self, catalogue: Catalogue, *, applied: Callable[[], Mapping[int, int]]) -> None:
        """
        Begin with nothing on its way.

        Args:
            catalogue: Fed by the log.
            applied: Partition of `item-vectors` to the offset up to which it was.
        """
        self._catalogue = catalogue
        self._applied = applied
        self._sent: dict[str, _Sent] = {}

    def __len__(self) -> int:
        return len(self._sent)

    def note(self, item_id: str, record: VectorRecord | None, place: Future[Any]) -> None:
        """A record was sent."""
        self._sent.pop(item_id, None)
        self._sent[item_id] = _Sent(record, place)
        self._drop_arrived()

    def former(self, item_id: str, *, text_hash: bytes) -> Former | None:
        """What was sent last of an item; None where its text was another one, or it was gone."""
        sent = self._sent.get(item_id)
        if sent is not None and not self._has_arrived(sent):
            known = None if sent.record is None else known_of(sent.record)
        else:
            sent, known = None, self._catalogue.known(item_id)
        if known is None or known.text_hash != text_hash:
            return None
        if sent is not None and sent.record is not None:
            return Former(known, sent.record.vector)
        return Former(known, self._catalogue.vector(item_id).astype(np.float16))

    def _drop_arrived(self) -> None:
        """From the oldest on; what one partition holds up is dropped with it a little later."""
        while self._sent:
            item_id, sent = next(iter(self._sent.items()))
            if not self._has_arrived(sent):
                return
            del self._sent[item_id]

    def _has_arrived(self, sent: _Sent) -> bool:
        place = sent.place
        if not place.done() or place.cancelled() or place.exception() is not None:
            return False  # a failure ends the worker at the next commit
        there = place.result()
        return bool(self._applied().get(there.partition, 0) > there.offset)
