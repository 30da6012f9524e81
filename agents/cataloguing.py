"""
Encode items on arrival, once: text to vector, vector to `item-vectors`.

Items wait in line for a thread that takes whatever is there, up to a batch: a lone item leaves at
once, a flood in batches.  An item is acknowledged after its vector was sent.  What is added to
items later has a line of its own, which is served while nothing arrives.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple, Protocol

import numpy as np
from mode import Service
from numpy.typing import NDArray

from agents.consuming import Consuming
from agents.enhancing import Addition
from agents.memory import end_loading, give_back
from agents.metrics import Metrics
from agents.underway import Former, Underway
from streams.items import Item, ItemFacts, content_hash, decode_item
from streams.kafka import Outbox, Record
from streams.vectors import VectorRecord, encode_vector

BATCH = 32
"""
Items taken from the line together, at most.

The encoder sorts them by length and computes eight at a time, so that short texts are not padded to
the longest: of films, 59 a second in takes of 32 against 42 in takes of 8, on one slow core.
"""
IN_LINE = 4 * BATCH
"""Items that may wait; more stay on the topic, where they are safe."""

ADDITIONS = 4
"""
Items taken together to which something was added, at most.

An item that arrives meanwhile waits for them: 60 ms at 64 texts a second.
"""

LOAD = 1_000
"""Texts encoded after which memory is given back, as soon as nothing waits."""

Vectors = NDArray[np.float16]


class Encode(Protocol):
    """Texts in, (len(texts), dim) rows out."""

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Encode; called in a thread."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One item on its way."""

    event: Any
    """The Faust event to acknowledge."""
    record: Record
    item_id: str
    item: Item | None
    """None: it is gone."""

    @property
    def text(self) -> str:
        """What there is to encode; nothing for an item that is gone."""
        return "" if self.item is None else self.item.text()


class Made(NamedTuple):
    """A vector, and the hash of the text that it was made of."""

    of: bytes
    vector: Vectors


def _made(text: str, rows: Mapping[str, Vectors]) -> Made:
    return Made(content_hash(text), rows[text])


def _made_before(former: Former) -> Made:
    return Made(former.known.content_hash, former.vector)


