"""When snapshots of a replica are written, whatever is in them, and what is said of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from agents.metrics import Metrics
from indexes.snapshot_writer import Done, Failed, SnapshotWriter
from streams.deadletters import reason
from streams.errors import LocalStateUnusable, StateUnusable

log = logging.getLogger("headwater")


class Spacing:
    """Has a folder written by a forked child, now and then, while the worker goes on."""

    def __init__(
        self,
        folder: Path,
        *,
        replica: str,
        every: float,
        rest: float = 0.0,
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """
        Begin nothing yet.

        Args:
            folder: Of this replica alone.
            replica: Its name, for logs and metrics.
            every: Seconds from the beginning of one snapshot to the next, at least.
            rest: So many times the seconds that the last one took are waited at least.
            metrics: Where failures are counted.
            clock: Seconds since 1970.
        """
        self.folder = folder
        self.replica = replica
        self._every = every
        self._rest = rest
        self._clock = clock
        self._metrics = metrics
        self._writer = SnapshotWriter(folder)
        self._changed = False
        self.started = clock()
        """When the newest snapshot was begun, or this worker."""
        self._pause = every
        self._newest: float | None = None
        metrics.snapshot_age.labels(replica).set_function(self._age)

    def _age(self) -> float:
        return -1.0 if self._newest is None else self._clock() - self._newest

    @property
    def busy(self) -> bool:
        """Is a child at work in the folder?"""
        return self._writer.busy

    def note_change(self) -> None:
        """There is something to write."""
        self._changed = True

    def look(self, start: Callable[[SnapshotWriter], None]) -> None:
        """Look after the child, and start one when it is time; call it often, it never waits."""
        match self._writer.poll():
            case Done(seconds=seconds, stalled=stalled):
                self._newest = self.started
                self._pause = max(self._every, self._rest * seconds)
                log.debug("snapshot written; the worker stood still for %.1f ms", stalled * 1000)
            case Failed(reason=why):
                self._changed = True
                self.say_not_written(why)
        if self._changed and not self._writer.busy and self._clock() - self.started > self._pause:
            self._changed = False
            self.started = self._clock()
            start(self._writer)

    def end(self, write: Callable[[], None]) -> None:
        """Write what has changed since the last one, and wait for it."""
        self._changed = self._changed or self._writer.busy
        self._writer.close()
        if not self._changed and self._newest is not None:
            return
        try:
            write()
        except OSError as error:
            self.say_not_written(error)

    def say_not_written(self, why: object) -> None:
        """The disk has not taken it."""
        log.error("snapshot not written, the former one stays: %s (%s)", why, self.replica)
        self.count("not_written")

    def say_unusable(self, error: StateUnusable) -> None:
        """What was kept is of no use."""
        log.error("snapshot unusable, reading the log from its start instead: %s", error)
        self.count(error.reason if isinstance(error, LocalStateUnusable) else reason(error))

    def count(self, why: str) -> None:
        """Local state was given up."""
        self._metrics.local_state_failures.labels(self.replica, why).inc()
