"""
A Faust consumer that never commits past what was not dealt with.

Five defects of faust-streaming 0.15.3 (docs/decisions/faust-made-safe.md) would each lose or repeat
events: messages skipped during a rebalance are acknowledged; a commit passes messages in flight;
acknowledged offsets are forgotten before the commit of a rebalance; the last commit is skipped when
another is under way; bookkeeping moves on although a commit failed.
"""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Any

from faust.transport.drivers.aiokafka import (
    Consumer,
    Transport,
    ensure_aiokafka_TP,
)
from faust.types import TP, Message

from agents.safety.draining import FastDrain
from agents.safety.lease import Lease
from agents.safety.plain import IdleProducer
from agents.safety.positions import Contained, beyond, forgotten
from agents.safety.reading import LoopReader
from streams.errors import LogReplaced, MembershipLost, SetupError

log = logging.getLogger("headwater")

Settle = Callable[[], Awaitable[None]]
"""Makes state and outputs of everything acknowledged so far durable; raises if it cannot."""
Contain = Callable[[Iterable[TP]], Mapping[TP, Contained]]
"""Up to where partitions were folded; without those of which no state is kept."""
Refuse = Callable[[SetupError], None]
"""Ends the worker because of its surroundings."""


class SafeConsumer(FastDrain, Consumer):  # type: ignore[misc]
    """Acknowledges only what `acknowledge` is called for, and commits only what is settled."""

    _between = False
    """Between two generations: what is finished now is read again in the next one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lowest: dict[TP, int] = {}
        """Of each partition, when a commit began to look for offsets: what is in flight."""
        self.done: dict[TP, int] = {}
        """The last offset dealt with in this generation, or committed before it."""

    def _new_consumer_thread(self) -> LoopReader:
        return LoopReader(self, loop=self.loop, thread_loop=self.loop, beacon=self.beacon)

    def acknowledge(self, message: Message) -> bool:
        """
        Count a message as dealt with.

        One of an earlier generation is not: its partition was given back and is read again.
        """
        if self._between or message.generation_id != self.app.consumer_generation_id:
            return False
        acked: bool = super().ack(message)
        self.done[message.tp] = max(message.offset, self.done.get(message.tp, -1))
        return acked

    def ack(self, message: Message) -> bool:  # noqa: ARG002
        """
        Do nothing: Faust calls this for messages it skips while partitions move.

        Our agents read without automatic acknowledgement and call `acknowledge`.
        """
        return False

    async def perform_seek(self) -> None:
        """
        Go back to what was committed, and to the beginning where nothing was.

        aiokafka leaves partitions without a commit where they are: what had been fetched before a
        rebalance, and thrown away, would never be read again.
        """
        await super().perform_seek()
        self.done = {tp: offset - 1 for tp, offset in self._read_offset.items() if offset}
        fresh = [
            tp
            for tp in self.assignment()
            if not self._read_offset.get(tp) and not self._is_changelog_tp(tp)
        ]
        if fresh:
            await self._thread.seek_to_beginning(*map(ensure_aiokafka_TP, fresh))
        await self._compare_with_logs()

    async def _compare_with_logs(self) -> None:
        """aiokafka would go on at the beginning of a log without a word, whatever was read."""
        mine = self.assignment()
        committed = {tp: offset for tp in mine if (offset := self._read_offset.get(tp))}
        begins = await self.earliest_offsets(*committed) if committed else {}
        for text in forgotten(committed, begins):
            log.error("%s", text)
        ends = await self.highwaters(*mine) if mine else {}
        self._refuse_beyond(committed, self.transport.contained(ends), ends)

    def refuse_shortened(self, ends: Mapping[TP, int]) -> None:
        """End the worker because logs end here, before what was dealt with."""
        done = {tp: self.done.get(tp, -1) for tp in ends}
        contained = self.transport.contained(ends)
        folded = {tp: state._replace(offset=done[tp]) for tp, state in contained.items()}
        self._refuse_beyond({tp: offset + 1 for tp, offset in done.items()}, folded, ends)

    def _refuse_beyond(
        self, read: Mapping[TP, int], contained: Mapping[TP, Contained], ends: Mapping[TP, int]
    ) -> None:
        if (text := beyond(read, contained, ends, group=self.app.conf.id)) is not None:
            self.transport.refuse(LogReplaced(text))

    async def partition_counts(self, topics: Collection[str]) -> Mapping[str, int]:
        """How many partitions topics have now; without those the broker does not know."""
        counts: Mapping[str, int] = await self._thread.partition_counts(topics)
        return counts

    def on_buffer_full(self, tp: TP) -> None:
        """Of a topic whose queue is filling up no partition is fetched: they share the queue."""
        for each in self._of_topic(tp):
            super().on_buffer_full(each)

    def on_buffer_drop(self, tp: TP) -> None:
        """All are fetched again."""
        for each in self._of_topic(tp):
            super().on_buffer_drop(each)

    def _of_topic(self, tp: TP) -> set[TP]:
        return {tp, *(each for each in self.assignment() if each.topic == tp.topic)}

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commit first, forget after: the other way round repeats seconds of work."""
        if self._active_partitions is not None:
            self._active_partitions.difference_update(revoked)
        self._paused_partitions.difference_update(revoked)
        await self._on_partitions_revoked(revoked)
        if self.assignment():  # Faust commits here only if it waits for its streams to be empty
            await self.commit_and_end_transactions()
        for offsets in (
            self._gap,
            self._acked,
            self._acked_index,
            self._read_offset,
            self._committed_offset,
        ):
            for tp in revoked:
                offsets.pop(tp, None)
        self._between = True

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """To be given partitions is to be a member."""
        self.transport.lease.regain()
        self._between = False
        await super().on_partitions_assigned(assigned, generation_id)

    async def commit_and_end_transactions(self) -> None:
        """Commit once more when the first call found another commit under way."""
        if not await self.commit(start_new_transaction=False):
            await self.commit(start_new_transaction=False)

    def _filter_committable_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        """The offsets to commit; looks once at what is in flight, which may be very much."""
        self._lowest = self._lowest_in_flight()
        offsets: dict[TP, int] = super()._filter_committable_offsets(tps)
        return offsets

    def _lowest_in_flight(self) -> dict[TP, int]:
        """The lowest offset of each partition that was delivered and not dealt with yet."""
        generation = self.app.consumer_generation_id
        lowest: dict[TP, int] = {}
        for message in list(self._unacked_messages):
            if not message.acked and message.generation_id == generation:
                tp = message.tp
                lowest[tp] = min(message.offset, lowest.get(tp, message.offset))
        return lowest

    def _new_offset(self, tp: TP) -> int | None:
        """The offset to commit, held below the lowest message still in flight."""
        acked = self._acked[tp]
        acked.sort()  # it nearly is; behind one that waits for its slate there may be 100,000
        lowest = self._lowest.get(tp)
        held = [] if lowest is None else acked[bisect_right(acked, lowest) :]
        del acked[len(acked) - len(held) :]
        try:
            offset: int | None = super()._new_offset(tp) if acked else None
        finally:
            acked.extend(held)
        return offset

    async def _handle_attached(self, commit_offsets: Mapping[TP, int]) -> None:
        """Make everything durable that the offsets stand for, before they are committed."""
        await super()._handle_attached(commit_offsets)
        await self.transport.settle()

    async def _commit_tps(self, tps: Iterable[TP], start_new_transaction: bool) -> bool:
        """Commit nothing while partitions may belong to others."""
        wanted = tuple(tps)
        acknowledged = {tp: tuple(self._acked[tp]) for tp in wanted}
        gaps = {tp: self._gap[tp].copy() for tp in wanted}
        try:
            return bool(await super()._commit_tps(wanted, start_new_transaction))
        except MembershipLost as error:
            log.warning("nothing written or committed: %s", error)
            for tp, offsets in acknowledged.items():
                self._acked[tp] += set(offsets) - self._acked_index[tp]
                self._acked_index[tp].update(offsets)
                self._gap[tp] |= gaps[tp]
            return False

    async def _commit_offsets(
        self, offsets: Mapping[TP, int], start_new_transaction: bool = True
    ) -> bool:
        before = {tp: self._committed_offset.get(tp) for tp in offsets}
        done: bool = await super()._commit_offsets(offsets, start_new_transaction)
        if not done:
            self._committed_offset.update(before)
        return done


class SafeTransport(Transport):  # type: ignore[misc]
    """Makes safe consumers, and producers that are never waited for."""

    Consumer = SafeConsumer
    Producer = IdleProducer

    def __init__(
        self,
        *args: Any,
        settle: Settle,
        contained: Contain,
        refuse: Refuse,
        lease: Lease,
        fetch_wait: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.settle = settle
        self.contained = contained
        self.refuse = refuse
        self.lease = lease
        self.fetch_wait = fetch_wait
