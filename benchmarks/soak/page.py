"""A run as a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean

from benchmarks.soak.measured import (
    EVERY,
    WINDOW,
    Measured,
    Verdict,
    cpu_of,
    lag_of,
    lag_topics,
    memory_of,
    resident_of,
    verdicts,
)
from benchmarks.soak.steadiness import Point, common_slope, warm_up
from benchmarks.soak.waits import quantiles_ms
from benchmarks.soak.worker import Life
from streams import topics

ROW = 300.0
"""Seconds between two rows of the table."""
LATE = 1.0
"""Seconds without an answer after which an event counts as late, as in reliability.md."""
AFTER = 60.0
"""Seconds after a restart whose events are looked at."""

_READ = (topics.EVENTS, topics.CO_VISITS, topics.SLATE_REQUESTS)


@dataclass(frozen=True, slots=True)
class Setting:
    """What it was measured on, in words."""

    day: str
    machine: str
    software: str
    catalogue: str
    command: str
    users: int
    workers: int


def page(run: Measured, setting: Setting) -> str:
    """The page, as Markdown."""
    found = verdicts(run)
    parts = (
        _head(run, setting),
        _verdicts(found),
        _course(run),
        _restarts(run),
        _memory(run),
        _lag(run),
        _sums(run),
    )
    return "\n".join(parts)


def _head(run: Measured, setting: Setting) -> str:
    return f"""# Soak

Written by `{setting.command}` on {setting.day}; do not edit.

Workers with their default settings on Apache Kafka, {setting.workers} of them, and
{run.seconds / 60:g} minutes of {run.rate:,.0f} events/s.
At a third of the time the first gets a SIGTERM, at two thirds the last a SIGKILL; each is started
again at once.
That is more than can be answered slate by slate: they build what they can, and a slate answers all
that its user has done meanwhile.
Broker, workers, load and the program that measures share the machine.

* machine: {setting.machine}
* software: {setting.software}
* catalogue: {setting.catalogue}
* {setting.users:,} users, the busiest of whom do most, and everybody returns to what he knows;
  each begins with a profile at its bound of 200 actions, and each item with a trend of as many
  predecessors as are kept, so that state does not grow with the run
