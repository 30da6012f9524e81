"""`headwater tail`: what stands on a topic, as it comes."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import sys
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from agents.commands.surroundings import find_broker, require_topic, run
from agents.following import follow
from agents.settings import Settings, load_settings
from agents.wording import (
    clock,
    fact_lines,
    fact_object,
    letter_lines,
    letter_object,
    shown,
    slate_lines,
)
from slates.slate import decode_slate
from streams import topics
from streams.kafka import Record


class Which(StrEnum):
    """The topics that can be watched."""

    RECOMMENDATIONS = topics.RECOMMENDATIONS.name
    DEAD_LETTERS = topics.DEAD_LETTERS.name
    EVENTS = topics.EVENTS.name
    SLATE_REQUESTS = topics.SLATE_REQUESTS.name


_TOPICS = {Which(topic.name): topic for topic in topics.ALL if topic.name in set(Which)}


@dataclass(frozen=True, slots=True)
class Watch:
    """What is to be shown, and how."""

    which: Which
    user: str | None
    from_start: bool
    count: int | None
    line: Callable[[Record], str] | None
    """Makes one line of a record; None draws it for a person."""


def tail(
    user: Annotated[str | None, typer.Option(metavar="USER", help="Only this user's.")] = None,
    topic: Annotated[Which, typer.Option(help="What to watch.")] = Which.RECOMMENDATIONS,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Begin with the oldest record there is.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, and nothing else.")
    ] = False,
    count: Annotated[
        int | None, typer.Option("-n", min=1, metavar="COUNT", help="End after so many.")
    ] = None,
) -> None:
    """
    Show slates as they come, with the first reason for each item; Ctrl-C ends it.

    A slate's heading says when it was made, for whom, after which action, and how many
    milliseconds after the event.  Dead letters are shown with their reason.

    Examples: headwater tail --user ann;
    headwater tail --topic dead-letters --from-start;
    headwater tail --json | jq -c '[.user_id, .items[0].title]'
    """
    settings = load_settings()
    line = (lambda record: json_line(topic, record)) if as_json else None
    run(_tail(settings, Watch(topic, user, from_start, count, line)))


async def _tail(settings: Settings, watch: Watch) -> None:
    topic = _TOPICS[watch.which]
    broker = await find_broker(settings)
    await require_topic(settings, broker, topic)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    records = follow(
        broker,
        settings.topics().name(topic),
        key=None if watch.user is None else watch.user.encode(),
        from_start=watch.from_start,
        stopped=lambda: stop.is_set() or _nobody_listens(),
    )
    console = Console(highlight=False)
    try:
        async with aclosing(records):
            left = watch.count
            async for record in records:
                _show(watch, record, console)
                left = None if left is None else left - 1
                if left == 0 or stop.is_set():
                    return
    except BrokenPipeError:
        # Python flushes stdout once more when it ends; give it something that takes it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show(watch: Watch, record: Record, console: Console) -> None:
    if watch.line is None:
        console.print(drawn(watch.which, record), soft_wrap=not console.is_terminal)
    else:
        sys.stdout.write(watch.line(record) + "\n")
        sys.stdout.flush()


def _nobody_listens() -> bool:
    """Has the other end of the pipe gone?  Without asking, only the next record would tell."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def drawn(which: Which, record: Record) -> Text:
    """A record for a person."""
    if which is Which.DEAD_LETTERS:
        return letter_lines(record)
    if which is not Which.RECOMMENDATIONS:
        return fact_lines(record)
    if record.value is None:
        return Text(f"{clock(record.received_at)}  {shown(record.key)}  was forgotten", "dim")
    try:
        return slate_lines(decode_slate(record.value))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return fact_lines(record)


def json_line(which: Which, record: Record) -> str:
    """A record for a program: what stands on the topic, escaped to ASCII."""
    found: dict[str, Any]
    found = letter_object(record) if which is Which.DEAD_LETTERS else fact_object(record)
    return json.dumps(found)
