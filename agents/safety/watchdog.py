"""
Turn a worker that is silently dead into one that has exited, so that a supervisor restarts it.

aiokafka parks an error of the group coordinator until somebody polls; Faust does not poll while it
has no partitions, and would hang for ever.
"""

from __future__ import annotations

import asyncio
from typing import Any

from mode import Service

INTERVAL = 2.0
"""Seconds between looks."""


class Watchdog(Service):  # type: ignore[misc]
    """Looks at the coordinator and calls for the end when it has failed."""

    def __init__(self, app: Any, *, fatal: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.app = app
        self.fatal = fatal

    @Service.task  # type: ignore[untyped-decorator]
    async def _look(self) -> None:
        while not self.should_stop:
            await asyncio.sleep(INTERVAL)
            if (error := coordinator_error(self.app.consumer)) is not None:
                self.fatal(f"the group coordinator failed: {error!r}", error)


def coordinator_error(consumer: Any) -> BaseException | None:
    """The error that aiokafka has parked; None when all is well or nothing has started."""
    fetching = getattr(getattr(consumer, "_thread", None), "_consumer", None)
    coordinator = getattr(fetching, "_coordinator", None)
    error: BaseException | None = getattr(coordinator, "_pending_exception", None)
    return error
