"""What hands slates on to a model, with nothing but an outbox behind it."""

from __future__ import annotations

from collections.abc import Callable

from agents.catalogue import Catalogue
from agents.metrics import Metrics
from agents.proposing import Proposing
from agents.testing import SmallOutbox
from streams.topics import Topics

NOW = 1_700_000_000.0


def proposals(
    catalogue: Catalogue,
    outbox: SmallOutbox,
    metrics: Metrics,
    *,
    has_model: bool = False,
    lacking: Callable[[str], str] = lambda _: "",
    max_bytes: int = 262_144,
    clock: Callable[[], float] = lambda: NOW,
) -> Proposing:
    """As a worker has it, by default one without a model."""
    return Proposing(
        catalogue=catalogue,
        outbox=outbox,
        names=Topics(prefix="", partitions=4),
        has_model=has_model,
        lacking=lacking,
        max_bytes=max_bytes,
        metrics=metrics,
        clock=clock,
    )
