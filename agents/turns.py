"""
When a model may be asked: after everybody who waits for a slate, and one question after another.

To put a question and to send it takes milliseconds of the thread that slates are made in.  Where
many questions are ready at once, a slate would stand behind all of them; where there is too little
time for both, behind ever more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from slates.asking import LEAST_SECONDS
from slates.model import Answer, Model, Question
from streams.errors import ModelUnavailable

POLL = 0.005
"""Seconds between two looks whether somebody still waits for a slate."""


class Turns:
    """Given out one by one, while nobody waits for a slate."""

    def __init__(self) -> None:
        """Let everybody pass until there is somebody to wait for."""
        self._first: list[Callable[[], int]] = []
        self._line = asyncio.Lock()

    def give_way(self, waiting: Callable[[], int]) -> None:
        """Give out no turn while this says that somebody waits."""
        self._first.append(waiting)

    async def take(self, *, within: float) -> None:
        """
        Return when it is one's turn; until the next `await` it is nobody else's.

        Raises:
            ModelUnavailable: There were slates to make all the time, and too little of it is left.
        """
        try:
            async with asyncio.timeout(max(within - LEAST_SECONDS, 0.0)), self._line:
                await asyncio.sleep(0)  # what has come meanwhile is seen, and slates are begun
                while any(waiting() for waiting in self._first):  # noqa: ASYNC110 - of several
                    await asyncio.sleep(POLL)
        except TimeoutError:
            text = f"slates came first for {within:.1f} s"
            raise ModelUnavailable(text, reason="busy") from None


class InTurn:
    """A model that is asked in turn."""

    def __init__(self, model: Model, turns: Turns) -> None:
        """Ask this one, in these turns."""
        self._model = model
        self._turns = turns

    async def ask(self, question: Question, *, within: float) -> Answer:
        """
        Ask when it is time.

        Raises:
            ModelUnavailable: Slates took all of it, or the model gives no answer.
        """
        until = monotonic() + within
        await self._turns.take(within=within)
        return await self._model.ask(question, within=until - monotonic())
