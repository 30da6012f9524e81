"""Garbage on every topic that workers read."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from indexes.embedding import DIM, fingerprint
from streams import topics
from streams.items import Item, ItemFacts, encode_item
from streams.topics import Topic
from streams.vectors import VectorRecord, encode_vector
from tests.support.drills import Drill
from tests.support.streaming import RATE
from tests.support.wire import first, send

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

Poison = tuple[Topic, bytes | None, bytes | None]

GARBAGE = b"\xff\xfe\x00\x80"
DEEP = b"[" * 100_000
HUGE = b"x" * 10_000_000
WRONG_TYPES = b'{"kind":"interaction","user_id":7,"item_id":[],"action":{},"at":"noon"}'
NAN = VectorRecord(
    fingerprint(), b"0" * 16, np.full(DIM, np.nan, np.float16), ItemFacts("NaN"), 0, 0, 0.0
)

LESSON = b'{"step":{},"partition":0,"offset":0}'
READ = (topics.EVENTS, topics.ITEMS, topics.CO_VISITS, topics.LESSONS, topics.SLATE_REQUESTS)

REFUSED: tuple[Poison, ...] = (
    *(
        (topic, b"poison", value)
        for topic in READ
        for value in (GARBAGE, DEEP, HUGE, WRONG_TYPES, b"", b"null")
    ),
    (topics.EVENTS, None, b'{"kind":"forget","user_id":"poison"}'),
    (topics.EVENTS, b"poison", None),
    (topics.EVENTS, GARBAGE, b'{"kind":"forget","user_id":"poison"}'),
    (topics.ITEMS, GARBAGE, b'{"title":"A title","description":"A text."}'),
    (topics.CO_VISITS, None, b"[1.0,1.0,true,0,0]"),
    (topics.CO_VISITS, b"poison", None),
    (topics.CO_VISITS, GARBAGE, b"[1.0,1.0,true,0,0]"),
    (topics.LESSONS, None, LESSON),
    (topics.LESSONS, b"poison", None),
    (topics.LESSONS, GARBAGE, LESSON),
    (topics.SLATE_REQUESTS, None, b'{"user_id":"poison"}'),
    (topics.SLATE_REQUESTS, b"poison", None),
    (topics.SLATE_REQUESTS, GARBAGE, b'{"user_id":"poison"}'),
)
"""Each becomes a dead letter."""
IGNORED: tuple[Poison, ...] = tuple(
    (topics.ITEM_VECTORS, b"item-0", value)
    for value in (GARBAGE, DEEP, HUGE, b"", b"null", encode_vector(NAN))
)
"""Every worker reads them; they are counted, and nobody sends a letter."""


async def _poison(drill: Drill) -> set[str]:
    ids: set[str] = set()
    for topic, key, value in REFUSED:
        ids.update(await send(drill.broker, drill.name(topic), (key, value)))
        await asyncio.sleep(0.1)
    for topic, key, value in IGNORED:
        await send(drill.broker, drill.name(topic), (key, value))
    return ids


async def test_poison_on_every_topic(drill: Drill) -> None:
    """49 records of garbage on the six topics that workers read, up to 10 MB each."""
    worker = await drill.ready("one", roles="profiling,trending,learning,cataloguing,recommending")
    _, poisoned = await asyncio.gather(drill.stream(rate=RATE, seconds=15), _poison(drill))
    good = Item(title="A good one", description="It comes after all that.")
    await send(drill.broker, drill.name(topics.ITEMS), (b"good", encode_item(good)))
    await first(drill.broker, drill.name(topics.ITEM_VECTORS), lambda r: r.key == b"good")
    refused = worker.figures().by("headwater_dead_letters_total", "topic")
    assert refused[drill.name(topics.ITEM_VECTORS)] == len(IGNORED)
    outcome = await drill.finish()
    assert drill.dead_letters() == poisoned
    assert not outcome.damage
    assert not outcome.exits
