"""`headwater rebuild index`: a new index out of the log, which the running worker takes over."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text
from threadpoolctl import threadpool_limits

from agents.commands.surroundings import find_broker, require_topic, run
from agents.drafts import new_index
from agents.handover import Answer, Handover
from agents.rebuilding import Built, Newest, OnStep, Step, build, read_newest
from agents.settings import Settings, load_settings
from indexes.embedding import fingerprint
from streams import topics
from streams.errors import SetupError
from streams.kafka import LogReader, cluster_id

log = logging.getLogger("headwater")

POLL = 0.1
"""Seconds between looks whether the worker has answered."""

rebuild = typer.Typer(
    help="Build what a worker keeps anew from the log, while it goes on.", no_args_is_help=True
)


@rebuild.callback()
def begin() -> None:
    """Build what a worker keeps anew from the log, while it goes on."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it."""

    newest: Newest
    built: Built
    answer: Answer | None
    """The worker's; None where none has come."""
    attended: bool
    """Is there a worker that looks at this state folder?"""
    folder: Path
    seconds: float
    """From the first record until now."""


@rebuild.command()
def index(
    patience: Annotated[
        float, typer.Option(min=0.0, metavar="SECONDS", help="How long to wait for the worker.")
    ] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """
    Build the index of items from the log, and have the running worker swap it in.

    Slates go on meanwhile.  It works on the state folder of the settings: where several workers
    run, run it once for each, on its machine.  Where no worker runs, the next start takes the new
    index.  Exit code 1 when the index or the worker would not have it, and the old one goes on.

    Examples: headwater rebuild index;
    headwater rebuild index --patience 10 --json
    """
    settings = load_settings()
    os.nice(10)  # the worker goes first
    threadpool_limits(1)
    with _progress() as on_step:
        report = _rebuild(settings, patience=patience, on_step=on_step)
    tell(report, as_json=as_json)


def _rebuild(settings: Settings, *, patience: float, on_step: OnStep) -> Report:
    began = time.monotonic()
    handover, newest = run(_read(settings, on_step))
    built = build(
        newest,
        fingerprint=fingerprint(),
        new_index=lambda items: new_index(settings.index.kind, items=items, on_alarm=_alarm),
        on_step=on_step,
    )
    digest = offer(handover, built)
    on_step(Step("waiting for the worker", 0, 0, len(newest.vectors)))
    answer = wait(handover, digest, patience=patience)
    return Report(
        newest=newest,
        built=built,
        answer=answer,
        attended=handover.attended(),
        folder=handover.folder,
        seconds=time.monotonic() - began,
    )


async def _read(settings: Settings, on_step: OnStep) -> tuple[Handover, Newest]:
    broker = await find_broker(settings)
    await require_topic(settings, broker, topics.ITEM_VECTORS)
    handover = Handover(settings.state_of(await cluster_id(broker)) / "item-vectors")
    reader = LogReader(broker, settings.topics().name(topics.ITEM_VECTORS))
    return handover, await read_newest(reader, fingerprint=fingerprint(), on_step=on_step)


def _alarm(text: str) -> None:
    log.error("index: %s", text)


def offer(handover: Handover, built: Built) -> str:
    """
    Put the index where the worker finds it; the digest that names it.

    Raises:
        SetupError: It cannot be written.
    """
    try:
        return handover.offer(built.draft)
    except OSError as exc:
        raise SetupError(
            f"the new index cannot be written to {handover.folder}: {exc}: make room there; "
            "nothing was changed, the old index goes on"
        ) from exc


def wait(handover: Handover, digest: str, *, patience: float) -> Answer | None:
    """The worker's answer; None when no worker is there, or none answers in so many seconds."""
    deadline = time.monotonic() + patience
    while handover.attended() and time.monotonic() < deadline:
        if (answer := handover.answer(digest)) is not None:
            return answer
        time.sleep(POLL)
    return handover.answer(digest)


class _Rate(ProgressColumn):
    """Steps in a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


@contextmanager
def _progress() -> Iterator[OnStep]:
    """A bar on stderr while the block lasts; nothing where stderr is no terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TextColumn("{task.fields[items]:,} items"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        tasks = {}

        def on_step(step: Step) -> None:
            if step.what not in tasks:
                tasks[step.what] = bar.add_task(step.what, total=step.total or None, items=0)
            bar.update(tasks[step.what], completed=step.done, items=step.items)

        yield on_step


# -- what is shown ---------------------------------------------------------------------


def tell(report: Report, *, as_json: bool) -> None:
    """
    Show the report.

    Raises:
        typer.Exit: With 1, when the worker has thrown the index away.
    """
    if as_json:
        typer.echo(json.dumps(report_object(report)))
    else:
        typer.echo("\n".join(lines(report)))
    if report.answer is not None and not report.answer.taken:
        raise typer.Exit(1)


def report_object(report: Report) -> dict[str, Any]:
    """The report as one JSON object."""
    answer, newest = report.answer, report.newest
    taken = answer is not None and answer.taken
    return {
        "taken": taken,
        "verdict": verdict(report),
        "records": newest.records,
        "refused": newest.refused,
        "items": len(newest.vectors),
        "recall": report.built.recall,
        "build_seconds": round(report.built.seconds, 3),
        "seconds": round(report.seconds, 3),
        "items_before": answer.items_before if answer is not None and taken else None,
        "items_now": answer.items if answer is not None and taken else None,
        "generation": answer.generation if answer is not None and taken else None,
        "folder": str(report.folder),
    }


def lines(report: Report) -> list[str]:
    """The report as a person reads it."""
    newest, built = report.newest, report.built
    recall = "" if built.recall is None else f", recall@10 {built.recall:.3f} against exact search"
    told = [
        f"built: {len(newest.vectors):,} items out of {newest.records:,} records in "
        f"{built.seconds:.1f} s{recall}",
    ]
    if newest.refused:
        told.append(
            f"{newest.refused:,} records cannot be used, workers refuse them, too; the first: "
            f"{newest.first_refused}"
        )
    return [*told, verdict(report)]


def verdict(report: Report) -> str:
    """What became of it, in a sentence."""
    answer = report.answer
    if answer is not None and answer.taken:
        return (
            f"the worker has swapped it in: {answer.items_before:,} items before, "
            f"{answer.items:,} now, generation {answer.generation}, {report.seconds:.1f} s in all"
        )
    if answer is not None:
        return f"the worker has thrown it away and goes on with the old one: {answer.why}"
    if report.attended:
        return (
            f"the worker has not taken it yet, look at its log; it lies in {report.folder}, and "
            "the next start takes it at the latest"
        )
    return f"no worker runs on {report.folder.parent}: the next start takes it"
