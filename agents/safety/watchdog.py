"""
Turn a worker that is silently dead into one that has exited, so that a supervisor restarts it.

aiokafka parks an error of the group coordinator until somebody polls; Faust does not poll while it
has no partitions, and would hang for ever.  A fetcher that has died, or a stream that is stuck,
says nothing either: only the broker knows that records wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from time import monotonic
from typing import Any, NamedTuple, Protocol

from faust.types import TP
from mode import Service

from streams.errors import SetupError

INTERVAL = 2.0
"""Seconds between looks."""
PATIENCE = 5.0
"""Seconds for the broker to answer; one that is away is not this worker's fault."""
LONGEST_TURN = 60
"""
How many times as long a partition may wait while others of its topic are dealt with.

Two hours by default: 100,000 items at 25 a second are 66 minutes.  After that it is lost, not in
line.
"""


class Backlog(NamedTuple):
    """What is left of a partition, and since when nothing was done about it."""

    last: int
    """The last offset dealt with, -1 before the first."""
    since: float


class Progress:
    """
    Remembers of each partition when something was last done about it.

    >>> progress, tp = Progress(patience=60), TP("events", 0)
    >>> progress.look({tp: 10}, {tp: 4}, now=0), progress.look({tp: 10}, {tp: 4}, now=59)
    (None, None)
    >>> progress.look({tp: 12}, {tp: 4}, now=60)
    'events-0: 7 records wait, and none was dealt with for 60 s'
    """

    def __init__(self, *, patience: float) -> None:
        """Begin without a past."""
        self._patience = patience
        self._backlogs: dict[TP, Backlog] = {}
        self._moved: dict[str, float] = {}
        """Topic to when something was last done about any of its partitions."""

    def forget(self) -> None:
        """What was seen does not count: partitions move, or the broker is away."""
        self._backlogs.clear()
        self._moved.clear()

    def look(
        self,
        ends: Mapping[TP, int],
        done: Mapping[TP, int],
        *,
        now: float,
        in_turn: Collection[TP] = (),
    ) -> str | None:
        """
        Compare with the last look.

        Args:
            ends: Next offset that the broker will give, by partition.
            done: Last offset dealt with, by partition.
            now: Monotonic seconds.
            in_turn: Partitions that have their place in a queue; while anything is done about
                their topic, others are before them.

        Returns:
            What is stuck; None while all is well.
        """
        before = self._backlogs
        self._moved |= {tp.topic: now for tp, b in before.items() if done.get(tp, -1) != b.last}
        self._backlogs = {
            tp: Backlog(
                last, known.since if (known := before.get(tp)) and known.last == last else now
            )
            for tp, end in ends.items()
            if end - 1 > (last := done.get(tp, -1))
        }
        for tp, (last, since) in self._backlogs.items():
            idle = now - since
            if tp in in_turn and idle < LONGEST_TURN * self._patience:
                idle = now - max(since, self._moved.get(tp.topic, since))
            if idle >= self._patience:
                return (
                    f"{tp.topic}-{tp.partition}: {ends[tp] - 1 - last} records wait, "
                    f"and none was dealt with for {idle:.0f} s"
                )
        return None


class Around(Protocol):
    """What `agents.lookout` sees of a worker's surroundings."""

    async def check_topics(self) -> None:
        """
        Look at the topics.

        Raises:
            SetupError: They are not what they were.
        """

    async def explain(self, error: BaseException) -> BaseException:
        """What stands behind an error of the group's coordinator."""


