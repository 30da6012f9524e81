"""What every command needs: settings, a broker that answers, a log on stderr."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from agents.settings import Settings
from streams.embedded import find_address
from streams.errors import TopicMismatch
from streams.kafka import Broker, check_topics, partition_counts, wait_for_broker

T = TypeVar("T")

EMBEDDED_FETCH_WAIT = 0.01
"""Seconds: the embedded broker does not wake a waiting fetch, so it must not wait long."""


def set_up_logging(level: str = "INFO") -> None:
    """Our lines at the level given, those of the libraries from warnings on, all on stderr."""
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )
    logging.getLogger("headwater").setLevel(level)
    # A fresh broker makes these two repeat themselves; what matters is raised as an error too.
    for chatty in ("aiokafka", "aiokafka.conn", "faust", "mode"):
        logging.getLogger(chatty).setLevel(logging.ERROR)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return asyncio.run(main, loop_factory=uvloop.new_event_loop) if False else uvloop.run(main)


async def find_broker(settings: Settings) -> Broker:
    """
    The broker of the settings, once it answers.

    Raises:
        BrokerUnreachable: It does not, within the setting `broker_patience`.
    """
    if settings.embedded:
        broker = Broker(find_address(settings.state_dir), fetch_wait=EMBEDDED_FETCH_WAIT)
    else:
        broker = Broker(settings.broker)
    await wait_for_broker(broker, patience=settings.broker_patience.total_seconds())
    return broker


async def require_topics(settings: Settings, broker: Broker) -> None:
    """
    Make sure that a worker can run: on a missing topic Faust would wait for ever and say nothing.

    Raises:
        TopicMismatch: A topic is missing or has another number of partitions.
    """
    names = dict(settings.topics())
    wrong = await check_topics(
        broker, names, partitions=settings.partitions, configs=not settings.embedded
    )
    if wrong:
        raise TopicMismatch("\n".join(wrong))


__all__ = [
    "find_broker",
    "partition_counts",
    "require_topics",
    "run",
    "set_up_logging",
]
