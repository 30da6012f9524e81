"""Broker and worker as child processes of `headwater up`: started in order, ended in order."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from agents.commands.surroundings import find_broker, run
from agents.scraping import is_ready, scrape
from agents.settings import Settings
from streams.embedded import find_address
from streams.errors import BrokerUnreachable, SetupError
from streams.kafka import declare_topics

BROKER_PATIENCE = 20.0
WORKER_PATIENCE = 120.0
"""Seconds a worker may take until it is ready; loading the encoder is most of it."""
STOP_PATIENCE = 15.0
POLL = 0.1

Check = Callable[[], None]
"""Raises a `SetupError` when something that is needed has ended."""


@contextmanager
def running(
    settings: Settings, more: Mapping[str, str] | None = None, *, gateway: bool = False
) -> Iterator[tuple[Settings, int, Check]]:
    """
    A broker, unless the settings name one, and a worker, while the block lasts.

    Args:
        settings: As they are here.
        more: Variables that only the children have.
        gateway: Is there to be one, too?  It is not waited for.

    Yields:
        The settings to reach them with, the port of the worker's metrics, and what raises a
        `SetupError` when broker or worker have ended since.

    Raises:
        SetupError: One of them ended, or was not ready in time; its own words are on stderr.
    """
    with _own_state(settings) as found:
        own = _with_free_gateway(found)
        port = free_port(own.metrics.port)
        environment = {
            **os.environ,
            **(more or {}),
            "HEADWATER_STATE_DIR": str(own.state_dir.absolute()),
            "HEADWATER_METRICS__PORT": str(port),
            "HEADWATER_GATEWAY__PORT": str(own.gateway.port),
            "HEADWATER_ENHANCE__ITEMS": own.enhance.items,
        }
        children: list[subprocess.Popen[bytes]] = []
        needed: dict[str, subprocess.Popen[bytes]] = {}
        try:
            if own.embedded:
                children.append(_start("broker", environment))
                needed["broker"] = children[-1]
                _await(needed, "broker", lambda: _has_address(own), BROKER_PATIENCE)
            else:
                run(_declare(own))
            children.append(_start("worker", environment))
            needed["worker"] = children[-1]
            _await(needed, "worker", lambda: _is_warm(port), WORKER_PATIENCE)
            if gateway:
                children.append(_start("gateway", environment))
            yield own, port, partial(_check_alive, needed)
        finally:
            for child in reversed(children):
                _stop(child)


def _with_free_gateway(settings: Settings) -> Settings:
    """The page's port, another one where that is taken."""
    port = free_port(settings.gateway.port)
    return settings.model_copy(
        update={"gateway": settings.gateway.model_copy(update={"port": port})}
    )


@contextmanager
def _own_state(settings: Settings) -> Iterator[Settings]:
    """
    Where state is kept: the folder of the settings, so that `tail` and `why` find the broker.

    Beside another embedded broker that runs there, a folder of its own.  What is kept of an
    embedded broker is removed in the end: what is in memory has no tomorrow.
    """
    if not settings.embedded:
        yield settings
        return
    with tempfile.TemporaryDirectory(prefix="headwater-", ignore_cleanup_errors=True) as folder:
        if _has_address(settings):
            settings = settings.model_copy(update={"state_dir": Path(folder)})
        try:
            yield settings
        finally:
            for kept in settings.state_dir.glob("*mockCluster*"):
                shutil.rmtree(kept, ignore_errors=True)


def free_port(wanted: int) -> int:
    """The port wanted if nobody listens there, else any that is free."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise SetupError("no free port on 127.0.0.1")


def _start(command: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A child in a session of its own: Ctrl-C reaches us, and we end it in order."""
    return subprocess.Popen(
        [sys.executable, "-m", "agents", command, "--with-parent"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def _await(
    children: Mapping[str, subprocess.Popen[bytes]],
    name: str,
    done: Callable[[], bool],
    patience: float,
) -> None:
    deadline = time.monotonic() + patience
    while not done():
        _check_alive(children)
        if time.monotonic() > deadline:
            raise SetupError(f"the {name} was not ready within {patience:g} s")
        time.sleep(POLL)


def _check_alive(children: Mapping[str, subprocess.Popen[bytes]]) -> None:
    for name, child in children.items():
        if (code := child.poll()) is not None:
            raise SetupError(f"the {name} ended {_how(code)}")


def _how(code: int) -> str:
    """
    >>> _how(70), _how(-9)
    ('with exit code 70; its reason is above', 'by signal 9: something else killed it')
    """
    if code < 0:
        return f"by signal {-code}: something else killed it"
    return f"with exit code {code}; its reason is above"


def _is_warm(port: int) -> bool:
    """Ready for slates, and for items too: what is loaded next would wait for the encoder."""
    return is_ready(port) and scrape(port).total("headwater_encoder_ready") == 1


def _has_address(settings: Settings) -> bool:
    try:
        find_address(settings.state_dir)
    except BrokerUnreachable:
        return False
    return True


async def _declare(settings: Settings) -> None:
    await declare_topics(
        await find_broker(settings),
        dict(settings.topics()),
        partitions=settings.partitions,
        replication=settings.replication,
    )


def _stop(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
