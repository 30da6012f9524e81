"""What every command needs: settings, a broker that answers, a log on stderr."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from agents.settings import Settings
from streams.embedded import PARTITION_BYTES, find_address
from streams.errors import BrokerUnreachable, TopicMismatch
from streams.kafka import Broker, check_topics, partition_counts, wait_for_broker
from streams.topics import Topic

T = TypeVar("T")

log = logging.getLogger("headwater")

ADDRESS_POLL = 0.1
"""Seconds between looks for the embedded broker's address."""

EMBEDDED_FETCH_WAIT = 0.01
"""Seconds: the embedded broker does not wake a waiting fetch, so it must not wait long."""


def set_up_logging(level: str = "WARNING", *, libraries: str = "CRITICAL") -> None:
    """
    Our lines and those of the libraries from the levels given on, all on stderr.

    A command that fails says why in one line; only a worker has use for what aiokafka adds.
    """
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )
    logging.getLogger("headwater").setLevel(level)
    for chatty in ("aiokafka", "aiokafka.conn", "faust", "mode"):
        logging.getLogger(chatty).setLevel(libraries)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(main)


def new_loop() -> asyncio.AbstractEventLoop:
    """An event loop, of uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


async def find_broker(settings: Settings) -> Broker:
    """
    The broker of the settings, once it answers.

    Raises:
        BrokerUnreachable: It does not, within the setting `broker_patience`.
    """
    patience = settings.broker_patience.total_seconds()
    try:
        return await _look_for_broker(settings, min(patience, 1.0))
    except BrokerUnreachable:
        if patience <= 1.0:
            raise
    log.warning("no broker at %s yet, trying for %g s", settings.broker, patience)
    return await _look_for_broker(settings, patience)


async def _look_for_broker(settings: Settings, patience: float) -> Broker:
    if settings.embedded:
        address = await _embedded_address(settings, patience)
        # Two neighbours that fill a partition between them would both be dropped.
        broker = Broker(address, fetch_wait=EMBEDDED_FETCH_WAIT, max_request=PARTITION_BYTES // 2)
    else:
        broker = Broker(settings.broker, security=settings.secured())
    await wait_for_broker(broker, patience=patience)
    return broker


async def _embedded_address(settings: Settings, patience: float) -> str:
    deadline = time.monotonic() + patience
    while True:
        try:
            return find_address(settings.state_dir)
        except BrokerUnreachable:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(ADDRESS_POLL)


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


async def require_topic(settings: Settings, broker: Broker, topic: Topic) -> None:
    """
    Make sure that a topic is there before anything is sent to it or awaited from it.

    Raises:
        TopicMismatch: It is missing or has another number of partitions.
    """
    name = settings.topics().name(topic)
    wrong = await check_topics(broker, {name: topic}, partitions=settings.partitions, configs=False)
    if wrong and settings.embedded:
        raise TopicMismatch(
            f"{wrong[0].split(':')[0]}: the embedded broker at {broker.bootstrap} was started with "
            "another HEADWATER_TOPIC_PREFIX or HEADWATER_PARTITIONS, use the same here"
        )
    if wrong:
        raise TopicMismatch(wrong[0])


__all__ = [
    "find_broker",
    "partition_counts",
    "require_topic",
    "require_topics",
    "run",
    "set_up_logging",
]
