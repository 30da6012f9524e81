"""
Add to items what their texts, or a model, say of them, after they can be found.

The catalogue knows to which items nothing was added yet; their texts are read from `items` again.
So nothing is lost by a restart, no item is held back, and no queue can overflow.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from mode import Service

from agents.catalogue import Catalogue
from agents.describing import Described, Describing
from agents.known import Known
from agents.metrics import Metrics
from agents.rereading import Found, Rereading
from agents.waiting import MANY
from agents.wanting import Partitions, Wanting
from streams.enhancements import Enhancement
from streams.items import Item
from streams.kafka import Record

log = logging.getLogger("headwater")

KAFKA_FAULTS = (RuntimeError, OSError)
"""What Kafka's client raises; adding to items is nothing that a worker should end for."""
POLL = 0.2
"""Seconds between looks whether there is something to do."""
SPAN = 1_000
"""Offsets that are read for one batch, at most: items that wait may be far apart."""
REST = 3.0
"""
How many times as long as picking words took nothing is done after it.

It is Python that runs for 10 ms a text in a thread; slates, and the encoder, come first.
"""
REST_BEHIND = 30.0
"""The same where many events wait to be folded: a seventh of all that a worker did, otherwise."""


@dataclass(frozen=True, slots=True)
class Addition:
    """What is to be added to an item that can be found already."""

    record: Record
    """Where on `items` the item stands, and in which generation of the group it was ours."""
    item_id: str
    item: Item
    enhancement: Enhancement
    done: asyncio.Future[bool]
    """Becomes whether it was sent: the item may have changed, or moved away."""

    @property
    def text(self) -> str:
        """What is to be encoded; empty where the vector stays as it is."""
        return self.item.text(self.enhancement) if self.enhancement.is_read else ""


Add: TypeAlias = Callable[[Sequence[Addition]], Awaitable[Any]]
"""Sends them; returns when all are done."""


class Owned(NamedTuple):
    """What of `items` is ours, and in which generation of the group."""

    generation: int
    partitions: frozenset[int]


class Enhancing(Service):  # type: ignore[misc]
    """Items that wait in, additions out, a batch at a time."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        wanting: Wanting,
        rereading: Rereading,
        describing: Describing,
        caught_up: Callable[[], Any],
        owned: Callable[[], Owned],
        unfolded: Callable[[], int],
        add: Add,
        batch: int,
        metrics: Metrics,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._catalogue = catalogue
        self._wanting = wanting
        self._rereading = rereading
        self._describing = describing
        self._caught_up = caught_up
        self._owned = owned
        self._unfolded = unfolded
        self._add = add
        self._batch = batch
        self._metrics = metrics
        self._generation = -1

    @Service.task  # type: ignore[untyped-decorator]
    async def _work(self) -> None:
        await self._caught_up()
        while not self.should_stop:
            if not await self.enhance_some():
                await asyncio.sleep(POLL)

    async def enhance_some(self) -> bool:
        """Deal with a few of the items that wait; was there any?"""
        owned = self._owned()
        if owned.generation != self._generation:
            self._generation = owned.generation
            self._catalogue.want_all()
        self._metrics.enhancing_waiting.set(len(self._wanting))
        partition, waiting = self._next(owned.partitions)
        if not waiting:
            return False
        found = await self._read(owned.partitions, partition, waiting)
        later = await self._enhance(found, owned.generation) if found else set()
        for item_id in {each.item_id for each in found} - later:
            self._wanting.discard(item_id, partition)
        for item_id in waiting.keys() - {each.item_id for each in found}:
            self._wanting.put_last(item_id, waiting[item_id])
        return bool(found)

    async def _read(
        self, owned: frozenset[int], partition: int, waiting: Mapping[str, Known]
    ) -> list[Found]:
        """Items that wait, where they stand; without those that cannot be read now."""
        places = {known.offset: item_id for item_id, known in waiting.items()}
        try:
            await self._rereading.open(owned)
            read = await self._rereading.find(partition, places.keys())
        except KAFKA_FAULTS as error:
            log.warning("items to be added to cannot be read now: %r", error)
            await self._rereading.close()
            return []
        return [each for each in read if places[each.record.offset] == each.item_id]

    def _next(self, partitions: frozenset[int]) -> tuple[int, dict[str, Known]]:
        """Those that wait longest in the partition where most do, near each other."""
        for waiting in (self._wanting.bare, self._wanting.unasked):
            if waiting is self._wanting.unasked and not self._describing.may_ask:
                break
            partition = _fullest(waiting, partitions)
            if partition is not None:
                first = dict(islice(waiting[partition].items(), self._batch))
                lowest = min(known.offset for known in first.values())
                near = {i: known for i, known in first.items() if known.offset < lowest + SPAN}
                return partition, near
        return -1, {}

    async def _enhance(self, found: Sequence[Found], generation: int) -> set[str]:
        """Add to items; those to which nothing is to be added now, but later."""
        described = await self._describing.describe([each.item for each in found])
        news = [
            (self._addition(each, new.enhancement, generation), new.outcome)
            for each, new in zip(found, described, strict=True)
            if self._is_news(each.item_id, new)
        ]
        await self._add([addition for addition, _ in news])
        for addition, outcome in news:
            what = outcome if addition.done.result() else "overtaken"
            self._metrics.enhanced_items.labels(what).inc()
        rest = REST_BEHIND if self._unfolded() > MANY else REST
        await asyncio.sleep(rest * self._describing.picking_seconds)
        return {each.item_id for each in found} - {addition.item_id for addition, _ in news}

    def _addition(self, found: Found, enhancement: Enhancement, generation: int) -> Addition:
        return Addition(
            record=found.record._replace(generation=generation),
            item_id=found.item_id,
            item=found.item,
            enhancement=enhancement,
            done=asyncio.get_running_loop().create_future(),
        )

    def _is_news(self, item_id: str, new: Described) -> bool:
        """What was picked once needs no second record because a model gave no answer."""
        known = self._catalogue.known(item_id)
        there = None if known is None else known.facts.enhanced
        return there is None or bool(new.enhancement.asked)

    async def on_stop(self) -> None:
        """Leave the log, and let the thread end."""
        self._describing.close()
        await self._rereading.close()


def _fullest(waiting: Partitions, partitions: frozenset[int]) -> int | None:
    """The partition in which most wait; None where nobody does."""
    counts = {p: len(items) for p, items in waiting.items() if p in partitions and items}
    return max(counts, key=lambda p: counts[p], default=None)
