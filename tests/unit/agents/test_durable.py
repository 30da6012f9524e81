"""How far the workers are is asked first; what they have written is read after that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from agents.durable import Live, Positions, Reading
from agents.testing import run_at_once
from streams.errors import ChangelogUnreadable
from streams.kafka import Position, Record
from streams.profiles import Profile, encode_profile
from streams.topics import Topics
from streams.trends import Trend, encode_trend

NAMES = Topics(prefix="shop.", partitions=2)
GROUPS = ["headwater", "headwater-trending"]
ANN, NEWER = Profile(offset=3), Profile(offset=7)
DUNE = Trend(interactions=2)


class SmallWorkers:
    """Two partitions, trends that take a number of looks, and a diary of what was asked."""

    def __init__(self, *, looks: int = 0, group: str = "headwater") -> None:
        self.looks, self.group = looks, group
        self.end = 10
        self.diary: list[str] = []
        self.logs: dict[str, list[Record]] = {"shop.profiles": [], "shop.item-trends": []}

    def write(self, topic: str, key: bytes, value: bytes | None, *, partition: int = 0) -> None:
        log = self.logs[topic]
        log.append(Record(topic, partition, len(log), key, value, 0.0))

    async def ask(self, group: str, topic: str) -> Positions:
        self.diary.append(f"{group} {topic}")
        if topic == "shop.events":
            return {0: Position(0, 9, 5), 1: Position(0, 4, None)}
        if group != self.group:
            return {0: Position(0, 10, None), 1: Position(0, 6, None)}
        self.end += 1  # what comes meanwhile is not waited for
        self.looks -= 1
        return {0: Position(0, self.end - 1, 9 if self.looks >= 0 else 10), 1: Position(0, 6, 6)}

    async def read(self, topic: str) -> AsyncIterator[list[Record]]:
        self.diary.append(f"read {topic}")
        for record in self.logs[topic]:
            yield [record]

    def live(self, *, patience: float = 30.0) -> Live:
        async def main() -> Live:
            clock = asyncio.get_running_loop().time
            reading = Reading(NAMES, ask=self.ask, read=self.read, clock=clock)
            return await reading.live("headwater", trend_groups=GROUPS, patience=patience)

        return run_at_once(main())


def test_positions_are_asked_before_any_state_is_read() -> None:
    workers = SmallWorkers()
    live = workers.live()
    assert workers.diary == [
        "headwater shop.events",
        *(f"{group} shop.co-visits" for group in GROUPS),
        "read shop.profiles",
        "read shop.item-trends",
    ]
    assert live.committed == {0: 5, 1: 0}


def test_the_newest_value_of_a_key_counts_and_a_removal_is_no_value() -> None:
    workers = SmallWorkers()
    for value in (encode_profile(ANN), encode_profile(NEWER)):
        workers.write("shop.profiles", b"ann", value)
    workers.write("shop.profiles", b"ann", encode_profile(ANN), partition=1)
    workers.write("shop.profiles", b"eve", encode_profile(ANN))
    workers.write("shop.profiles", b"eve", None)
    workers.write("shop.item-trends", b"dune", encode_trend(DUNE), partition=1)
    live = workers.live()
    assert live.profiles == {(0, "ann"): NEWER, (1, "ann"): ANN}
    assert live.trends == {"dune": DUNE}


@pytest.mark.parametrize("group", GROUPS)
def test_trends_are_waited_for_in_whichever_group_folds_them(group: str) -> None:
    workers = SmallWorkers(looks=3, group=group)
    assert workers.live().trends_settled
    assert workers.diary.count(f"{group} shop.co-visits") == 4


def test_trends_that_do_not_come_in_time_are_said_not_to_have() -> None:
    assert not SmallWorkers(looks=1_000).live().trends_settled
    assert not SmallWorkers(looks=1).live(patience=0.0).trends_settled


def test_a_value_that_cannot_be_read_is_named() -> None:
    workers = SmallWorkers()
    workers.write("shop.profiles", b"ann", b'{"version": 99}')
    with pytest.raises(ChangelogUnreadable, match=r"shop\.profiles-0-0, key b'ann'"):
        workers.live()
