"""Measure each call to a model, and write down what was said as hashes only."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable

from slates.books import Books
from slates.model import Answer, Model, Question, Usage
from streams.errors import ModelUnavailable

log = logging.getLogger("headwater.model")


class Metered:
    """A `slates.model.Model` whose every call is in the books, whatever came of it."""

    def __init__(
        self, model: Model, books: Books, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._model = model
        self._books = books
        self._clock = clock

    async def ask(self, question: Question, *, within: float) -> Answer:
        """Ask, and tell the books."""
        began = self._clock()
        outcome, usage, model = "failed", Usage(), ""
        try:
            answer = await self._model.ask(question, within=within)
            outcome, usage, model = "answered", answer.usage, answer.model
        except ModelUnavailable as error:
            outcome, usage = error.reason, Usage(prompt=error.tokens)
            raise
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        finally:
            seconds = self._clock() - began
            self._books.called(question, model=model, usage=usage, outcome=outcome, seconds=seconds)
        return answer


class Logged:
    """
    A `slates.model.Model` that leaves a line in the log for each question and answer.

    Args:
        model: Who is asked.
        texts: Are they written out?  If not, hashes tell equal ones from others.
    """

    def __init__(self, model: Model, *, texts: bool = False) -> None:
        self._model = model
        self._texts = texts

    async def ask(self, question: Question, *, within: float) -> Answer:
        """Ask, and log both."""
        prompt = "\n".join(message.content for message in question.messages)
        try:
            answer = await self._model.ask(question, within=within)
        except ModelUnavailable as error:
            log.debug("%s: %s: %s", question.prompt, self._told(prompt), error.reason)
            raise
        said = self._told(answer.text)
        log.debug("%s: %s: %s said %s", question.prompt, self._told(prompt), answer.model, said)
        return answer

    def _told(self, text: str) -> str:
        return repr(text) if self._texts else f"{digest(text)} ({len(text):,} characters)"


def digest(text: str) -> str:
    """
    What tells a text from others and says nothing of it.

    >>> digest("a film about a whale")
    'sha256:108f81828a8b'
    """
    return f"sha256:{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:12]}"
