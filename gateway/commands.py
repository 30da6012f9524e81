"""`headwater gateway` and `headwater gateway-keys`."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from agents.commands.surroundings import find_broker, require_topics, run, set_up_logging
from agents.commands.worker import end_with_parent
from agents.metrics import Metrics
from agents.settings import Settings, load_settings
from gateway.keys import SCOPES, SETTING, Key, Scope, make_key, read_keys, write_keys
from streams.errors import BadSetting, SetupError

DAY = 86_400.0

app = typer.Typer(invoke_without_command=True)
keys = typer.Typer(no_args_is_help=True, help="API keys of the gateway: made, listed, revoked.")


@app.callback()
def gateway(
    with_parent: Annotated[
        bool, typer.Option(hidden=True, help="End when the parent process does.")
    ] = False,
) -> None:
    """
    Serve slates, events and the page over HTTP.

    Example: HEADWATER_BROKER=localhost:9092 headwater gateway
    """
    settings = load_settings()
    refuse_open_doors(settings)
    # Beside the live view of `up` only what is wrong is worth a line.
    set_up_logging("WARNING" if with_parent else "INFO", libraries="ERROR")
    if with_parent:
        threading.Thread(target=end_with_parent, args=(os.getppid(),), daemon=True).start()
    run(_serve(settings, quiet=with_parent))


def refuse_open_doors(settings: Settings) -> None:
    """
    Nothing is open to a network without keys.

    Raises:
        BadSetting: It would be.
    """
    part = settings.gateway
    if part.keys is None and not _is_loopback(part.host):
        raise BadSetting(
            f"HEADWATER_GATEWAY__HOST: {part.host} is not loopback: set {SETTING} to a file of "
            "keys first; `headwater gateway-keys add` makes it"
        )
    secret = part.token_secret.get_secret_value()
    if secret and len(secret.encode()) < 32:
        raise BadSetting("HEADWATER_GATEWAY__TOKEN_SECRET: expected at least 32 bytes")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


async def _serve(settings: Settings, *, quiet: bool) -> None:
    from gateway.app import create_app, make_access  # here: other commands start faster without
    from gateway.composing import compose
    from gateway.serving import make_server, port_of, started

    access = make_access(settings)
    broker = await find_broker(settings)
    await require_topics(settings, broker)
    parts = compose(settings, broker, access, Metrics())
    part = settings.gateway
    server = make_server(
        create_app(parts),
        host=part.host,
        port=part.port,
        headers_within=part.read_within.total_seconds(),
    )
    serving = asyncio.create_task(server.serve())
    try:
        await started(server, serving)
    except SystemExit as exc:
        raise SetupError(
            f"the gateway cannot listen on {part.host}:{part.port}: "
            "set HEADWATER_GATEWAY__PORT to a free port, or 0 for any"
        ) from exc
    who = "open, loopback only" if access.open else "keys"
    where = f"http://{part.host}:{port_of(server)}"
    if not quiet:
        typer.echo(f"gateway: {where} ({who}); broker {broker.bootstrap}", err=True)
    await serving


# -- keys


def _file(settings: Settings) -> Path:
    if settings.gateway.keys is None:
        raise BadSetting(f"{SETTING}: say where the keys are to be kept")
    return settings.gateway.keys


def _present(path: Path) -> tuple[Key, ...]:
    return read_keys(path) if path.exists() else ()


@keys.command()
def add(
    name: Annotated[str, typer.Argument(help="What it is for, such as shop-frontend.")],
    scope: Annotated[list[str], typer.Option(help=f"One or more of {', '.join(SCOPES)}.")],
    user: Annotated[str | None, typer.Option(help="The only user it is for.")] = None,
    days: Annotated[float | None, typer.Option(min=0.0, help="How long it is good.")] = None,
) -> None:
    """
    Make a key and show it, once; only its hash is kept.

    To replace one, add another, move its holders over, revoke the first.

    Example: headwater gateway-keys add shop --scope events --scope slates
    """
    path = _file(load_settings())
    scopes = tuple(_scope(text) for text in scope)
    present = _present(path)
    if any(key.name == name for key in present):
        raise BadSetting(f"key {name!r} is there already; take another name, such as {name}-2")
    now = time.time()
    expires_at = None if days is None else now + days * DAY
    shown, kept = make_key(name, scopes, user=user, now=now, expires_at=expires_at)
    write_keys(path, (*present, kept))
    typer.echo(f"kept as a hash in {path}; this is the only time it is shown:", err=True)
    typer.echo(shown)


def _scope(text: str) -> Scope:
    for scope in SCOPES:
        if scope == text:
            return scope
    raise BadSetting(f"--scope {text!r}, expected one of {', '.join(SCOPES)}")


@keys.command(name="list")
def list_keys() -> None:
    """List the keys: names and rights, never the keys themselves."""
    table = Table(box=None)
    for column in ("name", "scopes", "user", "made", "expires"):
        table.add_column(column)
    for key in _present(_file(load_settings())):
        table.add_row(
            key.name,
            ", ".join(key.scopes),
            key.user or "all",
            _day(key.made_at),
            "never" if key.expires_at is None else _day(key.expires_at),
        )
    Console(highlight=False).print(table)


@keys.command()
def revoke(name: Annotated[str, typer.Argument(help="Which.")]) -> None:
    """Revoke a key; gateways that run notice within a second."""
    path = _file(load_settings())
    present = _present(path)
    left = [key for key in present if key.name != name]
    if len(left) == len(present):
        raise BadSetting(f"no key {name!r} in {path}; see `headwater gateway-keys list`")
    write_keys(path, left)
    typer.echo(f"revoked {name}", err=True)


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d")
