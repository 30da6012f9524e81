"""How far a run is: a bar in a terminal, a line a sample elsewhere."""

from __future__ import annotations

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from benchmarks.soak.measured import Measured, Sample, resident_of

REFRESH = 2
"""Times a second that the bar is drawn; more would take from what is measured."""


class Screen:
    """Where progress is shown; a context manager."""

    def __init__(self, console: Console, *, seconds: float) -> None:
        """Show nothing yet; `seconds` is how long the load will last."""
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=console,
            refresh_per_second=REFRESH,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=seconds)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """What is being done."""
        if self._console.is_terminal:
            self._bar.update(self._task, description=text)
        else:
            self._line(text)

    def show(self, sample: Sample, run: Measured) -> None:
        """A sample, as it was taken."""
        if self._console.is_terminal:
            self._bar.update(self._task, completed=sample.at, description=line_of(sample, run))
        else:
            self._line(line_of(sample, run))

    def _line(self, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}", file=self._console.file, flush=True)


def line_of(sample: Sample, run: Measured) -> str:
    """A sample in one line."""
    memory = sample.sum_of(resident_of)
    parts = [
        f"{sample.at / 60:.1f} of {run.seconds / 60:g} min",
        f"{sample.sent:,} events",
        f"{sample.slates:,} slates",
        f"p50 {sample.p50:.0f} ms",
        f"p99 {sample.p99:.0f} ms",
        _lag(sample),
        "a worker is not there" if memory is None else f"{memory:.0f} MB",
    ]
    return " · ".join(parts)


def _lag(sample: Sample) -> str:
    """By topic: requests wait on purpose, events do not."""
    behind = {topic: count for topic, count in sample.lag.items() if count}
    return "lag " + (", ".join(f"{t} {n:,}" for t, n in sorted(behind.items())) or "–")