class Watchdog(Service):  # type: ignore[misc]
    """Looks at coordinator and streams, and calls for the end when one has failed."""

    def __init__(
        self,
        app: Any,
        *,
        fatal: Any,
        lookout: Around,
        is_ready: Callable[[], bool],
        patience: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.app = app
        self.fatal = fatal
        self._lookout = lookout
        self._shortened: Mapping[TP, int] = {}
        """Partitions that ended before what was dealt with, at the last look, and where."""
        self._is_ready = is_ready
        self._progress = Progress(patience=patience)

    @Service.task  # type: ignore[untyped-decorator]
    async def _look(self) -> None:
        while not self.should_stop:
            await asyncio.sleep(INTERVAL)
            await self.look()

    async def look(self) -> None:
        """End the worker where it is dead, or its surroundings have changed."""
        if (error := coordinator_error(self.app.consumer)) is not None:
            await self._end_without_group(error)
        await self._look_around()
        if (stuck := await self._stuck()) is not None:
            self.fatal(f"a stream has stalled: {stuck}", TimeoutError(stuck))

    async def _end_without_group(self, error: BaseException) -> None:
        why = await self._lookout.explain(error)
        text = str(why) if isinstance(why, SetupError) else repr(why)
        self.fatal(f"the group coordinator failed: {text}", why)

    async def _look_around(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._lookout.check_topics()
        except SetupError as error:
            self.fatal(str(error), error)
        except Exception:  # noqa: BLE001 - however it fails, the broker has not answered
            return

    async def _stuck(self) -> str | None:
        consumer = self.app.consumer
        if self.app.rebalancing or not self._is_ready():
            self._progress.forget()
            return None
        mine = consumer.assignment()
        try:
            async with asyncio.timeout(PATIENCE):
                ends = await consumer.highwaters(*mine)
        except Exception:  # noqa: BLE001 - however it fails, the broker has not answered
            self._progress.forget()
            return None
        self._refuse_shortened(ends)
        read = await self._positions(mine)
        # Compaction may have left no record at the end of a log: reading it all is dealing with it.
        idle = self._idle([tp for tp, end in ends.items() if read.get(tp, 0) >= end])
        empty = {tp: ends[tp] - 1 for tp in idle}
        return self._progress.look(
            ends, {**consumer.done, **empty}, now=monotonic(), in_turn=self._in_turn()
        )

    async def _positions(self, tps: Iterable[TP]) -> Mapping[TP, int]:
        """
        Up to where partitions were fetched; of none where one cannot be told.

        aiokafka waits for ever for the position of a topic that was deleted and made anew.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                return {tp: await self.app.consumer.position(tp) or 0 for tp in tps}
        except Exception:  # noqa: BLE001 - then what waits is judged by what was dealt with
            return {}

    def _refuse_shortened(self, ends: Mapping[TP, int]) -> None:
        """
        End where a log ends before what was dealt with, and did so at the last look, too.

        A broker that has just become a partition's leader may know its end a moment late.
        """
        done = self.app.consumer.done
        shortened = {tp: end for tp, end in ends.items() if end <= done.get(tp, -1)}
        before, self._shortened = self._shortened, shortened
        if still := {tp: end for tp, end in shortened.items() if tp in before}:
            self.app.consumer.refuse_shortened(still)

    def _in_turn(self) -> set[TP]:
        """
        Partitions with records in a queue or under way, or not fetched because a queue is full.

        A slow encoder takes minutes for one partition's items before it comes to the next.
        """
        consumer = self.app.consumer
        taken = {message.tp for message in list(consumer._unacked_messages) if not message.acked}
        return taken | set(consumer._buffered_partitions)

    def _idle(self, tps: Sequence[TP]) -> list[TP]:
        """Those of which nothing is in a queue or under way; what is under way is many records."""
        messages = list(self.app.consumer._unacked_messages)
        busy = {message.tp for message in messages if not message.acked}
        return [
            tp
            for tp in tps
            if tp not in busy
            and not any(channel.queue.qsize() for channel in self.app.topics._tp_index[tp])
        ]


def coordinator_error(consumer: Any) -> BaseException | None:
    """The error that aiokafka has parked; None when all is well or nothing has started."""
    fetching = getattr(getattr(consumer, "_thread", None), "_consumer", None)
    coordinator = getattr(fetching, "_coordinator", None)
    error: BaseException | None = getattr(coordinator, "_pending_exception", None)
    routine = getattr(coordinator, "_coordination_task", None)
    if error is None and routine is not None and routine.done() and not routine.cancelled():
        error = routine.exception()  # it has died, and aiokafka tells nobody but who polls
    return error
