"""`headwater topics`: declare the topics, or compare them with the table."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table

from agents.commands.surroundings import find_broker, run
from agents.settings import Settings, load_settings
from agents.wording import ago
from streams.errors import SetupError, TopicMismatch
from streams.kafka import check_topics, declare_topics
from streams.topics import Topic

PLAIN_WIDTH = 160
"""Columns where the output is no terminal."""

topics = typer.Typer(help="Declare topics, or compare them with what they should be.")


@topics.command()
def create() -> None:
    """
    Declare every topic that is missing; those that exist are left as they are.

    Example: HEADWATER_BROKER=localhost:9092 headwater topics create
    """
    settings = load_settings()
    if settings.embedded:
        raise SetupError("the embedded broker declares its topics itself: set HEADWATER_BROKER")
    created = run(_create(settings))
    typer.echo(f"created {len(created)}: {', '.join(created)}" if created else "all there already")
    _report(settings)


@topics.command()
def check() -> None:
    """
    Compare the broker's topics with the table; exit with 2 when they differ.

    Example: headwater topics check
    """
    settings = load_settings()
    _show(settings)
    _report(settings)


async def _create(settings: Settings) -> list[str]:
    broker = await find_broker(settings)
    return await declare_topics(
        broker,
        dict(settings.topics()),
        partitions=settings.partitions,
        replication=settings.replication,
    )


async def _check(settings: Settings) -> list[str]:
    return await check_topics(
        await find_broker(settings),
        dict(settings.topics()),
        partitions=settings.partitions,
        configs=not settings.embedded,
        upkeep=True,
    )


def _report(settings: Settings) -> None:
    if wrong := run(_check(settings)):
        raise TopicMismatch("\n".join(wrong))
    typer.echo(f"all {len(list(settings.topics()))} topics are as they should be")


def _show(settings: Settings) -> None:
    table = Table(box=None)
    for column in ("topic", "key", "parts", "cleanup", "kept"):
        table.add_column(column, no_wrap=True)
    table.add_column("holds")
    for name, topic in settings.topics():
        policy = topic.config()["cleanup.policy"]
        table.add_row(name, topic.key, str(settings.partitions), policy, kept(topic), topic.holds)
    console = Console()
    if not console.is_terminal:
        console = Console(width=PLAIN_WIDTH)
    console.print(table)


def kept(topic: Topic) -> str:
    """
    How long a topic's records are kept, in words.

    >>> from streams.topics import EVENTS, SLATE_DRAFTS
    >>> kept(EVENTS), kept(SLATE_DRAFTS)
    ('for ever', '60 min')
    """
    return "for ever" if topic.retention is None else ago(topic.retention.total_seconds())
