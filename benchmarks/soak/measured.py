"""What a run has measured, and what can be said of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from benchmarks.soak.driving import Sent
from benchmarks.soak.footprint import Footprint
from benchmarks.soak.steadiness import (
    LAG_SHARE,
    MEMORY_SHARE,
    Point,
    common_slope,
    stretches,
    warm_up,
)
from benchmarks.soak.sums import Sums
from benchmarks.soak.waits import Waits
from benchmarks.soak.worker import Life
from streams import topics

EVERY = 10.0
"""Seconds between two samples."""
HELD = 0.99
"""Share of the rate that has to be sent in every ten seconds for the load to count as held."""
WINDOW = 10
"""Reports, one a second, over which the load's rate is looked at."""


@dataclass(frozen=True, slots=True)
class Look:
    """At one worker, as of one moment."""

    lag: Mapping[str, int]
    """Topic to records of its partitions not committed; empty while it does not answer."""
    waiting: int | None
    """Users in line for a slate; None while it does not answer."""
    footprint: Footprint | None
    """None while there is no process."""
    cpu: float | None
    """Processors in use since the last look; None where that was another process."""


@dataclass(frozen=True, slots=True)
class Sample:
    """As of one moment."""

    at: float
    """Seconds since the first event."""
    sent: int
    slates: int
    superseded: int
    """These three since the beginning."""
    p50: float
    """Milliseconds that those had to wait whose answer came since the last sample."""
    p99: float
    looks: Sequence[Look]
    """At each worker."""
    state: int
    """Bytes of the state folders on the disk."""
    log: int
    """Bytes of the broker's data on the disk."""

    @property
    def lag(self) -> Mapping[str, int]:
        """Topic to records not committed, of all workers that answer; empty where none does."""
        found: Counter[str] = Counter()
        for look in self.looks:
            found.update(look.lag)
        return found

    @property
    def waiting(self) -> int | None:
        """Users in line for a slate, with all workers that answer; None where none does."""
        found = [look.waiting for look in self.looks if look.waiting is not None]
        return sum(found) if found else None

    def sum_of(self, value: Callable[[Look], float | None]) -> float | None:
        """Of all workers; None where one is not there."""
        found = [value(look) for look in self.looks]
        return sum(v for v in found if v is not None) if found and None not in found else None


@dataclass(slots=True)
class Measured:
    """One run."""

    rate: float
    seconds: float
    began: float = 0.0
    """When the first event was sent, seconds since 1970."""
    reports: list[Sent] = field(default_factory=list)
    """Of the load, one a second."""
    samples: list[Sample] = field(default_factory=list)
    lives: Sequence[Sequence[Life]] = ()
    """Of each worker."""
    waits: Waits = field(default_factory=Waits)
    sums: Sums | None = None

    @property
    def sent(self) -> int:
        """Events handed to the producer."""
        return self.reports[-1].sent if self.reports else 0

    @property
    def acknowledged(self) -> int:
        """Of those, by the broker."""
        return self.reports[-1].acknowledged if self.reports else 0

    @property
    def load_ended(self) -> float:
        """Seconds from the first event to the last."""
        return self.reports[-1].seconds if self.reports else 0.0

    def stretches_of(self, value: Callable[[Sample], float | None]) -> list[list[Point]]:
        """A figure of each sample under load in which all workers were warm."""
        ready = [[life for life in each if life.ready is not None] for each in self.lives]
        starts = [max((self._start_of(each[0]) for each in ready if each), default=0.0)]
        starts += sorted(self._start_of(life) for each in ready for life in each[1:])
        ends = sorted(self._end_of(life) for each in ready for life in each[:-1])
        points = [(s.at, v) for s in self.samples if (v := value(s)) is not None]
        return self._warm(points, starts, [*ends, self.load_ended])

    def lives_of(self, value: Callable[[Look], float | None]) -> list[list[Point]]:
        """A figure of each worker, life by life, while it was warm and under load."""
        found: list[list[Point]] = []
        for n, each in enumerate(self.lives):
            points = [(s.at, v) for s in self.samples if (v := value(s.looks[n])) is not None]
            lives = [life for life in each if life.ready is not None]
            found += self._warm(points, map(self._start_of, lives), map(self._end_of, lives))
        return found

    def _warm(
        self, points: Sequence[Point], starts: Iterable[float], ends: Iterable[float]
    ) -> list[list[Point]]:
        until = [min(end, self.load_ended) for end in ends]
        leave_out = warm_up(self.seconds)
        return stretches(points, starts=list(starts), ends=until, leave_out=leave_out)

    def _start_of(self, life: Life) -> float:
        return max((life.ready or 0.0) - self.began, 0.0)

    def _end_of(self, life: Life) -> float:
        end = life.told or life.ended
        return math.inf if end is None else end - self.began

    @property
    def restarts(self) -> list[tuple[Life, Life]]:
        """Each life that was followed by another, and that other one, in order of time."""
        found = [pair for lives in self.lives for pair in pairwise(lives)]
        return sorted(found, key=lambda pair: self._end_of(pair[0]))

    @property
    def slowest(self) -> float:
        """The lowest rate of the load over `WINDOW` seconds."""
        return min(self._rates(), default=0.0)

    @property
    def fastest(self) -> float:
        """The highest."""
        return max(self._rates(), default=0.0)

    def _rates(self) -> list[float]:
        ends = zip(self.reports, self.reports[WINDOW:], strict=False)
        return [(b.sent - a.sent) / (b.seconds - a.seconds) for a, b in ends]


