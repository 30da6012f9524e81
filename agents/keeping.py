"""
Local copies of the changelogs of owned partitions, so that a restart reads only their ends.

Written behind the commits, in a thread and in order; no commit waits for it.  A copy in doubt is
deleted, and the changelog, which has everything, is read instead: never a wrong state.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TypeVar

from agents.aging import CONFIRM_EVERY, MAX_AGE
from agents.kept import KeptFile, Mark, newest_change, remove
from agents.metrics import Metrics
from agents.stretches import Stretch
from streams.errors import LocalStateUnusable

log = logging.getLogger("headwater")

T = TypeVar("T")

SUFFIX = ".sqlite"
SPACING = 5.0
"""
Seconds for which what was committed is gathered before it is written.

Who acts every second is then written once in that time; a worker that is killed meanwhile reads so
much more of the log at its start.
"""


class Place(NamedTuple):
    """A partition of a changelog."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"


@dataclass(frozen=True, slots=True)
class Kept:
    """What a file had."""

    rows: Mapping[bytes, bytes]
    """Key to value."""
    mark: Mark


class KeptFiles:
    """The files of owned partitions; for one thread, which may wait for the disk."""

    def __init__(self, folder: Path, *, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._folder = folder
        self._metrics = metrics
        self._clock = clock
        self._open: dict[Place, KeptFile] = {}

    def path(self, place: Place) -> Path:
        """Where the file of a partition is."""
        return self._folder / f"{place}{SUFFIX}"

    def places(self, topic: str) -> list[Place]:
        """The partitions of a changelog of which there is a file, whatever is in it."""
        numbers = (path.name[len(topic) + 1 : -len(SUFFIX)] for path in self._of_topic(topic))
        return [Place(topic, int(number)) for number in sorted(numbers) if number.isdecimal()]

    def _of_topic(self, topic: str) -> list[Path]:
        names = f"{topic}-"
        found = self._folder.glob(f"*{SUFFIX}")
        return [path for path in found if path.name.startswith(names)]

    def load(self, place: Place) -> Kept | None:
        """Open the file of a partition and read it; None where there is none to be used."""
        self.let_go(place)
        path = self.path(place)
        if not path.exists():
            return None
        try:
            file = self._open[place] = KeptFile(path, log=str(place))
            rows = file.read(now=self._clock())
        except LocalStateUnusable as error:
            self.give_up(place, error)
            return None
        return None if file.mark is None else Kept(rows, file.mark)

    def write(self, place: Place, stretch: Stretch | None) -> None:
        """Add to the file of a partition, or make it; nothing happens where it was given up."""
        try:
            if stretch is None:
                raise self._error(place, "records of others lie between ours", reason="gap")
            if stretch.whole:
                self.let_go(place)
                remove(self.path(place))
                self._open[place] = KeptFile(self.path(place), log=str(place))
            if (file := self._open.get(place)) is not None:
                file.write(stretch, now=self._clock())
        except LocalStateUnusable as error:
            self.give_up(place, error)

    def confirm(self) -> None:
        """Nothing was added to the logs but what was written."""
        for place, file in list(self._open.items()):
            try:
                file.confirm(now=self._clock())
            except LocalStateUnusable as error:
                self.give_up(place, error)

    def refuse(self, place: Place) -> None:
        """What was loaded has turned out to be of another log."""
        what = "the changelog does not have the record that it ends with"
        self.give_up(place, self._error(place, what, reason="other_log"))

    def retain(self, places: Collection[Place]) -> None:
        """Let go of all others, and delete what has grown too old to be of use to anybody."""
        for place in self._open.keys() - places:
            self.let_go(place)
        ours = {file.path for file in self._open.values()}
        for path in set(self._folder.glob(f"*{SUFFIX}")) - ours:
            if self._clock() - newest_change(path) > MAX_AGE:
                with suppress(LocalStateUnusable):  # it is refused by whoever opens it
                    remove(path)

    def let_go(self, place: Place) -> None:
        """Close the file of a partition."""
        if (file := self._open.pop(place, None)) is not None:
            file.close()

    def give_up(self, place: Place, error: LocalStateUnusable) -> None:
        """Say so, count it, and delete the file, unless another process is at work on it."""
        self.let_go(place)
        self._metrics.local_state_failures.labels(place.topic, error.reason).inc()
        if error.reason == "overtaken":
            log.warning("local state left alone, the next start reads what it lacks: %s", error)
            return
        try:
            remove(self.path(place))
            done = "deleted"
        except LocalStateUnusable as again:
            done = f"not to be deleted ({again})"
        log.error("local state %s, the changelog is read from its start instead: %s", done, error)

    def _error(self, place: Place, what: str, *, reason: str) -> LocalStateUnusable:
        return LocalStateUnusable(f"{self.path(place)}: {what}", reason=reason)


class Keeping:
    """Hands what was committed to a thread that keeps it; whatever comes of it, all goes on."""

    def __init__(
        self, folder: Path, *, metrics: Metrics, clock: Callable[[], float] = time.time
    ) -> None:
        """
        Open nothing yet.

        Args:
            folder: Of one cluster and tenant; workers of one host may share it.
            metrics: Where failures are counted.
            clock: Seconds since 1970.
        """
        self._files = KeptFiles(folder, metrics=metrics, clock=clock)
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="keeping")
        self._waiting: dict[Place, Stretch | None] = {}
        """What is to be written; None where something is missing in between."""
        self._writing: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        """Set while somebody waits for what was added."""
        self._early: dict[Place, asyncio.Future[Kept | None]] = {}
        """What `load_early` has begun to load, until somebody owns it."""
        self._confirmed = clock()

    def path(self, place: Place) -> Path:
        """Where the copy of a partition is."""
        return self._files.path(place)

    def load_early(self, topics: Collection[str]) -> None:
        """
        Load all that is kept of these changelogs, before anybody knows what will be owned.

        A group takes its time: after a crash it waits until the session of the dead has ended.
        """
        loop = asyncio.get_running_loop()
        for place in chain.from_iterable(map(self._files.places, topics)):
            job = partial(self._files.load, place)
            self._early[place] = loop.run_in_executor(self._thread, job)

    async def leave_early(self) -> None:
        """What was loaded early and is not owned is of no use."""
        early, self._early = self._early, {}
        for place in early:
            await self._in_thread(partial(self._files.let_go, place))

    async def load(self, place: Place) -> Kept | None:
        """What was kept of a partition that is owned now; None where nothing can be used."""
        await self._write_next(place)
        if (early := self._early.pop(place, None)) is not None:
            return await early
        return await self._in_thread(partial(self._files.load, place))

    async def refuse(self, place: Place) -> None:
        """What was loaded has turned out to be of another log."""
        await self._in_thread(partial(self._files.refuse, place))

    async def retain(self, places: Collection[Place]) -> None:
        """These are owned; let go of all others."""
        for place in self._waiting.keys() - places:
            await self._write_next(place)
        await self._in_thread(partial(self._files.retain, frozenset({*places, *self._early})))

    def add(self, stretches: Mapping[Place, Stretch | None]) -> None:
        """
        The broker has acknowledged these; they are written soon, behind what came before.

        Args:
            stretches: None where records of others lie in between.
        """
        for place, stretch in stretches.items():
            self._waiting[place] = _joined(self._waiting.get(place, stretch), stretch)
        if self._writing is not None and self._writing.done():
            done, self._writing = self._writing, None
            done.result()  # a bug in the thread must not go unseen
        if self._writing is None and self._due:
            self._writing = asyncio.create_task(self._write_all())

    async def flush(self) -> None:
        """Return when everything that was added is written or given up."""
        if self._writing is None:
            return
        self._hurry.set()
        try:
            await asyncio.shield(self._writing)
        finally:
            self._hurry.clear()

    async def close(self) -> None:
        """Write what waits, and let go of all files."""
        await self.flush()
        await self.leave_early()
        await self.retain(())
        self._thread.shutdown()

    @property
    def _due(self) -> bool:
        return bool(self._waiting) or self._clock() - self._confirmed > CONFIRM_EVERY

    async def _write_all(self) -> None:
        while self._due:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), SPACING)
            for place in list(self._waiting):
                await self._write_next(place)
            if self._clock() - self._confirmed > CONFIRM_EVERY:
                self._confirmed = self._clock()
                await self._in_thread(self._files.confirm)

    async def _write_next(self, place: Place) -> None:
        if place in self._waiting:
            stretch = self._waiting.pop(place)
            await self._in_thread(partial(self._files.write, place, stretch))

    async def _in_thread(self, job: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, job)


def _joined(before: Stretch | None, after: Stretch | None) -> Stretch | None:
    if before is after:
        return after
    return None if before is None or after is None else before.then(after)
