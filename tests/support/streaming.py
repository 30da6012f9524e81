"""A steady stream of what users do, whatever happens to those who answer."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from indexes.embedding import DIM, fingerprint
from streams.events import Interaction, encode_event
from streams.items import ItemFacts
from streams.kafka import Broker, Outbox
from streams.vectors import VectorRecord, encode_vector

USERS, ITEMS = 120, 1_000
"""So many that a user has not seen everything when the longest stream ends."""
RATE = 100.0
"""Events per second: a third of what one worker takes, so that it has strength to catch up."""
ACTIONS = ("view", "click", "like", "skip")


class Moment(NamedTuple):
    """Something happens to the stream."""

    at: float
    """Seconds after the first event."""
    act: Callable[[], object]
    """Runs in a thread; the stream does not wait for it."""


def vectors(count: int, *, seed: int, prefix: str = "item") -> list[tuple[bytes, bytes]]:
    """Records for `item-vectors`, for workers without an encoder."""
    rows = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float16)
    return [
        (
            f"{prefix}-{n}".encode(),
            encode_vector(
                VectorRecord(
                    fingerprint(), b"0" * 16, row, ItemFacts(f"Item {n}"), 0, n, time.time()
                )
            ),
        )
        for n, row in enumerate(rows)
    ]


def interactions(seed: int) -> Iterator[Interaction]:
    """What users do, over eleven days of event time and in no order."""
    rng = random.Random(seed)
    while True:
        yield Interaction(
            user_id=f"user-{rng.randrange(USERS)}",
            item_id=f"item-{rng.randrange(ITEMS)}",
            action=rng.choice(ACTIONS),
            at=1_700_000_000.0 + rng.randrange(1_000_000),
        )


async def drive(
    broker: Broker, topic: str, *, rate: float, seconds: float, timeline: Sequence[Moment] = ()
) -> None:
    """
    Send interactions on time, as many a second as asked for, and let things happen.

    Returns:
        When the broker has all of them, and all has happened.
    """
    outbox = Outbox(broker)
    await outbox.start()
    began = time.monotonic()
    happening = asyncio.create_task(_happen(began, timeline))
    try:
        for n, event in zip(range(int(rate * seconds)), interactions(seed=1), strict=False):
            await asyncio.sleep(max(began + n / rate - time.monotonic(), 0))
            await outbox.post(topic, key=event.user_id.encode(), value=encode_event(event))
        await happening
        await outbox.settle()
    finally:
        happening.cancel()
        await outbox.stop()


async def _happen(began: float, timeline: Sequence[Moment]) -> None:
    for moment in timeline:
        await asyncio.sleep(max(began + moment.at - time.monotonic(), 0))
        await asyncio.to_thread(moment.act)
