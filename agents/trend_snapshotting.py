"""When snapshots of the trends are written and read; `agents.trend_snapshots` knows how."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from agents.aging import CONFIRM_EVERY
from agents.metrics import Metrics
from agents.proof import other_log
from agents.spacing import Spacing
from agents.stretches import Last
from agents.trend_snapshots import KeptTrends, Ours, TrendSnapshot, load, write
from streams.errors import StateUnusable

log = logging.getLogger("headwater")

REPLICA = "item-trends"
REST = 100.0
"""
Times the seconds that a snapshot took are waited before the next: trends change with every event,
and beside a writing child events wait a little longer, so at most one in a hundred has to.
"""


class TrendSnapshotting:
    """Keeps the trends in a folder, written by a forked child while the worker goes on."""

    def __init__(
        self,
        folder: Path,
        *,
        ours: Ours,
        every: float,
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self._ours = ours
        self._clock = clock
        self._spacing = Spacing(
            folder, replica=REPLICA, every=every, rest=REST, metrics=metrics, clock=clock
        )

    def read(self) -> TrendSnapshot | None:
        """The newest snapshot; None when there is none that can be used.  May run in a thread."""
        try:
            return load(self.folder, ours=self._ours, now=self._clock())
        except StateUnusable as error:
            self._spacing.say_unusable(error)
            return None

    def refuse(self) -> None:
        """What was read has turned out to be of another log."""
        self._spacing.say_unusable(other_log(self.folder))

    def note_change(self) -> None:
        """There is something to write."""
        self._spacing.note_change()

    def tick(self, trends: Callable[[], KeptTrends], lasts: Mapping[int, Last]) -> None:
        """Look after the child, and start one when it is time; call it often, it never waits."""
        if self._clock() - self._spacing.started > CONFIRM_EVERY:
            self.note_change()
        self._spacing.look(lambda writer: writer.start_job(self._writing(trends, lasts)))

    def finish(self, trends: Callable[[], KeptTrends], lasts: Mapping[int, Last]) -> None:
        """Write what has changed since the last one, and wait for it."""
        self._spacing.end(self._writing(trends, lasts))

    def _writing(
        self, trends: Callable[[], KeptTrends], lasts: Mapping[int, Last]
    ) -> Callable[[], None]:
        return partial(
            write, self.folder, trends, lasts=dict(lasts), ours=self._ours, now=self._clock()
        )
