"""What a run has come to so far: counts, latencies, click-through."""

from __future__ import annotations

import time
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from agents.scraping import Figures
from slates.slate import Slate
from streams.repeats import Repeats

RECENT = 2_000
"""Slates over which the live view takes its percentiles."""
SHOWN = 8
"""Newest slates kept for the live view."""


@dataclass(slots=True)
class Tally:
    """Counts of one run, as its driver sees them."""

    began: float | None = None
    """When driving began; loading a catalogue first is no part of a run."""
    items_sent: int = 0
    vectors: int = 0
    """Vector records seen."""
    events_in: int = 0
    """Events that the broker has acknowledged."""
    slates: int = 0
    """Slates seen; a repeat counts once, and so does one with two revisions."""
    revisions: int = 0
    """Second revisions seen."""
    refined: int = 0
    """Those that a model has ranked; the others say why it has not."""
    tokens: int = 0
    """Of a model, that went into them."""
    superseded: int = 0
    """Events answered by the slate of a newer one."""
    dead_letters: int = 0
    degraded: int = 0
    shown: int = 0
    """Items simulated users were shown."""
    clicks: int = 0
    control: float = 0.0
    """Clicks the same users would have made on as many random items."""
    latencies: array[float] = field(default_factory=lambda: array("d"))
    """Seconds from event to slate, of every slate."""
    revision_latencies: array[float] = field(default_factory=lambda: array("d"))
    """Seconds from event to second revision, of those that a model has ranked."""
    repeats: Repeats = field(default_factory=Repeats)
    newest: deque[Slate] = field(default_factory=lambda: deque(maxlen=SHOWN))

    def add_slate(self, slate: Slate) -> bool:
        """Count a slate; False for one seen before, in this revision or an earlier one."""
        if not self.repeats.is_new(slate.slate_id, revision=slate.revision):
            return False
        if slate.revision > 1:
            self._add_revision(slate)
            return False
        self.slates += 1
        self.superseded += len(slate.supersedes)
        self.degraded += bool(slate.degraded)
        self.latencies.append(_waited(slate))
        self.newest.appendleft(slate)
        return True

    def _add_revision(self, slate: Slate) -> None:
        """It takes the place of the first one, where that is still among the newest."""
        self.revisions += 1
        self.tokens += slate.tokens
        if slate.ranked_by == "model":
            self.refined += 1
            self.revision_latencies.append(_waited(slate))
        for place, first in enumerate(self.newest):
            if first.slate_id == slate.slate_id:
                self.newest[place] = slate

    def add_visit(self, *, shown: int, clicks: int, control: float) -> None:
        """Count what a simulated user did, beside what random items would have earned."""
        self.shown += shown
        self.clicks += clicks
        self.control += control

    def start_clock(self) -> None:
        """The run begins."""
        self.began = time.monotonic()

    def seconds(self) -> float:
        """How long the run has lasted; 0 before it began."""
        return 0.0 if self.began is None else time.monotonic() - self.began

    def latency_ms(self, *quantiles: float, last: int | None = None) -> list[float | None]:
        """Quantiles of event-to-slate in milliseconds; None while there are no slates."""
        return _quantiles_ms(self.latencies[-last:] if last else self.latencies, quantiles)

    def revision_ms(self, *quantiles: float) -> list[float | None]:
        """The same of second revisions that a model has ranked."""
        return _quantiles_ms(self.revision_latencies, quantiles)

    def click_through(self) -> dict[str, float | None]:
        """Clicks per item shown, on slates and on random items."""
        if not self.shown:
            return {"slates": None, "control": None}
        return {
            "slates": round(self.clicks / self.shown, 4),
            "control": round(self.control / self.shown, 4),
        }


def _waited(slate: Slate) -> float:
    return max(slate.produced_at - slate.trigger.received_at, 0.0)


def _quantiles_ms(seconds: Sequence[float], quantiles: Sequence[float]) -> list[float | None]:
    if not seconds:
        return [None] * len(quantiles)
    return [round(float(q) * 1000, 2) for q in np.quantile(seconds, quantiles)]


def summary(tally: Tally, figures: Figures, *, seconds: float) -> dict[str, Any]:
    """
    The JSON object that a run ends with.

    Args:
        tally: The driver's side.
        figures: The worker's side, scraped at the end.
        seconds: How long events were sent.
    """
    p50, p95, p99 = tally.latency_ms(0.5, 0.95, 0.99)
    findable = [figures.quantile("headwater_item_to_findable_seconds", q) for q in (0.5, 0.99)]
    folded = int(figures.total("headwater_events_folded_total"))
    return {
        "seconds": round(seconds, 1),
        "events_in": tally.events_in,
        "events_folded": folded,
        "slates_out": tally.slates,
        "superseded": tally.superseded,
        "revisions": tally.revisions,
        "refined": tally.refined,
        "tokens": tally.tokens,
        "items_indexed": int(figures.total("headwater_index_items")),
        "dead_letters": tally.dead_letters,
        "degraded": tally.degraded,
        "event_to_slate_ms": {"p50": p50, "p95": p95, "p99": p99},
        "event_to_revision_ms": dict(
            zip(("p50", "p95", "p99"), tally.revision_ms(0.5, 0.95, 0.99), strict=True)
        ),
        "item_to_findable_ms": {
            name: None if value is None else round(value * 1000, 1)
            for name, value in zip(("p50", "p99"), findable, strict=True)
        },
        "updates_per_s": round(folded / seconds, 1) if seconds else None,
        "click_through": tally.click_through(),
    }
