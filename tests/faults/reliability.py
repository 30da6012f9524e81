"""The table of docs/reliability.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.apache_kafka import VERSION
from tests.support.outcomes import LATE, Outcome

HEAD = """\
# What faults do to it

Written by `make faults`; change the tests in `tests/faults`, not this page.

Real workers on {broker}, a steady stream of interactions, and one fault for each row.
Afterwards every profile and every trend is compared with what the same folds make of the log in
plain Python, and every event with the slates that answer it.

{machine}.
{versions}.

* lost, over-counted: events missing in profiles or trends, or there twice
* unanswered: events that no slate answers, its own or a newer one of the same user
* repeated: slates sent again, with the same id; in brackets how many had other items, and why
* longest delay: seconds from the sending of an event to its first slate at the broker
* recovery: the longest time, in seconds, in which some event waited for longer than {late:g} s
"""
COLUMNS = (
    "what was done",
    "events",
    "lost",
    "over-counted",
    "unanswered",
    "repeated",
    "longest delay",
    "recovery",
    "ends of workers",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One fault."""

    done: str
    outcome: Outcome


def write_report(path: Path, rows: Sequence[Row]) -> None:
    """Replace the page."""
    head = HEAD.format(
        broker=f"Apache Kafka {VERSION}", machine=_machine(), versions=_versions(), late=LATE
    )
    table = [COLUMNS, tuple("---" for _ in COLUMNS), *(_cells(row) for row in rows)]
    lines = "\n".join(f"| {' | '.join(cells)} |" for cells in table)
    path.write_text(f"{head}\n{lines}\n", encoding="utf-8")


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, {memory:.0f} GiB"


def _versions() -> str:
    packages = ("headwater", "faust-streaming", "aiokafka")
    return ", ".join(
        [f"Python {platform.python_version()}", *(f"{p} {version(p)}" for p in packages)]
    )


def _cells(row: Row) -> tuple[str, ...]:
    outcome = row.outcome
    return (
        row.done,
        f"{outcome.events:,}",
        str(outcome.lost),
        str(outcome.over_counted),
        str(outcome.unanswered),
        _repeats(outcome.repeated, outcome.changed),
        f"{outcome.longest_delay:.1f}",
        f"{outcome.outage:.1f}" if outcome.outage else "never late",
        _ends(outcome.exits),
    )


def _repeats(repeated: int, changed: Mapping[str, int]) -> str:
    why = ", ".join(f"{count} as {reason}" for reason, count in sorted(changed.items()))
    return f"{repeated} ({why})" if why else str(repeated)


def _ends(exits: Sequence[int]) -> str:
    return ", ".join(f"{exits.count(code)} x {code}" for code in sorted(set(exits))) or "none"
