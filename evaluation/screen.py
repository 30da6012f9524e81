"""What people see: a bar while it runs, and tables when it is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from evaluation.metrics import CUTOFFS, KINDS
from evaluation.replaying import OnStep
from evaluation.scores import SHOWN
from evaluation.summary import Figures, interval_of

EVERY = 50
"""Observations between two updates of the bar: drawing must not be what is measured."""
PLAIN_WIDTH = 120
"""Columns where the output is no terminal."""
BEYOND = {
    f"coverage@{SHOWN}": "share of all items that were shown",
    f"gini@{SHOWN}": "0: all items shown alike, 1: only one",
    f"novelty@{SHOWN}": "bits; the more, the less popular",
    f"diversity@{SHOWN}": "1 - similarity within a list",
    f"calibration_kl@{SHOWN}": "bits; 0: genres as in the history",
    f"calibration_js@{SHOWN}": "bits; the same, symmetric",
    "us_per_event": "microseconds to rank and learn, mean",
    "us_per_event_p50": "the same, median",
}
WITH_INTERVAL = ("hr@10", "ndcg@10")
SIDE_BY_SIDE = {
    "mrr@10": "mrr@10",
    f"coverage@{SHOWN}": "coverage",
    f"novelty@{SHOWN}": "novelty",
    "us_per_event_p50": "µs p50",
}
"""Figure to what stands above it."""
WAYS = ("published", "template", "checked")
"""Ways to explain, see `evaluation.explained`."""


@contextmanager
def progress(what: str, *, total: int) -> Iterator[OnStep]:
    """A bar on stderr while the block lasts; nothing where stderr is no terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(what, total=total)

        def on_step(done: int) -> None:
            if done % EVERY == 0 or done == total:
                bar.update(task, completed=done)

        yield on_step


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """A line on stderr while the block lasts; nothing where stderr is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(what):
        yield


def show(*tables: Table) -> None:
    """Print tables on stdout."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    for table in tables:
        console.print(table)


def tables_of(name: str, figures: Figures) -> list[Table]:
    """All figures of one contender."""
    return [_hits(name, figures), _beyond(figures), _parts(figures)]


def _hits(name: str, figures: Figures) -> Table:
    n, users = figures["n"], figures["users"]
    table = Table(title=f"{name}: {n:,} lists for {users:,} users, 95 % intervals over users")
    table.add_column("")
    for k in CUTOFFS:
        table.add_column(f"@{k}", justify="right")
    for kind in KINDS:
        table.add_row(kind, *(_with_interval(figures, f"{kind}@{k}") for k in CUTOFFS))
    return table


def _beyond(figures: Figures) -> Table:
    table = Table("", "", "what it says", title="beyond hits")
    table.columns[1].justify = "right"
    for name, meaning in BEYOND.items():
        if name in figures:
            table.add_row(name, _number(figures[name]), meaning)
    return table


def _parts(figures: Figures) -> Table:
    table = Table("by", "part", title="where it hits")
    for name in ("n", "hr@10", "ndcg@10"):
        table.add_column(name, justify="right")
    splits = figures["by"]
    assert isinstance(splits, Mapping)
    for split, parts in splits.items():
        for part, found in parts.items():
            if found["n"]:
                cells = (_with_interval(found, name) for name in ("hr@10", "ndcg@10"))
                table.add_row(split, part, f"{found['n']:,}", *cells)
        table.add_section()
    return table


def side_by_side(title: str, rows: Sequence[tuple[str, Figures]]) -> Table:
    """The main figures of several, a row each; of cold items hr@10."""
    table = Table("", title=title)
    for name in (*WITH_INTERVAL, "cold items", *SIDE_BY_SIDE.values()):
        table.add_column(name, justify="right", no_wrap=True)
    for name, figures in rows:
        hits = [_with_interval(figures, key) for key in WITH_INTERVAL]
        others = [_number(figures[key]) for key in SIDE_BY_SIDE]
        table.add_row(name, *hits, _of_cold_items(figures), *others)
    return table


def explanations_table(figures: Figures) -> Table:
    """Explanations of the same rows, a way to make them each row."""
    kept, unproven = figures["sentences_kept"], figures["sentences_unproven"]
    title = f"{figures['n']:,} explanations; of the model's sentences {kept} proven, {unproven} not"
    table = Table("", title=title)
    for name in ("cosine to the truth", "unique", "claims proven", "wholly proven", "words"):
        table.add_column(name, justify="right", no_wrap=True)
    for way in WAYS:
        found = figures[way]
        assert isinstance(found, Mapping)
        shares = [_number(found[name]) for name in ("unique", "proven", "wholly_proven", "words")]
        table.add_row(way, _with_interval(found, "cosine"), *shares)
    return table


def _of_cold_items(figures: Figures) -> str:
    splits = figures["by"]
    assert isinstance(splits, Mapping)
    cold = splits["item"]["cold"]
    return _number(cold["hr@10"]) if cold["n"] else "–"


def _with_interval(figures: Mapping[str, object], name: str) -> str:
    low, high = interval_of(figures, name)
    return f"{_number(figures[name])} [{_number(low)} {_number(high)}]"


def _number(value: object) -> str:
    """
    Four places of a share, fewer of what is larger.

    >>> _number(0.12346), _number(1.0), _number(12.345), _number(512.3)
    ('.1235', '1.0000', '12.3', '512')
    """
    assert isinstance(value, float | int)
    if abs(value) >= 10:
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"
    return f"{value:.4f}".removeprefix("0") if abs(value) < 1 else f"{value:.4f}"
