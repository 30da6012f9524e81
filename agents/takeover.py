"""
A worker takes over an index that `headwater rebuild index` has built, while slates go on.

Everything that takes time is done to the new index, beside the one that serves: reading it from
the disk, trying it, adding what came on the log since.  The swap is one step of the event loop.
Whatever goes wrong before is said and counted, and the index that serves goes on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from functools import partial

from agents.catalogue import Catalogue
from agents.drafts import Draft, open_draft
from agents.handover import Answer, Handover
from agents.metrics import Metrics
from streams.deadletters import reason
from streams.errors import LocalStateUnusable, StateUnusable
from streams.kafka import LogReader

log = logging.getLogger("headwater")

REPLICA = "item-vectors"

PATIENCE = 120.0
"""Seconds the last records may take: those of the second or so since the first reading ended.

Only new items wait meanwhile, slates go on; 10 s were too short for a machine with 20 programs.
"""

FAULTS = (StateUnusable, RuntimeError, MemoryError, OSError)
"""What can go wrong, with that of hnswlib and of Kafka's client, which are RuntimeErrors."""


class Takeover:
    """Looks for a rebuilt index, and puts it in place of the catalogue's; for one event loop."""

    def __init__(
        self,
        handover: Handover,
        *,
        catalogue: Catalogue,
        fingerprint: bytes,
        new_reader: Callable[[], LogReader],
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """
        Look at nothing yet.

        Args:
            handover: Where rebuilt indexes are left.
            catalogue: What gets them.
            fingerprint: Of the encoder whose vectors they must hold.
            new_reader: Makes readers of `item-vectors`: the one that the worker follows it with
                is never turned back.
            metrics: Where failures are counted.
            clock: Seconds since 1970.
        """
        self._handover = handover
        self._catalogue = catalogue
        self._fingerprint = fingerprint
        self._new_reader = new_reader
        self._metrics = metrics
        self._clock = clock
        self._seen: int | None = None
        self._digest = ""
        self._preparing: asyncio.Task[Draft | None] | None = None
        self.failures = 0
        """Rebuilt indexes thrown away, and failures of those indexes that were replaced."""

    def begin(self) -> Draft | None:
        """
        Take over a rebuilt index that waits at the worker's start, before anything is asked.

        Returns:
            What was taken over, to go on from; None when there is none, or none of use.
        """
        try:
            self._handover.attend()
        except OSError as error:
            log.error("a rebuilt index will be seen at a start only: %s", error)
        self._seen = self._handover.waiting()
        if self._seen is None:
            return None
        try:
            draft = self._open()
        except FAULTS as error:
            self._refuse(error)
            return None
        if draft is None:
            return None
        self._adopt(draft, among=draft.known)
        self._handover.clean()
        return draft

    async def tick(self, *, may_swap: bool) -> bool:
        """
        Look whether there is one, and take it over as soon as it is ready.

        To be called by whoever changes the catalogue, who waits meanwhile.

        Args:
            may_swap: Is this a good moment?

        Returns:
            Whether one was taken over, or thrown away.
        """
        if self._preparing is None:
            mark = self._handover.waiting()
            if mark is not None and mark != self._seen:
                self._seen = mark
                self._preparing = asyncio.create_task(self._prepare())
            return False
        if not (may_swap and self._preparing.done()):
            return False
        prepared, self._preparing = self._preparing, None
        if self._handover.waiting() not in (self._seen, None):
            prepared.exception()  # a newer one is there, which counts
            return False
        try:
            return await self._take(prepared.result())
        except FAULTS as error:
            await asyncio.to_thread(self._refuse, error)
            return True

    async def close(self) -> None:
        """Leave what is being prepared to the next start."""
        self._seen = self._handover.waiting()
        task, self._preparing = self._preparing, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._handover.leave()

    async def _prepare(self) -> Draft | None:
        draft = await asyncio.to_thread(self._open)
        if draft is not None:
            await draft.catch_up(self._new_reader())
        return draft

    def _open(self) -> Draft | None:
        self._digest = ""
        self._digest = self._handover.digest()
        return open_draft(
            self._handover.folder,
            like=self._catalogue.index,
            fingerprint=self._fingerprint,
            on_alarm=self._catalogue.alarm,
            now=self._clock(),
        )

    async def _take(self, draft: Draft | None) -> bool:
        if draft is None:  # a worker that shares the state folder was quicker
            return False
        await self._read_the_last(draft)
        among = await asyncio.to_thread(self._catalogue.differing, draft.known)
        former = self._catalogue.index
        self._adopt(draft, among=among)
        await asyncio.to_thread(self._handover.clean)
        await asyncio.to_thread(former.close)
        return True

    async def _read_the_last(self, draft: Draft) -> None:
        """
        Add what came while the swap was awaited.

        Raises:
            TimeoutError: It takes too long.
        """
        try:
            async with asyncio.timeout(PATIENCE) as limit:
                await draft.catch_up(self._new_reader())
        except TimeoutError as exc:
            if not limit.expired():
                raise
            what = f"what came on {REPLICA!r} while it was prepared"
            raise TimeoutError(f"{what} was not read within {PATIENCE:g} s") from exc

    def _adopt(self, draft: Draft, *, among: Iterable[str]) -> None:
        before, former = len(self._catalogue), self._catalogue.index.stats()
        generation = former.generation + 1
        draft.index.count_from(generation, seconds=draft.index.stats().rebuild_seconds)
        self._catalogue.swap(draft.index, draft.known, among)
        self.failures += former.rebuild_failures
        items = len(draft.known)
        log.info("rebuilt index taken over: %d items before, %d now", before, items)
        self._close_handover(
            Answer(self._digest, True, items_before=before, items=items, generation=generation)
        )

    def _refuse(self, error: Exception) -> None:
        why = str(error) or repr(error)
        log.error("rebuilt index thrown away, the present one goes on: %s", why)
        self.failures += 1
        self._count(error.reason if isinstance(error, LocalStateUnusable) else reason(error))
        self._close_handover(Answer(self._digest, False, why=why))

    def _close_handover(self, answer: Answer) -> None:
        """What cannot be written keeps nobody from serving."""
        tidy = self._handover.keep if answer.taken else self._handover.discard
        for step in (tidy, partial(self._handover.reply, answer)):
            try:
                step()
            except OSError as error:
                log.error("rebuilt index: the state folder cannot be written to: %s", error)
                self._count("not_written")

    def _count(self, why: str) -> None:
        self._metrics.local_state_failures.labels(REPLICA, why).inc()
