"""`headwater worker`: one worker, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from threadpoolctl import threadpool_limits

from agents.commands.surroundings import (
    find_broker,
    new_loop,
    require_topics,
    run,
    set_up_logging,
)
from agents.lookout import require_group
from agents.memory import begin_loading
from agents.metrics import Metrics
from agents.metrics_server import serve_metrics
from agents.roles import ROLES, group_of, read_by
from agents.safety.version import check_version
from agents.settings import Settings, load_settings
from indexes.embedding import Encoder
from streams.errors import BadSetting
from streams.kafka import Broker, cluster_id

if TYPE_CHECKING:
    from agents.app import Worker

SWITCH_INTERVAL = 0.0005
"""
Seconds after which a thread must let another have the interpreter; Python's own is 0.005.

A search lets go of it, and would wait that long to get it back from the thread that fetches.
"""
PARENT_POLL = 0.5
"""Seconds between looks whether the program that started us is still there."""


def worker(
    roles: Annotated[
        str, typer.Option(help="What this worker does, with commas between.")
    ] = ",".join(ROLES),
    with_parent: Annotated[
        bool, typer.Option(hidden=True, help="End when the parent process does.")
    ] = False,
) -> None:
    """
    Run one worker: fold events, encode items, answer with slates.

    Example: HEADWATER_BROKER=localhost:9092 headwater worker
    """
    if with_parent:
        threading.Thread(target=end_with_parent, args=(os.getppid(),), daemon=True).start()
    run_worker(roles)


def run_worker(roles: str, *, encoder: Callable[[], Encoder] = Encoder) -> NoReturn:
    """
    Run a worker until it is told to stop, and end the process.

    Args:
        roles: As of `--roles`.
        encoder: Makes what texts are encoded with.

    Raises:
        BadSetting: Roles or settings are wrong.
    """
    settings = load_settings()
    settings.known_strategies()  # what is wrong with them need not wait for a broker
    set_up_logging("INFO", libraries="ERROR")
    chosen = read_roles(roles)
    settings.menu()  # what is wrong in it is named before anything is waited for
    broker, cluster = run(_prepare(settings, chosen))
    check_version()  # before anything is imported that only the proven one has
    begin_loading()
    threadpool_limits(1)  # a second BLAS thread on a busy machine costs more than it brings
    sys.setswitchinterval(SWITCH_INTERVAL)
    loop = new_loop()
    asyncio.set_event_loop(loop)
    _execute(_make_worker(settings, broker, cluster, roles=chosen, encoder=encoder), loop)


def read_roles(text: str) -> tuple[str, ...]:
    """
    Read `--roles`.

    Raises:
        BadSetting: An unknown role, or one of a pair that shares profiles without the other.

    >>> read_roles("cataloguing")
    ('cataloguing',)
    """
    roles = tuple(role.strip() for role in text.split(",") if role.strip())
    if unknown := [role for role in roles if role not in ROLES] or (not roles and [text]):
        raise BadSetting(f"--roles: {', '.join(unknown)!r}, expected some of {', '.join(ROLES)}")
    if ("profiling" in roles) != ("recommending" in roles):
        raise BadSetting("--roles: profiling and recommending share profiles, name both or neither")
    return roles


async def _prepare(settings: Settings, roles: tuple[str, ...]) -> tuple[Broker, str]:
    broker = await find_broker(settings)
    await require_topics(settings, broker)
    group, reads = group_of(settings, roles), read_by(settings, roles)
    await require_group(broker, group=group, reads=reads)
    return broker, await cluster_id(broker)


def _make_worker(
    settings: Settings,
    broker: Broker,
    cluster: str,
    *,
    roles: tuple[str, ...],
    encoder: Callable[[], Encoder],
) -> Worker:
    """Its parts, for the event loop of this thread."""
    from agents.app import Worker  # here: other commands start in a third of the time without Faust
    from agents.keeping import Keeping
    from agents.snapshotting import Snapshotting

    metrics, folder = Metrics(), settings.state_of(cluster)
    snapshots = Snapshotting(
        folder / "item-vectors",
        every=settings.index.snapshot_every.total_seconds(),
        metrics=metrics,
    )
    return Worker(
        settings,
        broker,
        snapshots=snapshots,
        keeping=Keeping(folder / "tables", metrics=metrics),
        metrics=metrics,
        roles=roles,
        encoder=encoder,
    )


def _execute(worker: Worker, loop: asyncio.AbstractEventLoop) -> NoReturn:
    """Serve the metrics, run the agents, and end the process when they have ended."""
    import faust

    address = worker.settings.metrics
    server = serve_metrics(
        worker.metrics, host=address.host, port=address.port, readiness=worker.readiness
    )
    typer.echo(
        f"worker: {', '.join(worker.roles)}; broker {worker.broker.bootstrap}; "
        f"metrics http://{address.host}:{server.server_port}/metrics",
        err=True,
    )
    program = faust.Worker(
        worker.app, loop=loop, quiet=True, override_logging=False, redirect_stdouts=False
    )
    try:
        program.execute_from_commandline()
    except SystemExit as end:
        _leave(end.code)
    _leave(0)


def _leave(code: object) -> NoReturn:
    """
    End without taking the interpreter apart; all is stopped, written and closed.

    The bindings of triton, which PyTorch brings along, would list on stderr what they leak.
    """
    logging.shutdown()
    os._exit(code if isinstance(code, int) else 0)


def end_with_parent(parent: int) -> None:
    """A worker that `up` started must not outlive it, even when it was killed."""
    while os.getppid() == parent:
        time.sleep(PARENT_POLL)
    os._exit(1)
