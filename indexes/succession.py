"""
Which generation serves, and when the next one takes over.

A generation fills up with tombstones, so the index is a line of them.  The next is built while
the present one serves; when the build fails, the present one goes on and an alarm is raised.
"""

import threading
import time
from collections.abc import Callable, Sequence

from indexes.fairlock import FairLock
from indexes.generations import Generation
from indexes.parameters import HnswParameters
from indexes.rebuilding import Abandoned, Change, Rebuild, apply

BREATH = 0.001
"""Seconds the writer pauses after each chunk while a log is replayed, so that the replay gains."""

PATIENCE = 0.1
"""Share of the catalogue that must change after a failed rebuild before the next is tried."""


class Succession:
    """The serving generation, its lock, and at most one rebuild in a thread of its own."""

    def __init__(
        self,
        first: Generation,
        *,
        number: int,
        parameters: HnswParameters,
        on_alarm: Callable[[str], None],
        new_generation: Callable[[int], Generation],
    ) -> None:
        """
        Begin with a generation.

        Args:
            first: Serves at once.
            number: Its place in the line, from 1.
            parameters: When to rebuild, and what the canary demands.
            on_alarm: Told why a rebuild failed, from the thread that builds.
            new_generation: Makes an empty one, given its capacity.
        """
        self.serving = first
        """Read it once and keep to it: a search in a former generation is only a little old."""
        self.lock = FairLock()
        """Held for every call of the serving graph."""
        self.number = number
        self.rebuild_seconds = 0.0
        self.failures = 0
        self._parameters = parameters
        self._on_alarm = on_alarm
        self._new_generation = new_generation
        self._rebuild: Rebuild | None = None
        self._builder: threading.Thread | None = None
        self._closed = False
        self._patience = 0  # changes to wait for before the next attempt

    def change(self, changes: Sequence[Change]) -> None:
        """Apply a few changes, no more than `adds_per_hold`, for which `make_room` was called."""
        with self.lock:
            rebuild = self._rebuild
            apply(changes, self.serving)
            if rebuild is not None:
                rebuild.log.extend(changes)
            self._patience = max(0, self._patience - len(changes))
        if rebuild is not None and rebuild.replaying:
            time.sleep(BREATH)
        if self._due():
            self._start()

    def make_room(self) -> None:
        """
        Return when `adds_per_hold` labels are left, at once unless a rebuild must be awaited.

        Raises:
            RuntimeError: None are, and none could be made; the reason went to the alarm.
        """
        for _ in range(2):  # the rebuild under way may have begun with room, and kept the old
            if self._has_room():
                return
            self._start()
            self.settle()
        if not self._has_room():
            raise RuntimeError(
                f"no room in {self.serving.capacity} labels, and no rebuild made any"
            )

    def settle(self) -> None:
        """Wait for a rebuild that is under way to take over or fail."""
        if self._builder is not None:
            self._builder.join()

    def close(self) -> None:
        """Abandon and join a rebuild that is under way, and begin no other."""
        with self.lock:
            self._closed = True
            if self._rebuild is not None:
                self._rebuild.abandon()
        self.settle()

    def _has_room(self) -> bool:
        return self.serving.room >= self._parameters.adds_per_hold

    def _due(self) -> bool:
        if self._rebuild is not None or self._patience > 0:
            return False
        serving, limits = self.serving, self._parameters
        used = len(serving.ids)
        return (
            not serving.trusted
            or used >= limits.fill_ratio * serving.capacity
            or serving.tombstones >= max(limits.min_tombstones, limits.tombstone_ratio * used)
        )

    def _start(self) -> None:
        with self.lock:
            if self._closed or self._rebuild is not None:
                return
            live = self.serving.live_labels()
            capacity = max(self._parameters.capacity, int(self._parameters.growth * len(live)))
            self._rebuild = rebuild = Rebuild(
                self.serving,
                labels=live,
                new_target=lambda: self._new_generation(capacity),
                lock=self.lock,
                parameters=self._parameters,
            )
        self._builder = threading.Thread(
            target=self._build, args=(rebuild,), name=f"index-generation-{self.number + 1}"
        )
        self._builder.start()

    def _build(self, rebuild: Rebuild) -> None:
        started = time.monotonic()
        fault: str | None = "a bug, see the traceback"
        try:
            fault = rebuild.run(self._adopt, seed=self.number)
        except Abandoned:
            fault = None
        except (RuntimeError, MemoryError) as exc:
            fault = f"{type(exc).__name__}: {exc}"
        finally:
            self._end(fault, seconds=time.monotonic() - started)
        if fault is not None:
            self._on_alarm(f"rebuild after index generation {self.number} failed: {fault}")

    def _adopt(self, generation: Generation) -> None:
        self.serving = generation
        self.number += 1

    def _end(self, fault: str | None, *, seconds: float) -> None:
        with self.lock:
            self._rebuild = None
            self.rebuild_seconds = seconds
            if fault is not None:
                self.failures += 1
                self._patience = max(
                    self._parameters.min_tombstones, int(PATIENCE * self.serving.live)
                )
