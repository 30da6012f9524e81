"""`headwater preferences`: what a user likes, in words; read, written, deleted, written anew."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from agents.asking import Asking, asking_with
from agents.commands.surroundings import find_broker, require_topics, run
from agents.lookup import Log
from agents.model import connect, make_model
from agents.preferring import Written, preferences_of, write
from agents.settings import Settings, load_settings
from agents.wording import AUTHORS, moment, printable
from slates.config import DAY
from slates.knowledge import Knowledge
from slates.preferences import common_to, liked_by, load_preferences, tell
from streams import topics
from streams.errors import HeadwaterError
from streams.events import MAX_PREFERENCE_CHARS, Preferences, check_id, encode_event
from streams.items import clean_text
from streams.kafka import Broker, Outbox, partition_of
from streams.origins import Origin
from streams.profiles import Profile, contained

POLL = 0.2
"""Seconds between looks whether the profile contains what was sent."""


class NothingToDo(HeadwaterError):
    """What was asked for cannot be done, or would change nothing."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done; nothing where all is left out."""

    text: str | None = None
    """The user's own words."""
    delete: bool = False
    refresh: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What there is to show."""

    user_id: str
    text: str
    """Empty where there is none."""
    by: str | None
    """None where nobody has written anything."""
    at: float | None
    basis: int
    would_be: str
    """What counts alone would say now."""
    sent: str | None = None
    """Where the change stands; None where nothing was changed."""
    done: bool = True
    """Is it in the profile?"""


def preferences(
    user: Annotated[str, typer.Argument(metavar="USER", help="Whose preferences.")],
    *,
    set_text: Annotated[
        str | None, typer.Option("--set", metavar="TEXT", help="Write them in the user's words.")
    ] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete them; nobody writes any until --refresh.")
    ] = False,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Write them anew from the history.")
    ] = False,
    patience: Annotated[
        float, typer.Option(min=0.0, metavar="SECONDS", help="How long to wait for a worker.")
    ] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """
    What a user likes, in words, and whose words they are.

    The user's own words are never overwritten: delete them first.  A change is an event, so a
    worker must run to carry it out; exit code 1 where none did in time.

    Examples: headwater preferences ann;
    headwater preferences ann --set "Sea stories, no horror";
    headwater preferences ann --refresh
    """
    if (set_text is not None) + delete + refresh > 1:
        raise typer.BadParameter("--set, --delete and --refresh exclude each other")
    wish = Wish(set_text, delete, refresh)
    told = run(_preferences(load_settings(), user, wish, patience=patience))
    typer.echo(json.dumps(asdict(told)) if as_json else screen(told))
    if not told.done:
        raise typer.Exit(1)


def screen(told: Told) -> str:
    """The same for a person, on a line or two."""
    who = printable(told.user_id)
    if told.by is None:
        lines = [f"{who}: nothing is written yet"]
    elif not told.text:
        lines = [f"{who}: deleted by the user; nobody writes any until --refresh"]
    else:
        basis = f", from {told.basis} interactions" if told.basis else ""
        author = f"by {AUTHORS[told.by]}, {moment(told.at or 0.0)}{basis}"
        lines = [f"{who}: {printable(told.text)}", f"  {author}"]
    if told.would_be and told.by != "engine":
        lines.append(f"  from counts alone it would be: {printable(told.would_be)}")
    if told.sent and not told.done:
        lines.append(
            f"  the change stands at {told.sent}, but no worker has folded it yet: is one running?"
        )
    return "\n".join(lines)


async def _preferences(settings: Settings, user_id: str, wish: Wish, *, patience: float) -> Told:
    check_id("user_id", user_id)
    broker = await find_broker(settings)
    await require_topics(settings, broker)
    log = Log(broker, settings.topics())
    half_life = settings.slates.popularity_half_life_days * DAY
    catalogue, _ = await log.catalogue(half_life=half_life)
    profile = (await log.user(user_id)).profile or Profile()
    sent, done = None, True
    if events := await _events(settings, user_id, wish, profile, catalogue):
        sent = await _send(settings, broker, events)
        profile, done = await _folded(log, user_id, sent, patience=patience)
    return told_of(user_id, profile, catalogue, sent=sent, done=done)


async def _events(
    settings: Settings, user_id: str, wish: Wish, profile: Profile, knowledge: Knowledge
) -> list[Preferences]:
    """What is to be sent for a wish; nothing where it is only to be read."""
    if wish.text is not None:
        return [own_words(user_id, wish.text)]
    if wish.delete:
        return [Preferences(user_id=user_id, text=None, by="user")]
    if not wish.refresh:
        return []
    check_may_write(user_id, profile)
    async with _asking(settings) as asking:
        written = await write(profile, knowledge, asking=asking)
    return refreshed(user_id, profile, written)


def told_of(
    user_id: str, profile: Profile, knowledge: Knowledge, *, sent: Origin | None, done: bool
) -> Told:
    """What there is to show of a profile."""
    likes, liked = profile.likes, liked_by(profile, knowledge)
    return Told(
        user_id=user_id,
        text=likes.text if likes else "",
        by=likes.by if likes else None,
        at=likes.at if likes else None,
        basis=likes.basis if likes else 0,
        would_be=tell(liked, common_to(liked, knowledge)),
        sent=None if sent is None else str(sent),
        done=done,
    )


def own_words(user_id: str, text: str) -> Preferences:
    """
    What a user wrote, as an event.

    Raises:
        NothingToDo: It is empty, or too long.
    """
    cleaned = clean_text(text)
    if not 0 < len(cleaned) <= MAX_PREFERENCE_CHARS:
        raise NothingToDo(
            f"user {user_id!r}: {len(cleaned)} characters, expected 1 to {MAX_PREFERENCE_CHARS}; "
            "to delete what is there, use --delete"
        )
    return Preferences(user_id=user_id, text=cleaned, by="user")


def check_may_write(user_id: str, profile: Profile) -> None:
    """
    Make sure that nothing of the user's own is overwritten.

    Raises:
        NothingToDo: The user has written them.
    """
    likes = profile.likes
    if likes is not None and likes.by == "user" and likes.text:
        raise NothingToDo(
            f"user {user_id!r} has written them: they stand until `headwater preferences "
            f"{user_id} --delete`"
        )


def refreshed(user_id: str, profile: Profile, written: Written) -> list[Preferences]:
    """
    The events that write a user's preferences anew; a deletion is taken back first.

    Raises:
        NothingToDo: There is nothing to say.
    """
    if not written.text:
        raise NothingToDo(f"user {user_id!r} has liked nothing yet that is in the catalogue")
    deleted = profile.likes is not None and profile.likes.by == "user"
    back = [Preferences(user_id=user_id, text="", by="user")] if deleted else []
    return [*back, preferences_of(user_id, profile, written)]


@asynccontextmanager
async def _asking(settings: Settings) -> AsyncIterator[Asking | None]:
    """The model of the settings while the block lasts; None where there is none."""
    server = connect(settings.model)
    try:
        model = make_model(settings.model, server=server)
        yield asking_with(load_preferences(), settings, model)
    finally:
        if server is not None:
            await server.aclose()


async def _send(settings: Settings, broker: Broker, events: list[Preferences]) -> Origin:
    """Where the last of them stands."""
    names, outbox = settings.topics(), Outbox(broker)
    await outbox.start()
    try:
        for event in events:
            key = event.user_id.encode()
            sent = await outbox.post(
                names.name(topics.EVENTS),
                key=key,
                value=encode_event(event),
                partition=partition_of(key, names.partitions),
            )
        await outbox.settle()
    finally:
        await outbox.stop()
    place: Any = sent.result()
    return Origin(place.topic, place.partition, place.offset)


async def _folded(
    log: Log, user_id: str, place: Origin, *, patience: float
) -> tuple[Profile, bool]:
    """The profile, and whether it contains what was sent."""
    until = time.monotonic() + patience
    while True:
        profile = (await log.user(user_id)).profile or Profile()
        if contained(profile, place.partition) >= place.offset:
            return profile, True
        if time.monotonic() >= until:
            return profile, False
        await asyncio.sleep(POLL)