"""


def _verdicts(found: Sequence[Verdict]) -> str:
    rows = [f"| {v.promise} | {'yes' if v.kept else '**no**'} | {v.found} |" for v in found]
    return _table("What was promised", ("", "kept", "measured"), rows)


def _course(run: Measured) -> str:
    head = (
        "minute", "events/s", "slates/s", "superseded/s", "event to slate, p50 / p99 ms",
        "lag: events", "co-visits", "requests", "in line",
        "RSS MB", "PSS MB", "CPU", "state MB", "log MB",
    )  # fmt: skip
    text = [
        "Rates and times are those of the minutes before, all else is as of then.",
        "Lag is in records not committed, which happens once a second.",
        "A request is committed when its user's turn has come; in line is each user once.",
        "Lag and memory are those of all workers; RSS is their own processes, PSS adds their",
        "children and counts what is shared once.",
        "CPU is in processors; the log is the broker's, on disk, with all topics.",
        "",
    ]
    return _table("Course", head, _rows(run), text)


def _rows(run: Measured) -> list[str]:
    rows, sent, slates, superseded, since = [], 0, 0, 0, 0.0
    for _, group in groupby(run.samples, key=lambda s: (s.at - EVERY / 2) // ROW):
        last = list(group)[-1]
        took = last.at - since
        p50, p99, _ = quantiles_ms(run.waits.between(run.began + since, run.began + last.at))
        cells = (
            f"{last.at / 60:.1f}",
            f"{(last.sent - sent) / took:,.0f}",
            f"{(last.slates - slates) / took:,.0f}",
            f"{(last.superseded - superseded) / took:,.0f}",
            f"{p50:,.0f} / {p99:,.0f}",
            *(_count(last.lag.get(topic.name)) for topic in _READ),
            _count(last.waiting),
            _count(last.sum_of(resident_of)),
            _count(last.sum_of(memory_of)),
            "–" if (cpu := last.sum_of(cpu_of)) is None else f"{cpu:.2f}",
            f"{last.state / 1e6:,.0f}",
            f"{last.log / 1e6:,.0f}",
        )
        rows.append(f"| {' | '.join(cells)} |")
        sent, slates, superseded, since = last.sent, last.slates, last.superseded, last.at
    return rows


def _count(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _restarts(run: Measured) -> str:
    head = (
        "minute", "signal", "exit code", "seconds until it had ended", "until the next was ready",
        "longest wait of an event, s", "events that waited longer than 1 s",
    )  # fmt: skip
    rows = [_restart(run, life, following) for life, following in run.restarts]
    text = [
        "From the signal on; waits are those of events sent in the minute from then, and in a",
        "quiet minute such load makes them wait as the table above says.",
        "",
    ]
    return _table("Restarts", head, rows, text)


def _restart(run: Measured, life: Life, following: Life) -> str:
    told = life.told or life.ended or math.nan
    waits = run.waits.between(told, told + AFTER)
    cells = (
        f"{(told - run.began) / 60:.1f}",
        life.signal or "none",
        str(life.code),
        _seconds(life.ended, since=told),
        _seconds(following.ready, since=told),
        f"{quantiles_ms(waits)[2] / 1000:.1f}",
        f"{int((waits > LATE).sum()):,} of {len(waits):,}",
    )
    return f"| {' | '.join(cells)} |"


def _seconds(moment: float | None, *, since: float) -> str:
    return "–" if moment is None else f"{moment - since:.1f}"


def _memory(run: Measured) -> str:
    text = [
        f"Straight lines through RSS every {EVERY:g} s, from {warm_up(run.seconds):.0f} s after",
        "a worker was ready until it was told to end.",
        "A child that writes a snapshot is not in it: it comes and goes, and shares most of its",
        f"memory; with children a worker had {_most(run):,.0f} MB (PSS) at most.",
        "",
    ]
    found = run.lives_of(resident_of)
    names = [
        f"{n}, life {k}"
        for n, lives in enumerate(run.lives, start=1)
        for k, life in enumerate(lives, start=1)
        if life.ready is not None
    ]
    rows = [
        f"| {name} | {len(stretch) * EVERY / 60:.1f} | {_growth(stretch)} |"
        for name, stretch in zip(names, found, strict=True)
    ]
    rows.append(f"| all, each at its own level | {_minutes(found):.1f} | {_growth(*found)} |")
    head = ("worker", "minutes", "mean MB", "least MB", "most MB", "MB/h", "of the mean, per hour")
    return _table("Memory", head, rows, text)


def _most(run: Measured) -> float:
    found = (memory_of(look) for sample in run.samples for look in sample.looks)
    return max((memory for memory in found if memory is not None), default=0.0)


def _minutes(found: Sequence[Sequence[Point]]) -> float:
    return sum(map(len, found)) * EVERY / 60


def _growth(*found: Sequence[Point]) -> str:
    values = [value for stretch in found for _, value in stretch]
    if not values:
        return "– | – | – | – | –"
    per_hour = common_slope(found) * 3600
    mean = fmean(values)
    return (
        f"{mean:,.0f} | {min(values):,.0f} | {max(values):,.0f} "
        f"| {per_hour:+.1f} | {per_hour / mean:+.1%}"
    )


def _lag(run: Measured) -> str:
    text = ["Records not committed; the most at all, and while all workers were warm.", ""]
    head = ("topic", "most", "most while warm", "mean while warm", "growth, records/s")
    return _table("Lag", head, [_lag_row(run, topic) for topic in lag_topics(run)], text)


def _lag_row(run: Measured, topic: str) -> str:
    found = run.stretches_of(lag_of(topic))
    warm = [value for stretch in found for _, value in stretch]
    most = max(sample.lag.get(topic, 0) for sample in run.samples)
    cells = (
        topic,
        f"{most:,}",
        f"{max(warm):,.0f}" if warm else "–",
        f"{fmean(warm):,.0f}" if warm else "–",
        f"{common_slope(found):+.2f}",
    )
    return f"| {' | '.join(cells)} |"


def _sums(run: Measured) -> str:
    if (sums := run.sums) is None:
        return ""
    waits, off = run.waits, sums.difference
    counts = {
        "events sent": run.sent,
        "events acknowledged by the broker": run.acknowledged,
        "events on the log": sums.events,
        "interactions in profiles, without those of the beginning": sums.in_profiles,
        "interactions in the trends of items": sums.in_trends,
        "lost": off.lost,
        "over-counted": off.over_counted,
        "profiles and trends that differ from the folds in plain Python": off.wrong,
        "slates": waits.slates,
        "of them sent again after a restart, with the same id": waits.repeated,
        "of them degraded": waits.degraded,
        "events that the slate of a newer one names": waits.superseded,
        "events without an answer": waits.unanswered,
        "dead letters": sums.dead_letters,
        "item ids new to a profile, by which state has grown": sums.new_ids,
    }
    late = max((report.late for report in run.reports), default=0.0)
    text = [
        f"The load sent {run.slowest:,.0f} to {run.fastest:,.0f} events/s over any {WINDOW} s; ",
        f"no event left later than {late * 1000:,.0f} ms after it was due.",
        "",
    ]
    rows = [f"| {name} | {count:,} |" for name, count in counts.items()]
    return _table("Sums", ("", ""), rows, text)


def _table(title: str, head: Sequence[str], rows: Sequence[str], text: Sequence[str] = ()) -> str:
    ruler = f"|{'---|' * len(head)}"
    return "\n".join([f"## {title}", "", *text, f"| {' | '.join(head)} |", ruler, *rows, ""])
