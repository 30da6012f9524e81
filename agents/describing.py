"""
What is to be added to items: picked from their texts, and by a model where there is one.

A model is asked of a text at most once; what was said of the same text before, for whichever item,
is taken over.  When it gives no answer, what was picked stands, and it is asked later.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple, TypeAlias, TypeVar

import msgspec

from agents.asking import PAUSE, Asking
from agents.metrics import Metrics
from slates.books import NO_BOOKS, Books
from slates.enhancing import STRATEGY, question_about, read_reply, shortened
from slates.extracting import Extract
from slates.summaries import Encode
from slates.suspicion import is_suspicious
from streams.enhancements import Enhancement
from streams.errors import ModelUnavailable
from streams.items import Item

log = logging.getLogger("headwater")

T = TypeVar("T")

TOO_LONG = "prompt-too-long"
"""The one reason for which a model would be asked in vain for ever."""

Outcome: TypeAlias = Literal["model", "engine", "unsupported", "suspicious", "twin"]
"""Whose words they are, and why no model's; `twin`: said before of an item with the same text."""


class Described(NamedTuple):
    """What is to be added to one item."""

    enhancement: Enhancement
    outcome: Outcome


class Describing:
    """Texts in, additions out."""

    def __init__(
        self,
        *,
        make_extract: Callable[[], Extract],
        asking: Asking | None,
        said_of: Callable[[bytes], Enhancement | None],
        metrics: Metrics,
        encode: Encode | None = None,
        books: Books = NO_BOOKS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Load nothing yet.

        Args:
            make_extract: Called in a thread, once.
            asking: None where there is no model.
            said_of: What was said before of a text with this hash.
            metrics: For what is not used, and what went wrong.
            encode: Texts to unit rows, called in a thread; without it the first sentences of a
                long text stand for it.
            books: Told of the tokens that summing up has saved.
            clock: Seconds, from anywhere.
        """
        self._make_extract = make_extract
        self._asking = asking
        self._said_of = said_of
        self._metrics = metrics
        self._encode = encode
        self._books = books
        self._clock = clock
        self._ask_from = clock()
        self._extract: Extract | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="extractor")
        self.picking_seconds = 0.0
        """How long the last picking took."""

    @property
    def may_ask(self) -> bool:
        """Is there a model that has not just given no answer?"""
        return self._asking is not None and self._clock() >= self._ask_from

    async def describe(self, items: Sequence[Item]) -> list[Described]:
        """What is to be added to each."""
        picked = await self._picked(items)
        if self._asking is None or not self.may_ask:
            return [Described(own, "engine") for own in picked]
        label = self._asking.prompt.label
        known: dict[bytes, Described] = {}
        ask: dict[bytes, tuple[Item, Enhancement]] = {}
        for item, own in zip(items, picked, strict=True):
            if (said := self._said_of(own.of)) is not None:
                known[own.of] = Described(said, "twin")
            elif is_suspicious(item.title, item.text()):
                known[own.of] = Described(_asked(own, label), "suspicious")
            else:
                ask.setdefault(own.of, (item, own))
        known |= await self._said(self._asking, list(ask.values()))
        return [known.get(own.of, Described(own, "engine")) for own in picked]

    async def _picked(self, items: Sequence[Item]) -> list[Enhancement]:
        began = self._clock()
        picked = await self._in_thread(self._pick, items)
        self.picking_seconds = self._clock() - began
        return picked

    def _pick(self, items: Sequence[Item]) -> list[Enhancement]:
        if self._extract is None:
            self._extract = self._make_extract()
        return [self._extract(item) for item in items]

    async def _said(
        self, asking: Asking, about: Sequence[tuple[Item, Enhancement]]
    ) -> dict[bytes, Described]:
        """Text to what a model said of it; those of which it could not be asked are left out."""
        if not about:
            return {}
        items, picked = [item for item, _ in about], [own for _, own in about]
        short = await self._in_thread(self._shorten, items)
        try:
            asked = question_about(short, asking.prompt, most=asking.most, count=asking.count)
            n = asked.left("items")
            answer = await asking.model.ask(asked.question, within=asking.within)
        except ModelUnavailable as error:
            return self._go_without(error, picked, asking.prompt.label)
        self._note_saved(items[:n], short[:n], asking)
        heard = read_reply(answer, items[:n], picked=picked[:n], prompt=asking.prompt)
        for what, count in heard.dropped.items():
            self._metrics.enhancements_dropped.labels(what).inc(count)
        return {each.of: Described(each, _outcome(each)) for each in heard.enhancements}

    async def _in_thread(
        self, work: Callable[[Sequence[Item]], list[T]], items: Sequence[Item]
    ) -> list[T]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, list(items))

    def _shorten(self, items: Sequence[Item]) -> list[Item]:
        return [shortened(item, encode=self._encode) for item in items]

    def _note_saved(self, items: Sequence[Item], short: Sequence[Item], asking: Asking) -> None:
        """Once per text: no model is asked of one twice."""
        pairs = zip(items, short, strict=True)
        cut = [(item, less) for item, less in pairs if item.description != less.description]
        saved = sum(asking.count(i.description) - asking.count(s.description) for i, s in cut)
        if saved > 0:
            self._books.saved(STRATEGY, cause="summary", tokens=saved)

    def _go_without(
        self, error: ModelUnavailable, picked: Sequence[Enhancement], label: str
    ) -> dict[bytes, Described]:
        self._metrics.degraded.labels(f"enhance-{error.reason}").inc()
        if error.reason == TOO_LONG:
            return {own.of: Described(_asked(own, label), "unsupported") for own in picked[:1]}
        self._ask_from = self._clock() + PAUSE
        log.warning("items get keywords only for %.0f s: %s", PAUSE, error)
        return {}

    def close(self) -> None:
        """Let the thread end."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _asked(own: Enhancement, label: str) -> Enhancement:
    """What was picked, never to be asked about again."""
    return msgspec.structs.replace(own, asked=label)


def _outcome(each: Enhancement) -> Outcome:
    return "model" if each.is_read else "unsupported"
