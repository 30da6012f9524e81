"""`headwater forget`: forget a user, and show where anything of them is left."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from agents.clearing import EMBEDDED, when_gone
from agents.commands.surroundings import find_broker, run
from agents.forgetting import Found, OnRead, Positions, Search, Waiting, send
from agents.leftovers import search_folder
from agents.mentions import Name
from agents.settings import Settings, load_settings
from agents.traces import Trace, partitions_of
from agents.wording import moment, printable
from streams.errors import TopicMismatch
from streams.kafka import (
    Broker,
    Outbox,
    Record,
    check_topics,
    cluster_id,
    group_positions,
    read_to_end,
    topic_settings,
)
from streams.origins import Origin

PLAIN_WIDTH = 160
"""Columns where the output is no terminal."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it."""

    user_id: str
    sent: Sequence[Origin]
    """Where the wish stands; nothing where it was only looked."""
    before: Mapping[str, Trace]
    """Place to what was there; only places with current state, and nothing where none was sent."""
    traces: Sequence[Trace]
    """What is there now."""
    goes: Mapping[str, str]
    """Place to when what is left goes."""

    @property
    def forgotten(self) -> bool:
        """Is nothing of the user current state anywhere?"""
        return not any(trace.held for trace in self.traces)


def forget(
    user: Annotated[str, typer.Argument(metavar="USER", help="Who wants to be forgotten.")],
    verify: Annotated[
        bool, typer.Option("--verify", help="Only look; send nothing, change nothing.")
    ] = False,
    patience: Annotated[
        float, typer.Option(min=0.0, metavar="SECONDS", help="How long to wait for the workers.")
    ] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """
    Forget a user, wait until the workers have, and show what is left where, and until when.

    It reads every topic from its beginning and every file of this machine's state folder.  Exit
    code 0 when nothing of the user is current state any more, also where old records still wait in
    a log to be cleaned up; else 1.  Both forms can be repeated at any time.

    Examples: headwater forget ann;
    headwater forget ann --verify --json
    """
    report = run(_forget(load_settings(), user, only_look=verify, patience=patience))
    tell(report, as_json=as_json)


async def _forget(settings: Settings, user_id: str, *, only_look: bool, patience: float) -> Report:
    broker = await find_broker(settings)
    await _require_topics(settings, broker)
    own = settings.state_of(await cluster_id(broker))
    files = partial(search_folder, settings.state_dir, own, Name(user_id))
    ask = partial(_ask, broker, settings.group)
    sent: Sequence[Origin] = ()
    before: Sequence[Trace] = ()
    with _progress() as on_read:
        search = Search(settings.topics(), read=partial(_read, broker), ask=ask, on_read=on_read)
        if not only_look:
            known = await search.state(user_id)
            before = known.traces
            sent = await _send(settings, broker, user_id, known)
            waiting = Waiting(settings.topics(), ask=ask, patience=patience)
            await waiting.folded(sent)
            await waiting.settled(lambda: not files(longer=known.longer)[0].held)
        found = await search.everything(user_id)
    traces = [*found.traces, *files(longer=found.longer)]
    return Report(
        user_id=user_id,
        sent=sent,
        before={trace.place: trace for trace in before},
        traces=traces,
        goes=await _goes(settings, broker, found.traces),
    )


async def _require_topics(settings: Settings, broker: Broker) -> None:
    """All must be there; how they are cleaned must hinder nobody from being forgotten."""
    names = dict(settings.topics())
    wrong = await check_topics(broker, names, partitions=settings.partitions, configs=False)
    if wrong:
        raise TopicMismatch("\n".join(wrong))


async def _send(settings: Settings, broker: Broker, user_id: str, known: Found) -> list[Origin]:
    outbox = Outbox(broker)
    await outbox.start()
    try:
        elsewhere = partitions_of(known.traces)
        return await send(outbox, settings.topics(), user_id, elsewhere=elsewhere)
    finally:
        await outbox.stop()


async def _goes(settings: Settings, broker: Broker, traces: Sequence[Trace]) -> Mapping[str, str]:
    left = [trace for trace in traces if trace.left]
    if settings.embedded:
        return {trace.place: EMBEDDED for trace in left}
    found = await topic_settings(broker, [trace.place for trace in left])
    return {trace.place: when_gone(trace, found.get(trace.place, {})) for trace in left}


def _read(
    broker: Broker, topic: str, offsets: Mapping[int, int] | None
) -> AsyncIterator[list[Record]]:
    return read_to_end(broker, topic, offsets=offsets)


async def _ask(broker: Broker, group: str, wanted: Sequence[str]) -> Positions:
    return await group_positions(broker, group=group, topics=wanted)


@contextmanager
def _progress() -> Iterator[OnRead]:
    """A line on stderr while the block lasts; nothing where stderr is no terminal."""
    console = Console(stderr=True)
    count = TextColumn("{task.completed:,.0f} records")
    columns = (SpinnerColumn(), TextColumn("{task.description}"), count)
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task("looking", total=None)

        def on_read(topic: str, count: int) -> None:
            bar.update(task, description=f"reading {topic}", advance=count)

        yield on_read


# -- what is shown ---------------------------------------------------------------------


def tell(report: Report, *, as_json: bool) -> None:
    """
    Show the report.

    Raises:
        typer.Exit: With 1, when something of the user is current state.
    """
    if as_json:
        typer.echo(json.dumps(report_object(report)))
    else:
        _show(report)
    if not report.forgotten:
        raise typer.Exit(1)


def report_object(report: Report) -> dict[str, Any]:
    """The report as one JSON object."""
    return {
        "user_id": report.user_id,
        "sent": [str(place) for place in report.sent],
        "forgotten": report.forgotten,
        "places": [_place_object(report, trace) for trace in report.traces],
    }


def _place_object(report: Report, trace: Trace) -> dict[str, Any]:
    before = report.before.get(trace.place)
    return {
        "place": trace.place,
        "held_before": None if before is None else before.held,
        "held_before_what": None if before is None else before.what,
        "held": trace.held,
        "held_what": trace.what,
        "left": trace.left,
        "left_removals": trace.removals,
        "left_newest_at": trace.newest if trace.left else None,
        "left_goes": report.goes.get(trace.place, ""),
        "note": trace.note,
    }


def _show(report: Report) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    console.print(draw(report))
    console.print(verdict(report))


def draw(report: Report) -> Table:
    """A row for each place."""
    table = Table(box=None, pad_edge=False)
    table.add_column("place", overflow="fold")
    if report.sent:
        table.add_column("current state before", overflow="fold")
    table.add_column("current state now" if report.sent else "current state", overflow="fold")
    table.add_column("still in the log", overflow="fold")
    table.add_column("when that goes", overflow="fold")
    for trace in report.traces:
        cells = [Text(printable(trace.place)), _held(trace), _left(trace), _later(report, trace)]
        if report.sent:
            cells.insert(1, _held(report.before.get(trace.place, Trace(trace.place)), past=True))
        table.add_row(*cells)
    return table


def _held(trace: Trace, *, past: bool = False) -> Text:
    if not trace.held:
        return Text("none", "dim")
    return Text(f"{trace.held:,}: {printable(trace.what)}", "default" if past else "bold red")


def _left(trace: Trace) -> Text:
    if not trace.left:
        return Text("none", "dim")
    removals = f", {trace.removals:,} of them only say so" if trace.removals else ""
    return Text(f"{trace.left:,}{removals}", "yellow")


def _later(report: Report, trace: Trace) -> Text:
    parts = (report.goes.get(trace.place, ""), trace.note)
    return Text(printable("; ".join(part for part in parts if part)))


def verdict(report: Report) -> Text:
    """What all of it comes to, in a sentence or two."""
    who = printable(repr(report.user_id))
    if not report.forgotten:
        held = ", ".join(trace.place for trace in report.traces if trace.held)
        what = f"user {who} is still known: {held}."
        way_out = "" if report.sent else f"  Forget them with `headwater forget {report.user_id}`."
        return Text(printable(what + way_out), "bold red")
    left = sum(trace.left for trace in report.traces)
    if not left:
        return Text(f"nothing of user {who} was found")
    newest = max(trace.newest for trace in report.traces)
    return Text(
        f"user {who} is forgotten: nothing goes by what is left.  {left:,} records are still in "
        f"logs, the newest of {moment(newest)}; see above until when."
    )
