"""
Commits at their interval while there is time, and less often when there is none.

A commit writes every key that has changed since the last one.  A worker that is behind changes the
same keys again and again: the longer the interval, the fewer writes an event costs, and the fewer
trends every worker has to follow.
"""

from __future__ import annotations

from time import monotonic
from typing import Any

from mode import Service

PAUSE = 10.0
"""How many times as long as a commit took the next one waits: a tenth of the time at most."""
LONGEST = 5.0
"""At most so many intervals: what is folded again after a crash."""


class PacedCommits:
    """Replaces the loop of `faust.transport.consumer.Consumer` that commits."""

    @Service.task  # type: ignore[untyped-decorator]
    async def _commit_handler(self: Any) -> None:
        """Commit until this consumer stops."""
        took = 0.0
        while not self.should_stop:
            await self.sleep(pause(self.commit_interval, took))
            began = monotonic()
            await self.commit()
            took = monotonic() - began


def pause(interval: float, took: float) -> float:
    """
    Seconds until the next commit.

    >>> pause(1.0, 0.02), pause(1.0, 0.3), pause(1.0, 4.0)
    (1.0, 3.0, 5.0)
    """
    return min(max(interval, PAUSE * took), LONGEST * interval)
