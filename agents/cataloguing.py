"""
Encode items on arrival, once: text to vector, vector to `item-vectors`.

Items wait in line for a thread that takes whatever is there, up to a batch: a lone item leaves at
once, a flood in batches.  An item is acknowledged after its vector was sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from mode import Service
from numpy.typing import NDArray

from agents.catalogue import Catalogue
from agents.consuming import Consuming
from agents.memory import end_loading
from agents.metrics import Metrics
from streams.items import Item, content_hash, decode_item
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


class Cataloguing(Service):  # type: ignore[misc]
    """Items in, vector records out, in the order in which they came."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
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
        self._catalogue = catalogue
        self._caught_up = caught_up
        self._make_encode = make_encode
        self._fingerprint = fingerprint
        self._topic = vectors_topic
        self._outbox = outbox
        self._consuming = consuming
        self._metrics = metrics
        self._line: asyncio.Queue[Arrival] = asyncio.Queue(IN_LINE)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="encoder")

    async def accept(self, event: Any) -> None:
        """Put one record of `items` in line; refuse it here if it is no item."""
        await self._consuming.admit(event, partial(self._line_up, event))

    async def _line_up(self, event: Any, record: Record) -> None:
        item_id, item = decode_item(record.key, record.value)
        await self._line.put(Arrival(event, record, item_id, item))

    @Service.task  # type: ignore[untyped-decorator]
    async def _work(self) -> None:
        await self._caught_up()
        # Only now: slates need no encoder, and loading it takes the processor for seconds.
        loop = asyncio.get_running_loop()
        self._encode = await loop.run_in_executor(self._thread, self._make_encode)
        end_loading()
        self._metrics.encoder_ready.set(1)
        while not self.should_stop:
            arrivals = [await self._line.get()]
            while len(arrivals) < BATCH and not self._line.empty():
                arrivals.append(self._line.get_nowait())
            await self._consuming.guard(arrivals[0].record, partial(self.catalogue_batch, arrivals))

    async def catalogue_batch(self, arrivals: Sequence[Arrival]) -> None:
        """Encode what has new text, send all of it in order, and acknowledge."""
        vectors = self._unchanged(arrivals)
        wanted = {a.text for a in arrivals if a.item is not None} - vectors.keys()
        reused = vectors.keys()
        vectors = vectors | await self._encoded(sorted(wanted))
        for arrival in arrivals:
            if not await self._consuming.may_begin(arrival.record.generation):
                continue  # its new owner encodes it; ours could arrive after a newer one
            await self._outbox.post(
                self._topic, key=arrival.item_id.encode(), value=self._value(arrival, vectors)
            )
            outcome = "removed" if arrival.item is None else "encoded"
            self._metrics.items.labels("reused" if arrival.text in reused else outcome).inc()
            self._consuming.acknowledge(arrival.event)

    def _unchanged(self, arrivals: Sequence[Arrival]) -> dict[str, Vectors]:
        """Text to vector of those items whose text is the one that was encoded before."""
        found = {}
        for arrival in arrivals:
            known = self._catalogue.known(arrival.item_id)
            if arrival.item is not None and known is not None:
                text = arrival.text
                if known.content_hash == content_hash(text):
                    found[text] = self._catalogue.vector(arrival.item_id).astype(np.float16)
        return found

    async def _encoded(self, texts: Sequence[str]) -> dict[str, Vectors]:
        if not texts:
            return {}
        began = perf_counter()
        loop = asyncio.get_running_loop()
        rows = await loop.run_in_executor(self._thread, self._encode, texts)
        self._metrics.encoder_texts.inc(len(texts))
        self._metrics.encoder_seconds.observe(perf_counter() - began)
        return dict(zip(texts, rows, strict=True))

    def _value(self, arrival: Arrival, vectors: Mapping[str, Vectors]) -> bytes | None:
        if arrival.item is None:
            return None
        return encode_vector(
            VectorRecord(
                fingerprint=self._fingerprint,
                content_hash=content_hash(arrival.text),
                vector=vectors[arrival.text],
                facts=arrival.item.facts(),
                partition=arrival.record.partition,
                offset=arrival.record.offset,
                announced_at=arrival.record.received_at,
            )
        )

    async def on_stop(self) -> None:
        """Let the encoder's thread end."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def register(app: Any, *, source: Any, cataloguing: Cataloguing) -> Any:
    """Attach the agent to the app."""

    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            await cataloguing.accept(event)

    return app.agent(source, name="cataloguing")(agent)
