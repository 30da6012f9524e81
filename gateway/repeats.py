"""Idempotency keys: the same request sent again gets the same answer and does nothing twice."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from gateway.problems import Problem

KEPT = 600.0
"""Seconds an answer is kept: whoever was not answered tries again much sooner."""
MOST = 50_000
"""Answers kept at most."""
LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class _Kept:
    digest: bytes
    task: asyncio.Task[Any]
    at: float


class Repeats:
    """
    What was asked for under a key, by this gateway.

    A request that is still under way is not begun again: its repeat waits for the same answer.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()

    async def once(
        self, key: tuple[str, str], body: bytes, do: Callable[[], Coroutine[Any, Any, Any]]
    ) -> Any:
        """
        Do something, unless it was done under this key.

        Args:
            key: The caller's name and their key; an empty key is none.
            body: What was sent with it.
            do: What is to be done; goes on even if the caller leaves.

        Raises:
            Problem: 422: the key is too long, or was used with another body.
        """
        if not key[1]:
            return await do()
        if len(key[1]) > LONGEST_KEY:
            raise Problem(422, "The request is not valid", field="Idempotency-Key")
        self._drop_old()
        digest = hashlib.sha256(body).digest()
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = _Kept(digest, asyncio.create_task(do()), self._clock())
            kept.task.add_done_callback(lambda task: self._forget_failure(key, task))
        elif kept.digest != digest:
            raise Problem(
                422,
                "The request is not valid",
                "this key was used with another body",
                field="Idempotency-Key",
            )
        return await asyncio.shield(kept.task)

    def _forget_failure(self, key: tuple[str, str], task: asyncio.Task[Any]) -> None:
        """What failed may be tried again."""
        failed = task.cancelled() or task.exception() is not None
        kept = self._kept.get(key)
        if failed and kept is not None and kept.task is task:
            del self._kept[key]

    def _drop_old(self) -> None:
        now = self._clock()
        while self._kept:
            key, kept = next(iter(self._kept.items()))
            if len(self._kept) < MOST and kept.at > now - KEPT:
                return
            del self._kept[key]
