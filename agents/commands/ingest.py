"""`headwater ingest`: a catalogue or a history out of a file, onto its topic."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from agents.backlog import backlog_of
from agents.capacity import CatalogueSize, additions_of, catalogue_there, check_fits
from agents.commands.surroundings import find_broker, require_topic, run
from agents.feeding import Feeding, Pace, Parcel, Placed, pack
from agents.settings import Settings, load_settings
from streams import topics
from streams.errors import SetupError
from streams.events import Event
from streams.files import Aside, read_events, read_items, write_aside
from streams.items import Item
from streams.kafka import Broker, Outbox
from streams.rows import BadRow
from streams.topics import Topic

BATCH_OVERHEAD = 1024
"""Bytes of a record batch that are not the value: head, key, lengths."""
REASONS = 3
"""Bad rows whose reason is said at once; all of them stand in the file put aside."""

Source = Callable[[], Iterable[Item | Event | BadRow]]
"""Reads the file from its beginning, as often as it is called."""
File = Annotated[
    Path, typer.Argument(metavar="FILE", help="CSV, JSON Lines (both also .gz) or Parquet.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read and check only; send nothing.")]
Skip = Annotated[int, typer.Option(min=0, metavar="ROWS", help="Leave out the first rows.")]

ingest = typer.Typer(
    help="Send a catalogue or a history of events from a file.", no_args_is_help=True
)


@dataclass(slots=True)
class Job:
    """One file on its way to a topic."""

    settings: Settings
    topic: Topic
    path: Path
    source: Source
    skip: int = 0
    rejected: list[BadRow] = field(default_factory=list)
    """The first bad rows."""

    @property
    def name(self) -> str:
        """The topic's name on the broker."""
        return self.settings.topics().name(self.topic)

    def parcels(self) -> Iterator[Parcel | BadRow]:
        """The rows of the file, ready to be sent."""
        largest = self.topic.max_message_bytes - BATCH_OVERHEAD
        most = min(self.settings.events.max_bytes, largest)
        return pack(self.source(), max_bytes=most, skip=self.skip)


@ingest.command()
def items(file: File, dry_run: DryRun = False, skip: Skip = 0) -> None:
    """
    Send the items of a file; each replaces what was known under its id.

    Columns: item_id and title are required; description, tags ("sea|war"), published_at (seconds
    since 1970 or ISO 8601) are known; every other column becomes an attribute.  Rows that cannot
    be used are put into FILE.rejected.jsonl with the reason.

    Example: headwater ingest items books.csv
    """
    settings = load_settings()
    _require_file(file)
    _run(Job(settings, topics.ITEMS, file, lambda: read_items(file), skip), dry_run=dry_run)


@ingest.command()
def events(file: File, dry_run: DryRun = False, skip: Skip = 0) -> None:
    """
    Send the events of a file, in its order.

    Columns: user_id, item_id and timestamp (seconds since 1970 or ISO 8601) are required; action,
    value and slate_id are known.  Without action it is a rating where there is one, else a click.
    Rows that cannot be used are put into FILE.rejected.jsonl with the reason.

    On the embedded broker it waits for the workers; --skip takes up a run that was cut short.

    Example: headwater ingest events ratings.csv.gz
    """
    settings = load_settings()
    _require_file(file)

    def source() -> Iterator[Event | BadRow]:
        return read_events(file, gains=settings.gains(), received_at=time.time())

    _run(Job(settings, topics.EVENTS, file, source, skip), dry_run=dry_run)


def _require_file(path: Path) -> None:
    """Before a broker is looked for, which may take its time."""
    if not path.exists():
        raise SetupError(f"{path}: there is no such file")


def _run(job: Job, *, dry_run: bool) -> None:
    good = _check(job) if dry_run else run(_send(job))
    if not good:
        raise typer.Exit(1)


def _check(job: Job) -> int:
    """Count good and bad rows."""
    good = bad = 0
    for row in job.parcels():
        if isinstance(row, BadRow):
            bad += 1
            _remember(job, row)
        else:
            good += 1
    _say_reasons(job.rejected)
    typer.echo(f"{job.path}: {_rows(good, 'good ')}, {bad:,} bad; nothing was sent")
    return good


async def _send(job: Job) -> int:
    broker = await find_broker(job.settings)
    await require_topic(job.settings, broker, job.topic)
    aside = write_aside(place_aside(job.path))

    def reject(row: BadRow) -> None:
        aside.add(row)
        _remember(job, row)

    with _progress() as progress:
        await _check_capacity(job, broker)
        feeding = Feeding(Outbox(broker), job.name, reject)
        feeding.pace = await _pace(job, broker, feeding, progress)
        began = time.monotonic()
        complete = False
        try:
            await feeding.run(job.parcels())
            complete = True
        finally:
            progress.stop()
            _say_result(job, feeding, aside, time.monotonic() - began, complete=complete)
    return feeding.sent


def place_aside(path: Path) -> Path:
    """Beside the file, or in the working folder where one cannot write there."""
    return path if os.access(path.absolute().parent, os.W_OK) else Path(path.name)


def _remember(job: Job, row: BadRow) -> None:
    if len(job.rejected) < REASONS:
        job.rejected.append(row)


@contextmanager
def _progress() -> Iterator[Progress]:
    """A line on stderr while the block lasts; nothing where stderr is no terminal."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,.0f} rows"),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        progress.add_task("checking", total=None, rate=0.0)
        yield progress


async def _check_capacity(job: Job, broker: Broker) -> None:
    """All of a catalogue has to fit on the embedded broker; that is known before it is sent."""
    if not job.settings.embedded or job.topic is not topics.ITEMS:
        return
    names, additions = job.settings.topics(), additions_of(job.settings)
    new = CatalogueSize(names, additions=additions)
    for row in job.parcels():
        if isinstance(row, Parcel):
            new.add(row)
    check_fits(await catalogue_there(broker, names, additions=additions), new.sizes)


async def _pace(job: Job, broker: Broker, feeding: Feeding, progress: Progress) -> Pace:
    """Shows each batch; on the embedded broker it also waits for the workers to read events."""
    settings, (task,) = job.settings, progress.task_ids
    began = time.monotonic()

    def waiting(is_waiting: bool) -> None:
        text = "waiting for the workers" if is_waiting else f"sending to {job.name}"
        progress.update(task, description=text)

    backlog: Pace | None = None
    if settings.embedded and job.topic is topics.EVENTS:
        backlog = await backlog_of(broker, settings.topics(), group=settings.group, on_wait=waiting)

    async def pace(placed: Sequence[Placed]) -> None:
        waiting(False)
        rate = feeding.sent / max(time.monotonic() - began, 0.001)
        progress.update(task, completed=feeding.done, rate=rate)
        if backlog is not None:
            await backlog(placed)

    return pace


def _say_reasons(rejected: Sequence[BadRow]) -> None:
    for row in rejected:
        typer.echo(f"row {row.number}: {row.reason}", err=True)


def _say_result(
    job: Job, feeding: Feeding, aside: Aside, seconds: float, *, complete: bool
) -> None:
    _say_reasons(job.rejected)
    bad = f"; {_rows(aside.count, 'bad ')} put into {aside.path}" if aside.count else ""
    left = "" if complete else f"; cut short: go on with --skip {max(feeding.done, job.skip)}"
    typer.echo(
        f"{job.path}: sent {_rows(feeding.sent)} to topic {job.name!r} "
        f"in {seconds:.1f} s{bad}{left}"
    )


def _rows(count: int, kind: str = "") -> str:
    return f"{count:,} {kind}row{'' if count == 1 else 's'}"
