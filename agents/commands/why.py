"""`headwater why`: one user's slate explained, out of the log alone."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Annotated

import typer
from rich.console import Console

from agents.case import Case, case_object, open_case
from agents.case_screen import draw_case
from agents.commands.surroundings import find_broker, require_topics, run
from agents.lookup import Log
from agents.settings import Settings, load_settings
from slates.config import DAY
from streams.errors import HeadwaterError

PLAIN_WIDTH = 160
"""Columns where the output is no terminal."""


class UnknownUser(HeadwaterError):
    """The log has neither a slate nor a profile of the user."""


def why(
    user: Annotated[str, typer.Argument(metavar="USER", help="Whose slate.")],
    item: Annotated[
        str | None, typer.Option(metavar="ITEM", help="Say why this item is on it or not.")
    ] = None,
    n: Annotated[int, typer.Option("--n", min=1, help="Candidates to show, best first.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """
    Explain the newest slate of a user: its cause, the profile, every candidate with its score.

    All of it is read from the log; no worker is asked or disturbed.  The slate is built again from
    what is known now, as of the time of the event that the newest one answered.

    Examples: headwater why ann;
    headwater why ann --item dune
    """
    settings = load_settings()
    case, refused = run(_investigate(settings, user, item))
    for line in refused:
        typer.echo(f"not usable: {line}", err=True)
    if as_json:
        typer.echo(json.dumps(case_object(case, n=n)))
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    console.print(draw_case(case, n=n))


async def _investigate(
    settings: Settings, user_id: str, item_id: str | None
) -> tuple[Case, list[str]]:
    broker = await find_broker(settings)
    await require_topics(settings, broker)
    log = Log(broker, settings.topics())
    user = await log.user(user_id)
    if not user.is_known:
        raise UnknownUser(_unknown(user_id, forgotten=user.forgotten))
    half_life = settings.slates.popularity_half_life_days * DAY
    (catalogue, refused), records = await asyncio.gather(
        log.catalogue(half_life=half_life), log.item(item_id or "")
    )
    item = None if item_id is None else (item_id, records)
    case = open_case(
        user,
        catalogue,
        strategies=settings.known_strategies(),
        strategy=settings.strategy,
        now=time.time(),
        item=item,
    )
    return case, refused


def _unknown(user_id: str, *, forgotten: bool) -> str:
    if forgotten:
        return f"user {user_id!r} asked to be forgotten: nothing is kept"
    return (
        f"user {user_id!r} is not known: no slate, no profile.  Were their events refused?  "
        "Look at `headwater tail --topic dead-letters --from-start`"
    )
