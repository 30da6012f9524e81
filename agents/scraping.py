"""Figures of a worker, read from its metrics server."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

TIMEOUT = 2.0
"""Seconds a scrape may take."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Samples of one scrape."""

    samples: Mapping[tuple[str, tuple[tuple[str, str], ...]], float] = field(default_factory=dict)

    def total(self, name: str) -> float:
        """The sum of a metric over all its labels; 0 where it is missing."""
        return sum(value for (found, _), value in self.samples.items() if found == name)

    def by(self, name: str, label: str) -> dict[str, float]:
        """A metric by one of its labels."""
        sums: dict[str, float] = {}
        for (found, labels), value in self.samples.items():
            if found == name:
                key = dict(labels).get(label, "")
                sums[key] = sums.get(key, 0.0) + value
        return sums

    def quantile(self, name: str, q: float) -> float | None:
        """
        A quantile of a histogram, in its own unit, interpolated within a bucket.

        Returns:
            None where nothing was observed; the last finite bound where it lies beyond.
        """
        bounds = {float(le): n for le, n in self.by(f"{name}_bucket", "le").items()}
        rank = q * bounds.get(float("inf"), 0.0)
        if not rank:
            return None
        low, below = 0.0, 0.0
        for bound in sorted(bounds):
            if bounds[bound] >= rank:
                if bound == float("inf"):
                    return low
                return low + (bound - low) * (rank - below) / (bounds[bound] - below)
            low, below = bound, bounds[bound]
        return low


def scrape(port: int) -> Figures:
    """The figures of the worker on this machine; none while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=TIMEOUT) as reply:
            text = reply.read().decode()
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return Figures()
    return Figures(
        {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
    )


def is_ready(port: int) -> bool:
    """Has the worker on this machine caught up?"""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=TIMEOUT) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False