class Cataloguing(Service):  # type: ignore[misc]
    """Items in, vector records out, in the order in which they came."""

    def __init__(
        self,
        *,
        underway: Underway,
        caught_up: Callable[[], Any],
        make_encode: Callable[[], Encode],
        fingerprint: bytes,
        vectors_topic: str,
        outbox: Outbox,
        consuming: Consuming,
        metrics: Metrics,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._underway = underway
        self._caught_up = caught_up
        self._make_encode = make_encode
        self._fingerprint = fingerprint
        self._topic = vectors_topic
        self._outbox = outbox
        self._consuming = consuming
        self._metrics = metrics
        self._line: asyncio.Queue[Arrival] = asyncio.Queue(IN_LINE)
        self._additions: deque[Addition] = deque()
        self._came = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="encoder")
        self._texts = 0
        """Encoded since memory was given back."""

    async def accept(self, event: Any) -> None:
        """Put one record of `items` in line; refuse it here if it is no item."""
        await self._consuming.admit(event, partial(self._line_up, event))

    async def _line_up(self, event: Any, record: Record) -> None:
        item_id, item = decode_item(record.key, record.value)
        await self._line.put(Arrival(event, record, item_id, item))
        self._came.set()

    async def add(self, additions: Sequence[Addition]) -> None:
        """Send what was added to items, as soon as nothing arrives; return when that is done."""
        self._additions.extend(additions)
        self._came.set()
        await asyncio.gather(*(addition.done for addition in additions))

    @Service.task  # type: ignore[untyped-decorator]
    async def _work(self) -> None:
        await self._caught_up()
        # Only now: slates need no encoder, and loading it takes the processor for seconds.
        loop = asyncio.get_running_loop()
        self._encode = await loop.run_in_executor(self._thread, self._make_encode)
        end_loading()
        self._metrics.encoder_ready.set(1)
        while not self.should_stop:
            if not self._line.empty():
                arrivals = [self._line.get_nowait() for _ in range(min(BATCH, self._line.qsize()))]
                work: Any = partial(self.catalogue_batch, arrivals)
                await self._consuming.guard(arrivals[0].record, work)
            elif self._additions:
                number = min(ADDITIONS, len(self._additions))
                additions = [self._additions.popleft() for _ in range(number)]
                work = partial(self.add_batch, additions)
                await self._consuming.guard(additions[0].record, work)
            elif self._texts >= LOAD:
                self._texts = 0
                await loop.run_in_executor(self._thread, give_back)
            else:
                self._came.clear()
                await self._came.wait()

    async def catalogue_batch(self, arrivals: Sequence[Arrival]) -> None:
        """Encode what has new text, send all of it in order, and acknowledge."""
        formers = [self._former(arrival) for arrival in arrivals]
        pairs = list(zip(arrivals, formers, strict=True))
        rows = await self._encoded({a.text for a, former in pairs if a.item and former is None})
        for arrival, former in pairs:
            if not await self._consuming.may_begin(arrival.record.generation):
                continue  # its new owner encodes it; ours could arrive after a newer one
            await self._send(arrival.item_id, self._arrived(arrival, former, rows))
            outcome = "removed" if arrival.item is None else "reused" if former else "encoded"
            self._metrics.items.labels(outcome).inc()
            self._consuming.acknowledge(arrival.event)

    async def add_batch(self, additions: Sequence[Addition]) -> None:
        """
        Send what was added to items that are as they were; nobody but this task sends vectors.

        A text of which nothing is said but what it says is not encoded again.
        """
        pairs = [(each, former) for each in additions if (former := self._unchanged(each))]
        rows = await self._encoded({each.text for each, _ in pairs if each.text})
        for each, former in pairs:
            if await self._consuming.may_begin(each.record.generation):
                await self._send(each.item_id, self._added(each, former, rows))
                each.done.set_result(True)
        for each in additions:
            if not each.done.done():
                each.done.set_result(False)

    async def _send(self, item_id: str, record: VectorRecord | None) -> None:
        value = None if record is None else encode_vector(record)
        place = await self._outbox.post(self._topic, key=item_id.encode(), value=value)
        self._underway.note(item_id, record, place)

    def _former(self, arrival: Arrival) -> Former | None:
        """What was sent of an item last, where its text is the one that it had then."""
        if arrival.item is None:
            return None
        return self._underway.former(arrival.item_id, text_hash=content_hash(arrival.text))

    def _unchanged(self, addition: Addition) -> Former | None:
        """What was sent of an item last, where that is still the record that was added to."""
        text_hash = addition.enhancement.of
        former = self._underway.former(addition.item_id, text_hash=text_hash)
        place = (addition.record.partition, addition.record.offset)
        if former is None or (former.known.partition, former.known.offset) != place:
            return None
        return former

    async def _encoded(self, texts: Collection[str]) -> dict[str, Vectors]:
        if not texts:
            return {}
        began, in_order = perf_counter(), sorted(texts)
        loop = asyncio.get_running_loop()
        rows = await loop.run_in_executor(self._thread, self._encode, in_order)
        self._texts += len(in_order)
        self._metrics.encoder_texts.inc(len(in_order))
        self._metrics.encoder_seconds.observe(perf_counter() - began)
        return dict(zip(in_order, rows, strict=True))

    def _arrived(
        self, arrival: Arrival, former: Former | None, rows: Mapping[str, Vectors]
    ) -> VectorRecord | None:
        """Where the text is the same, so are its vector and what was added to it."""
        if arrival.item is None:
            return None
        if former is None:
            facts, made = arrival.item.facts(), _made(arrival.text, rows)
        else:
            facts, made = arrival.item.facts(former.known.facts.enhanced), _made_before(former)
        return self._record(arrival, facts, made=made)

    def _added(
        self, addition: Addition, former: Former, rows: Mapping[str, Vectors]
    ) -> VectorRecord:
        facts = addition.item.facts(addition.enhancement)
        made = _made(addition.text, rows) if addition.text else _made_before(former)
        return self._record(addition, facts, made=made)

    def _record(self, of: Arrival | Addition, facts: ItemFacts, *, made: Made) -> VectorRecord:
        return VectorRecord(
            fingerprint=self._fingerprint,
            content_hash=made.of,
            vector=made.vector,
            facts=facts,
            partition=of.record.partition,
            offset=of.record.offset,
            announced_at=of.record.received_at,
        )

    async def on_stop(self) -> None:
        """Let the encoder's thread end, and nobody wait for what is not done."""
        for addition in self._additions:
            addition.done.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)


def register(app: Any, *, source: Any, cataloguing: Cataloguing) -> Any:
    """Attach the agent to the app."""

    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            await cataloguing.accept(event)

    return app.agent(source, name="cataloguing")(agent)
