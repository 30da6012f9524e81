"""What was measured, as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.building import BuildCost
from benchmarks.evenness import SECONDS as LOOKED
from benchmarks.evenness import Evenness
from benchmarks.gateway import Gateway
from benchmarks.latency import OVERLOAD, Overload, Row
from benchmarks.refining import Way, section
from benchmarks.restarting import HISTORY, Restarts
from benchmarks.scoring import Scoring
from benchmarks.scoring import section as of_scoring
from benchmarks.showing import of_gateway
from benchmarks.throughput import EVENTS, USERS, Rate


@dataclass(slots=True)
class Report:
    """The figures of one run."""

    machine: str = ""
    software: str = ""
    catalogue: str = ""
    precision: str = ""
    evenness: Evenness | None = None
    items: int = 0
    rows: list[Row] = field(default_factory=list)
    saturation: float = 0.0
    """Slates per second."""
    overload: Overload | None = None
    throughput: Sequence[Rate] = ()
    slate_stages: Mapping[str, float] = field(default_factory=dict)
    """Stage to mean seconds."""
    load_seconds: float = 0.0
    findable: tuple[float | None, float | None] = (None, None)
    """Milliseconds, p50 and p99."""
    building: Mapping[str, Mapping[str, BuildCost]] = field(default_factory=dict)
    scoring: Sequence[Scoring] = ()
    start_empty: float = 0.0
    """Seconds from the start of the process until it was ready."""
    start_snapshot: float = 0.0
    start_log: float = 0.0
    restarts: Restarts | None = None
    gateway: Gateway | None = None
    refining: Sequence[Way] = ()


NEW_ITEMS_RATE = 50.0
"""New items a second while it is timed when each can be found."""
_LINE_GROWS = """\
That is more than this machine's encoder does: what is timed is a line that grows.
"""


def write(report: Report, path: Path) -> None:
    """Write the page."""
    parts = (
        _head,
        _latency,
        _overload,
        _throughput,
        _items,
        _building,
        _scoring,
        _starts,
        _restarts,
        _gateway,
        _refining,
    )
    path.write_text("\n".join(part(report) for part in parts), encoding="utf-8")


def _head(report: Report) -> str:
    return f"""# Benchmarks

Written by `make bench`; do not edit.
Everything below was timed in one run on one machine, broker, worker and measuring client together.
Such a machine is small and shared: the ratios mean more than the milliseconds.

* machine: {report.machine}
* software: {report.software}; encoder in {report.precision}
* catalogue: {report.catalogue}
* one worker with all roles, settings as they come
{_even(report.evenness)}"""


def _even(found: Evenness | None) -> str:
    """What the machine alone adds to every p99 below."""
    if found is None:
        return ""
    return f"""* the machine alone, {LOOKED:.0f} s before anything was started: a loop of Python was
  more than twice as slow as usual for {found.slow:.1%} of the time, and in the worst 100 ms it did
  {found.worst:.0%} of its usual work; that is in every p99 below
