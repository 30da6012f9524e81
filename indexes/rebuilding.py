"""
Build the next generation while the present one serves.

The live items are copied into a fresh graph in a thread of its own.  Changes that come meanwhile
go to the present generation and into a log, which is replayed until next to nothing is left of
it; that rest is replayed under the lock, together with the swap.  A canary goes in first.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexes.canary import find_fault
from indexes.fairlock import FairLock
from indexes.generations import Generation, Labels
from indexes.parameters import HnswParameters

COPY_CHUNK = 64
"""Items copied between two looks at whether to give up: some 25 ms."""


@dataclass(frozen=True, slots=True)
class Upsert:
    """An item has a new vector."""

    item_id: str
    row: NDArray[np.float16]
    """Unit vector, (dim,)."""


@dataclass(frozen=True, slots=True)
class Discard:
    """An item is gone."""

    item_id: str


Change: TypeAlias = Upsert | Discard


class Abandoned(Exception):
    """The index was closed; the generation in the making is of no use."""


def apply(changes: Sequence[Change], generation: Generation) -> None:
    """
    Apply changes with one call of the graph; only the last of each item counts.

    Raises:
        RuntimeError: The generation is full.
    """
    last = {change.item_id: change for change in changes}.values()
    upserts = [change for change in last if isinstance(change, Upsert)]
    if upserts:
        generation.add([c.item_id for c in upserts], np.stack([c.row for c in upserts]))
    for change in last:
        if isinstance(change, Discard):
            generation.discard(change.item_id)


class Rebuild:
    """One attempt: a source that goes on changing, a target, and the log between them."""

    def __init__(
        self,
        source: Generation,
        *,
        labels: Labels,
        new_target: Callable[[], Generation],
        lock: FairLock,
        parameters: HnswParameters,
    ) -> None:
        """
        Take note of what is live; the caller holds the lock, and logs every change from here on.

        Args:
            source: The generation that serves.
            labels: The live labels of `source`.
            new_target: Makes an empty generation with room for them and for growth.
            lock: Guards the source and the log.
            parameters: Adds per hold, and the canary's demands.
        """
        self.log: list[Change] = []
        """Changes since the rebuild began, oldest first; appended to under the lock."""
        self.replaying = False
        """While True the writer should leave the replay time to gain on it."""
        self._source = source
        self._labels = labels
        self._new_target = new_target
        self._lock = lock
        self._parameters = parameters
        self._replayed = 0
        self._abandoned = threading.Event()

    def abandon(self) -> None:
        """Make `run` end soon, with `Abandoned`."""
        self._abandoned.set()

    def run(self, adopt: Callable[[Generation], None], *, seed: int) -> str | None:
        """
        Fill the target and hand it over.

        A target in which the canary finds fault is handed over only when the source has no room
        left, and then as not trusted: it is searched exactly, which is slow and right.

        Args:
            adopt: Puts the target in place of the source; called under the lock.
            seed: For the canary.

        Returns:
            The canary's finding; None when all is well.

        Raises:
            Abandoned: `abandon` was called.
            RuntimeError, MemoryError: The target is full, or there is no memory for it.
        """
        target = self._new_target()
        self._copy(target)
        self._catch_up(target)
        self.replaying = False
        fault = find_fault(target, parameters=self._parameters, seed=seed)
        target.trusted = fault is None
        if fault is not None and self._source.room >= self._parameters.adds_per_hold:
            return fault
        self._catch_up(target)
        with self._lock:
            while self._behind:
                self._replay_some(target)
            adopt(target)
        return fault

    def _copy(self, target: Generation) -> None:
        """Rows and ids of a label never change, so this needs no lock."""
        for start in range(0, len(self._labels), COPY_CHUNK):
            self._look_up()
            labels = self._labels[start : start + COPY_CHUNK]
            ids = [self._source.ids[label] for label in labels.tolist()]
            target.add(ids, self._source.vectors[labels])

    @property
    def _behind(self) -> int:
        """Changes that the target lacks."""
        return len(self.log) - self._replayed

    def _catch_up(self, target: Generation) -> None:
        """Replay until so little of the log is left that it fits into one hold of the lock."""
        self.replaying = True
        while self._behind > self._parameters.adds_per_hold:
            self._look_up()
            self._replay_some(target)

    def _replay_some(self, target: Generation) -> None:
        part = self.log[self._replayed : self._replayed + COPY_CHUNK]
        apply(part, target)
        self._replayed += len(part)

    def _look_up(self) -> None:
        if self._abandoned.is_set():
            raise Abandoned
