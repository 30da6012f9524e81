"""
The live catalogue by its words and by its titles, a step behind the catalogue itself.

Words are indexed in a thread, a few hundred items at a time, and whoever looks for some meanwhile
is told that there are none rather than kept waiting: a slate never waits for an index of words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import islice
from threading import Lock
from typing import Any

from mode import Service

from slates.keywords import Keywords
from slates.titles import ByName
from streams.items import ItemFacts

STEP = 250
"""Items that are taken in at a time: 4 ms of titles on the event loop."""
POLL = 0.2
"""Seconds between looks whether anything has changed."""


class Wordbook(Service):  # type: ignore[misc]
    """Kept up by the catalogue."""

    def __init__(self, **kwargs: Any) -> None:
        """Begin with nothing."""
        super().__init__(**kwargs)
        self._changed: dict[str, ItemFacts | None] = {}
        self._keywords = Keywords()
        self._busy = Lock()
        self.titles = ByName()
        """Title to item."""

    def put(self, item_id: str, facts: ItemFacts) -> None:
        """An item is new or has changed."""
        self._changed[item_id] = facts

    def discard(self, item_id: str) -> None:
        """An item is gone."""
        self._changed[item_id] = None

    def search(self, words: str, *, n: int) -> Sequence[tuple[str, float]]:
        """The n items that have most of some words, best first; none while they are indexed."""
        if not words or not self._busy.acquire(blocking=False):
            return ()
        try:
            return self._keywords.search(words, n=n)
        finally:
            self._busy.release()

    @Service.task  # type: ignore[untyped-decorator]
    async def _follow(self) -> None:
        while not self.should_stop:
            if not await self.catch_up():
                await asyncio.sleep(POLL)

    async def catch_up(self) -> bool:
        """Take in some of what has changed; was there any?"""
        some = dict(islice(self._changed.items(), STEP))
        for item_id, facts in some.items():
            del self._changed[item_id]
            if facts is None:
                self.titles.discard(item_id)
            else:
                self.titles.put(item_id, facts.title)
        if some:
            await asyncio.to_thread(self._index, some)
        return bool(some)

    def _index(self, some: Mapping[str, ItemFacts | None]) -> None:
        with self._busy:
            for item_id, facts in some.items():
                if facts is None:
                    self._keywords.discard(item_id)
                else:
                    self._keywords.put(item_id, facts.words)
            self._keywords.settle()