def memory_of(look: Look) -> float | None:
    """
    MB of a worker and its children.

    Where a child is just writing a snapshot that is up to a third more: no sign of growth.
    """
    return None if look.footprint is None else look.footprint.share / 1e6


def resident_of(look: Look) -> float | None:
    """MB of a worker's own process."""
    return None if look.footprint is None else look.footprint.resident / 1e6


def cpu_of(look: Look) -> float | None:
    """Processors in use."""
    return look.cpu


def waiting_of(sample: Sample) -> float | None:
    """Users in line for a slate."""
    return sample.waiting


def lag_of(topic: str) -> Callable[[Sample], float | None]:
    """Records of one topic that are not committed."""
    return lambda sample: sample.lag.get(topic)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One promise, and whether it was kept."""

    promise: str
    kept: bool
    found: str


def verdicts(run: Measured) -> list[Verdict]:
    """Everything that should be so, in words."""
    return [*_of_load(run), *_of_sums(run), *_of_growth(run), *_of_lives(run)]


def _of_load(run: Measured) -> list[Verdict]:
    lost = run.sent - run.acknowledged
    return [
        Verdict(
            "The load was held.",
            run.slowest >= HELD * run.rate and lost == 0,
            f"{run.slowest:,.0f} to {run.fastest:,.0f} events/s over any {WINDOW} s; "
            f"{lost:,} not acknowledged",
        )
    ]


def _of_sums(run: Measured) -> list[Verdict]:
    if (sums := run.sums) is None:
        return []
    off = sums.difference
    return [
        Verdict(
            "Every event that the broker acknowledged is in its user's profile, once.",
            sums.events == sums.in_profiles == run.acknowledged
            and not (off.lost or off.over_counted or off.wrong),
            f"{sums.in_profiles:,} of {run.acknowledged:,}; lost {off.lost:,}, "
            f"over-counted {off.over_counted:,}, profiles or trends that differ {off.wrong:,}",
        ),
        Verdict(
            "The trends of all items sum up to the events.",
            sums.in_trends == run.acknowledged,
            f"{sums.in_trends:,} of {run.acknowledged:,}",
        ),
        Verdict(
            "Every event is answered, or named by the slate that answers a newer one.",
            run.waits.events == run.acknowledged and run.waits.unanswered == 0,
            f"{run.waits.unanswered:,} without an answer",
        ),
        Verdict("Nothing was refused.", not sums.dead_letters, f"{sums.dead_letters} dead letters"),
    ]


def _of_growth(run: Measured) -> list[Verdict]:
    found = run.lives_of(resident_of)
    levels = [value for stretch in found for _, value in stretch]
    per_hour = common_slope(found) * 3600
    share = per_hour * len(levels) / sum(levels) if levels else math.nan
    lags = {topic: _lag_slope(run, topic) for topic in lag_topics(run)}
    worst = max(lags, key=lambda topic: lags[topic], default="")
    line = common_slope(run.stretches_of(waiting_of))
    return [
        Verdict(
            f"Memory is flat: it grows by less than {MEMORY_SHARE:.0%} an hour.",
            share < MEMORY_SHARE,
            f"{per_hour:+.1f} MB/h, {share:+.1%} an hour",
        ),
        Verdict(
            f"Lag is flat: it grows by less than {LAG_SHARE:.1%} of what is sent.",
            bool(lags) and lags[worst] < LAG_SHARE * run.rate,
            f"{lags[worst]:+.2f} records/s at most, of {worst}" if lags else "nothing was seen",
        ),
        Verdict(
            f"The line for slates is no longer at the end, within {LAG_SHARE:.1%} of what is sent.",
            line < LAG_SHARE * run.rate,
            f"{line:+.2f} users/s",
        ),
    ]


def _lag_slope(run: Measured, topic: str) -> float:
    return common_slope(run.stretches_of(lag_of(topic)))


def lag_topics(run: Measured) -> list[str]:
    """
    The topics that the workers have to keep up with, as far as they said.

    Requests are not among them: a newer one takes the older's place in the line, and is committed
    when its user's turn has come, so their lag is how long a turn takes.  The line itself is looked
    at instead.
    """
    found = {topic for sample in run.samples for topic in sample.lag}
    return sorted(found - {topics.SLATE_REQUESTS.name})


def _of_lives(run: Measured) -> list[Verdict]:
    bad = [life for lives in run.lives for life in lives if not _ended_as_told(life)]
    codes = ", ".join(str(life.code) for life in bad)
    return [
        Verdict(
            "A worker ends when it is told to, in order, and never by itself.",
            not bad,
            f"{len(bad)} other ends, exit codes {codes}" if bad else "no other end",
        )
    ]


def _ended_as_told(life: Life) -> bool:
    """Lives on, was killed, or came to an end in order."""
    if life.ended is None or life.signal == "SIGKILL":
        return True
    return life.told is not None and life.code == 0
