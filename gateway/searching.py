"""The catalogue, asked in words or by one of its items."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from agents.catalogue import Catalogue
from streams.items import AttributeValue

Encode = Callable[[Sequence[str]], NDArray[Any]]


class Match(msgspec.Struct, frozen=True):
    """An item that was found."""

    item_id: str
    title: str
    similarity: float
    """Cosine to what was asked, -1 to 1."""
    attributes: dict[str, AttributeValue]


LOADING = 5.0
"""Seconds that words wait for the encoder while it is being loaded."""


class Searching:
    """Finds items by vector; words need the encoder, which is loaded with the first of them."""

    def __init__(self, catalogue: Catalogue, make_encode: Callable[[], Encode]) -> None:
        self._catalogue = catalogue
        self._make_encode = make_encode
        self._encode: asyncio.Task[Encode] | None = None
        self._turn = asyncio.Lock()

    def load(self) -> asyncio.Task[Encode]:
        """Load the encoder, in a thread; again only where that failed."""
        failed = self._encode is not None and self._encode.done() and self._encode.exception()
        if self._encode is None or failed:
            self._encode = asyncio.create_task(asyncio.to_thread(self._make_encode))
        return self._encode

    async def similar(self, item_id: str, *, n: int) -> list[Match]:
        """
        The items nearest to one, without it.

        Raises:
            KeyError: No such item is live.
        """
        if self._catalogue.facts(item_id) is None:
            raise KeyError(item_id)
        return self._matches(self._catalogue.vector(item_id), n + 1, without=item_id)[:n]

    async def search(self, text: str, *, n: int) -> list[Match]:
        """
        The items whose text is nearest to some words.

        Raises:
            TimeoutError: The encoder is still being loaded.
        """
        async with asyncio.timeout(LOADING):
            encode = await asyncio.shield(self.load())
        async with self._turn:  # one core, one text at a time
            rows = await asyncio.to_thread(encode, [text])
        return self._matches(rows[0].astype(np.float32), n)

    def _matches(
        self, query: NDArray[np.float32], n: int, *, without: str | None = None
    ) -> list[Match]:
        if not len(self._catalogue):
            return []
        found = self._catalogue.index.search(query[None, :], n=n)[0]
        return [
            Match(near.item_id, facts.title, round(near.similarity, 4), dict(facts.attributes))
            for near in found
            if near.item_id != without
            and (facts := self._catalogue.facts(near.item_id)) is not None
        ]
