"""Faust's consumer and ours, without a broker."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP, Message
from yarl import URL

from agents.safety.consumer import SafeConsumer
from agents.safety.lease import Lease
from streams.errors import MembershipLost

EVENTS = TP("events", 0)
ELSEWHERE = TP("events", 1)
CHANGELOG = TP("profiles", 0)
GENERATION = 5
URLS = [URL("kafka://127.0.0.1:1")]


class Offline:
    """In place of the thread that talks to a broker."""

    assigned: set[TP]
    diary: list[str]
    failing = False
    slow: asyncio.Event | None = None

    def assignment(self) -> set[TP]:
        return self.assigned

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        if self.slow is not None:
            await self.slow.wait()
        self.diary += [f"commit {tp.partition}: {offset}" for tp, offset in offsets.items()]
        return not self.failing


class OfflineSafe(Offline, SafeConsumer):
    pass


class OfflineStock(Offline, Consumer):  # type: ignore[misc]
    pass


@dataclass
class Reading:
    """A consumer that owns partition 0 of `events`, and what it has done."""

    consumer: Any
    app: Any
    diary: list[str]
    mended: bool
    lease: Lease = field(default_factory=lambda: Lease(session=10.0, clock=lambda: 0.0))
    settle: Callable[[], Awaitable[None]] | None = None
    revoked: Callable[[set[TP]], Awaitable[None]] | None = None
    assigned: Callable[[], None] | None = None
    kept: list[Message] = field(default_factory=list)
    """Messages that somebody is still at work on."""

    def read(self, *offsets: int, tp: TP = EVENTS, generation: int = GENERATION) -> None:
        """Messages come in and are handed to an agent."""
        for offset in offsets:
            message = Message(
                tp.topic, tp.partition, offset, 0.0, 0, [], b"k", b"v", None,
                tp=tp, generation_id=generation,
            )  # fmt: skip
            self.consumer._unacked_messages.add(message)
            self.kept.append(message)

    def deal_with(self, *offsets: int, tp: TP = EVENTS) -> None:
        """The agent is done with them."""
        for offset in offsets:
            message = next(m for m in self.kept if (m.tp, m.offset) == (tp, offset))
            if self.mended:
                self.consumer.acknowledge(message)
            else:
                self.consumer.ack(message)
            self.kept.remove(message)

    def was_committed(self, offset: int, tp: TP = EVENTS) -> None:
        self.consumer._committed_offset[tp] = offset

    def commits(self) -> list[str]:
        return [line for line in self.diary if line.startswith("commit")]


mended_only = pytest.mark.parametrize("reading", [True], ids=["mended"], indirect=True)


async def lost() -> None:
    raise MembershipLost("no heartbeat was answered")
