"""Which events were answered, and how long each had to wait; a few bytes an event."""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.requests import Trigger

NEVER = math.nan


class Answer(msgspec.Struct, frozen=True, gc=False):
    """As much of a slate as has to be known; the rest of it is skipped unread."""

    trigger: Trigger
    supersedes: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()
    revision: int = 1


class Times:
    """Offset to a time; it grows as needed."""

    def __init__(self) -> None:
        self._times = array("d")

    def __getitem__(self, offset: int) -> float:
        return self._times[offset] if offset < len(self._times) else NEVER

    def put(self, offset: int, at: float) -> None:
        """Set the time of an offset."""
        missing = offset + 1 - len(self._times)
        if missing > 0:
            self._times.extend([NEVER] * missing)
        self._times[offset] = at

    def first(self, count: int) -> NDArray[np.float64]:
        """The times of the first offsets, nan where there is none."""
        found = np.full(count, NEVER)
        known = np.array(self._times[:count])
        found[: len(known)] = known
        return found

    def __len__(self) -> int:
        return len(self._times)


class Waits:
    """Every event, when it was sent, and when it was first answered."""

    def __init__(self) -> None:
        """Begin with none."""
        self._sent: dict[int, Times] = defaultdict(Times)
        self._answered: dict[int, Times] = defaultdict(Times)
        self._shown: dict[int, Times] = defaultdict(Times)
        self._fresh: list[tuple[int, int]] = []
        self.events = 0
        self.slates = 0
        self.superseded = 0
        """Triggers that a slate names beside its own."""
        self.repeated = 0
        """Slates sent again."""
        self.degraded = 0

    def note_event(self, partition: int, offset: int, *, at: float) -> None:
        """An event was sent."""
        self._sent[partition].put(offset, at)
        self.events += 1

    def note_slate(self, slate: Answer, *, at: float) -> None:
        """A slate arrived; it may be read before the event that it answers."""
        if slate.revision > 1:
            return  # the first one was the answer
        own = _place(slate.trigger.id)
        self.slates += 1
        self.superseded += len(slate.supersedes)
        self.degraded += bool(slate.degraded)
        self.repeated += not math.isnan(self._shown[own[0]][own[1]])
        self._shown[own[0]].put(own[1], at)
        for partition, offset in (own, *map(_place, slate.supersedes)):
            times = self._answered[partition]
            if math.isnan(times[offset]):
                times.put(offset, at)
                self._fresh.append((partition, offset))

    def take_fresh(self) -> list[float]:
        """Seconds that those had to wait whose answer came since the last call."""
        fresh, self._fresh = self._fresh, []
        waits = [self._answered[p][o] - self._sent[p][o] for p, o in fresh]
        self._fresh = [place for place, s in zip(fresh, waits, strict=True) if math.isnan(s)]
        return [seconds for seconds in waits if not math.isnan(seconds)]

    @property
    def unanswered(self) -> int:
        """Events that no slate answers."""
        return sum(int(np.isnan(waits).sum()) for _, waits in self._all())

    def between(self, since: float, until: float) -> NDArray[np.float64]:
        """Seconds that the events sent in this time had to wait; nan where nothing answered."""
        found = [waits[(sent >= since) & (sent < until)] for sent, waits in self._all()]
        return np.concatenate(found) if found else np.empty(0)

    def _all(self) -> Iterable[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Times of sending and waits, by partition."""
        for partition, times in self._sent.items():
            sent = times.first(len(times))
            yield sent, self._answered[partition].first(len(times)) - sent


def _place(trigger: str) -> tuple[int, int]:
    """
    Partition and offset of a trigger.

    >>> _place("events-3-120")
    (3, 120)
    """
    _, partition, offset = trigger.rsplit("-", 2)
    return int(partition), int(offset)


def quantiles_ms(seconds: Sequence[float] | NDArray[np.float64]) -> tuple[float, float, float]:
    """
    Milliseconds at p50, p99 and the most; nan where there is none.

    >>> quantiles_ms([0.25, 0.5, math.nan])
    (500.0, inf, inf)
    """
    waits = np.nan_to_num(np.asarray(seconds, dtype=float), nan=math.inf)
    if not len(waits):
        return math.nan, math.nan, math.nan
    p50, p99, most = np.quantile(waits, (0.5, 0.99, 1.0), method="higher").tolist()
    return p50 * 1000, p99 * 1000, most * 1000