"""


def _latency(report: Report) -> str:
    raw = {row.rate: row.latency for row in report.rows if row.what.startswith("raw")}
    lines = [
        "## Event to slate",
        "",
        "From handing an event to the producer until its slate was consumed, by one clock.",
        "A slate passes three topics (events, slate-requests, recommendations) and two agents.",
        "",
        "| path | events/s | p50 ms | p95 ms | p99 ms | p50 / raw | answered |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in sorted(report.rows, key=lambda r: (r.rate, r.what != "event → slate")):
        ratio = row.latency.p50 / raw[row.rate].p50 if row.rate in raw else float("nan")
        lines.append(
            f"| {row.what} | {row.rate:g} | {row.latency.p50:.1f} | {row.latency.p95:.1f} "
            f"| {row.latency.p99:.1f} | {ratio:.1f} "
            f"| {row.latency.answered} of {row.latency.sent} |"
        )
    lines += [
        "",
        f"Saturation: **{report.saturation:.0f} slates/s** with one worker; "
        "the last rate above is half of it.",
        "Mean time per slate inside the worker: "
        + ", ".join(f"{name} {s * 1000:.2f} ms" for name, s in report.slate_stages.items())
        + ".",
        "",
    ]
    return "\n".join(lines)


def _overload(report: Report) -> str:
    if (run := report.overload) is None:
        return ""
    third = max(len(run.lags) // 3, 1)
    lags = (run.lags[third - 1], run.lags[2 * third - 1], run.lags[-1])
    rows = {
        "events": f"{run.latency.sent:,}",
        "slates": f"{run.slates:,}",
        "requests superseded": f"{run.superseded:,}",
        "events without an answer": f"{run.unanswered:,}",
        "event to slate, p50 / p99": f"{run.latency.p50:.0f} / {run.latency.p99:.0f} ms",
        "events not committed, at a third, two thirds, the end": " / ".join(map(str, lags)),
    }
    return "\n".join(
        [
            "## More events than slates can be built for",
            "",
            f"{run.rate:g} events/s, {OVERLOAD} times saturation, for {len(run.lags)} s.",
            "Profiles are folded first; a slate answers the newest request of a user and names",
            "those it supersedes.",
            "",
            "| | |",
            "|---|---|",
            *(f"| {name} | {value} |" for name, value in rows.items()),
            "",
            "Events are committed once a second, so those of a second or two are no lag.",
            "",
        ]
    )


def _throughput(report: Report) -> str:
    by_hand = next((rate.events for rate in report.throughput if "by hand" in rate.what), 1.0)
    lines = [
        "## Events a second into durable profiles",
        "",
        f"A backlog of {EVENTS:,} events of {USERS:,} users, one process each, the same fold;",
        "what is written is acknowledged by the broker, in Headwater before offsets are committed.",
        "",
        "| | events/s | to the loop by hand |",
        "|---|---|---|",
        *(
            f"| {rate.what} | {rate.events:,.0f} | {rate.events / by_hand:.2f} |"
            for rate in report.throughput
        ),
        "",
    ]
    return "\n".join(lines)


def _items(report: Report) -> str:
    p50, p99 = (f"{value:.0f}" if value is not None else "–" for value in report.findable)
    rate = report.items / report.load_seconds if report.load_seconds else 0.0
    new = NEW_ITEMS_RATE
    return f"""## New items

Loading {report.items:,} items took {report.load_seconds:.0f} s: {rate:.0f} items/s.
That is the encoder's pace.
At {new:g} new items a second, an item was proven findable (a search for its vector found it)
within {p50} ms at p50 and {p99} ms at p99, rounded up to the bucket of the histogram.
{_LINE_GROWS if rate < new else ""}"""


def _building(report: Report) -> str:
    lines = [
        "## Building one slate from 10,000 items",
        "",
        "On one thread, users with 40 likes, random clustered vectors; beside it one float32",
        "product of all vectors with one taste and its ten best.  Every item has a full row of 200",
        "predecessors, and every slate its reasons.",
        "",
        "| index | strategy | p50 ms | p99 ms | numpy, one taste, p50 ms | ratio |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {kind} | {strategy} | {cost.p50:.2f} | {cost.p99:.2f} | {cost.numpy_p50:.2f} "
        f"| {cost.p50 / cost.numpy_p50:.1f} |"
        for kind, costs in report.building.items()
        for strategy, cost in costs.items()
    ]
    return "\n".join([*lines, ""])


def _scoring(report: Report) -> str:
    return of_scoring(report.scoring) if report.scoring else ""


def _starts(report: Report) -> str:
    return f"""## Restart

Seconds from the start of the worker's process until `/readyz` said 200, imports included.

| state | seconds |
|---|---|
| empty topics | {report.start_empty:.1f} |
| {report.items:,} items, from a local snapshot | {report.start_snapshot:.1f} |
| {report.items:,} items, state folder deleted, from the log | {report.start_log:.1f} |
"""


def _restarts(report: Report) -> str:
    if (run := report.restarts) is None:
        return ""
    return "\n".join(
        [
            f"With {run.profiles:,} profiles of {HISTORY} interactions, and {run.items:,} items",
            "that have vectors and trends without predecessors, all in one worker:",
            "",
            "| state | seconds | of these profiles and trends | MiB when ready |",
            "|---|---|---|---|",
            *(
                f"| {start.what} | {start.seconds:.1f} | {start.tables:.1f} "
                f"| {start.memory / 2**20:,.0f} |"
                for start in run.starts
            ),
            "",
        ]
    )


def _gateway(report: Report) -> str:
    return "" if report.gateway is None else of_gateway(report.gateway)


def _refining(report: Report) -> str:
    return section(report.refining) if report.refining else ""
