"""`headwater replay`: the log folded once more, into fresh state, and held against the live one."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from agents.commands.surroundings import find_broker, require_topic, run
from agents.durable import Live, Positions, Reading
from agents.outcome import Outcome, draw, outcome_object
from agents.replaying import Replaying, Rules
from agents.roles import ROLES, group_of
from agents.settings import Settings, load_settings
from agents.spans import BEGINNING, END, Place, Span, find_span, read_place, read_until
from agents.stored import Store
from agents.verifying import Verifying
from slates.config import DAY
from streams import topics
from streams.kafka import Broker, LogReader, Record, group_positions, read_to_end

PLAIN_WIDTH = 160
"""Columns where the output is no terminal."""
PLACE = "TIME|OFFSET|PARTITION:OFFSET,…"

OnStep: TypeAlias = Callable[[str, int, int | None], None]
"""Told what is being done, how much of it was done since, and how much there is."""


def replay(
    *,
    begin: Annotated[
        str | None, typer.Option("--from", metavar=PLACE, help="Where to begin.  [the beginning]")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar=PLACE, help="Where to stop before.  [the end now]")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare with what the workers have made durable.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write profiles.jsonl and item-trends.jsonl there."),
    ] = None,
    patience: Annotated[
        float, typer.Option(min=0.0, metavar="SECONDS", help="How long --verify waits for trends.")
    ] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """
    Fold the log of events once more, into fresh state, with the agents that a worker runs.

    Nothing is sent and no worker is asked or disturbed.  A time is ISO 8601, UTC where it names no
    zone; an offset is meant for every partition.  Exit code 1 when --verify finds a difference.

    Examples: headwater replay --verify;
    headwater replay --to 2026-11-24T17:00 --out state-at-five
    """
    first = read_place(begin, option="--from", elsewhere=BEGINNING)
    last = read_place(end, option="--to", elsewhere=END)
    settings = load_settings()
    store = None if out is None else Store(out)
    job = _replay(settings, first, last, patience=patience if verify else None, store=store)
    tell(run(job), as_json=as_json)


def tell(outcome: Outcome, *, as_json: bool) -> None:
    """
    Show what came of it.

    Raises:
        typer.Exit: With 1, when there is a difference.
    """
    if as_json:
        typer.echo(json.dumps(outcome_object(outcome)))
    else:
        console = Console(highlight=False)
        if not console.is_terminal:
            console = Console(highlight=False, width=PLAIN_WIDTH)
        console.print(draw(outcome))
    if outcome.verdict is not None and outcome.verdict.differences:
        raise typer.Exit(1)


async def _replay(
    settings: Settings, begin: Place, end: Place, *, patience: float | None, store: Store | None
) -> Outcome:
    broker = await find_broker(settings)
    await require_topic(settings, broker, topics.EVENTS)
    names, rules = settings.topics(), rules_of(settings)
    with _progress() as on_step:
        verifying = None
        if patience is not None:
            live = await _live(settings, broker, patience=patience, on_step=on_step)
            verifying = Verifying(live, names, half_life=rules.half_life)
        replaying = Replaying(names, rules, watch=verifying)
        reader = LogReader(broker, names.name(topics.EVENTS))
        try:
            await reader.start()  # after the live state was read: it ends behind what that contains
            on_step("looking for the place to begin", 0, None)
            span = await find_span(reader, begin, end)
            began = time.monotonic()
            span = await fold_all(reader, replaying, span, on_step=on_step)
            seconds = time.monotonic() - began
        finally:
            await reader.stop()
    if store is not None:
        store.write(replaying)
    verdict = None if verifying is None else verifying.verdict(replaying.profiles, span)
    return Outcome.of(replaying, span=span, seconds=seconds, verdict=verdict)


async def fold_all(reader: LogReader, replaying: Replaying, span: Span, *, on_step: OnStep) -> Span:
    """Fold a span of the log; how much of it was still there when it was read."""
    first: dict[int, int] = {}
    size = span.size
    async for records in read_until(reader, span.stops):
        for record in records:
            first.setdefault(record.partition, record.offset)
            await replaying.fold(record)
        on_step("folding events", len(records), size)
    return span.begun_at(first)


def rules_of(settings: Settings) -> Rules:
    """What a worker with these settings folds by."""
    return Rules(
        gains=settings.gains(),
        max_ahead=settings.events.max_ahead.total_seconds(),
        max_bytes=settings.events.max_bytes,
        half_life=settings.slates.popularity_half_life_days * DAY,
    )


def trend_groups(settings: Settings) -> list[str]:
    """The consumer groups of workers that may own trends."""
    apart = [role for role in ROLES if role not in ("profiling", "recommending", "trending")]
    beside = [some for n in range(len(apart) + 1) for some in combinations(apart, n)]
    ways = (ROLES, *((*others, "trending") for others in beside))
    return [group_of(settings, roles) for roles in ways]


async def _live(settings: Settings, broker: Broker, *, patience: float, on_step: OnStep) -> Live:
    for topic in (topics.CO_VISITS, topics.PROFILES, topics.ITEM_TRENDS):
        await require_topic(settings, broker, topic)

    async def ask(group: str, topic: str) -> Positions:
        on_step(f"asking how far {group} is on {topic}", 0, None)
        return (await group_positions(broker, group=group, topics=[topic]))[topic]

    async def read(topic: str) -> AsyncIterator[list[Record]]:
        async for records in read_to_end(broker, topic):
            on_step(f"reading {topic}", len(records), None)
            yield records

    reading = Reading(settings.topics(), ask=ask, read=read)
    return await reading.live(
        settings.group, trend_groups=trend_groups(settings), patience=patience
    )


@contextmanager
def _progress() -> Iterator[OnStep]:
    """A bar on stderr while the block lasts; nothing where stderr is no terminal."""
    console = Console(stderr=True)
    speed = TextColumn("{task.fields[speed]}")
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), speed)
    hidden = not console.is_terminal
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=hidden
    ) as bar:
        task = bar.add_task("", total=None, speed="")
        doing = ""

        def on_step(what: str, done: int, total: int | None) -> None:
            nonlocal doing
            if what != doing:
                doing = what
                bar.reset(task, description=what, total=total, speed="")
            bar.update(task, advance=done, total=total)
            if speed_now := bar.tasks[0].speed:
                bar.update(task, speed=f"{speed_now:,.0f} a second")

        yield on_step
