"""What the gateway's routes are handed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import Request

from agents.catalogue import Catalogue
from agents.lookup import Log
from agents.metrics import Metrics
from agents.replicas import Replica
from agents.settings import Settings
from gateway.access import Access, Caller
from gateway.board import Board
from gateway.limits import Limits
from gateway.repeats import Repeats
from gateway.searching import Searching
from slates.strategies import Strategies
from streams.kafka import Sender


@dataclass(frozen=True, slots=True)
class Parts:
    """One gateway's parts."""

    settings: Settings
    access: Access
    limits: Limits
    board: Board
    catalogue: Catalogue
    searching: Searching
    replicas: tuple[Replica, ...]
    log: Log
    sender: Sender
    metrics: Metrics
    strategies: Strategies
    repeats: Repeats = field(default_factory=Repeats)
    clock: Callable[[], float] = time.time

    def readiness(self) -> dict[str, bool]:
        """What has to be true before it is ready."""
        return {replica.name: replica.ready.is_set() for replica in self.replicas}


def parts_of(request: Request) -> Parts:
    """The parts of the gateway that answers a request."""
    parts: Parts = request.app.state.parts
    return parts


async def caller_of(request: Request) -> Caller:
    """Who asks; each may ask so often.  It awaits nothing, but a `def` would run in a thread."""
    parts = parts_of(request)
    caller = parts.access.caller(request)
    parts.limits.count(caller, request)
    return caller
