"""The wish goes where something of the user is and is waited for; who waits in vain is told why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest

from agents.forgetting import POLL, Found, NotFolded, Search, Waiting, send
from agents.testing import SmallOutbox, run_at_once
from agents.traces import Trace
from streams.errors import MalformedEvent
from streams.events import Forget, encode_event
from streams.kafka import Position, Record, partition_of
from streams.origins import Origin
from streams.profiles import Profile, encode_profile
from streams.topics import Topics

NAMES = Topics(prefix="shop.", partitions=4)
HOME = partition_of(b"ann", 4)
SENT = [Origin("shop.events", HOME, 10)]


class SmallGroup:
    """A consumer group that goes on a little whenever it is asked how far it is."""

    def __init__(self, *, at: int | None, speed: int, end: int = 12) -> None:
        self.at, self.speed, self.end = at, speed, end
        self.asked: list[str] = []

    async def __call__(self, topics: Sequence[str]) -> Mapping[str, Mapping[int, Position]]:
        self.asked += topics
        places = {p: Position(0, self.end, self.at) for p in range(4)}
        if self.speed:
            self.at = min((self.at or 0) + self.speed, self.end)
        return dict.fromkeys(topics, places)


def patient(group: SmallGroup, patience: float) -> Waiting:
    """By the clock of `run_at_once`."""
    clock = asyncio.get_running_loop().time
    return Waiting(NAMES, ask=group, patience=patience, clock=clock)


def wait(group: SmallGroup, *, patience: float = 60.0) -> None:
    async def main() -> None:
        await patient(group, patience).folded(SENT)

    run_at_once(main())


def test_it_waits_until_the_event_and_then_the_removal_of_slates_are_behind() -> None:
    group = SmallGroup(at=0, speed=1)
    wait(group)
    assert group.asked[:11] == ["shop.events"] * 11
    assert set(group.asked[12:]) == {"shop.slate-requests"}
    assert group.at == 12


def test_no_worker_is_told_from_a_slow_one_and_both_are_told_what_to_do() -> None:
    with pytest.raises(NotFolded, match=r"shop\.events-\d-10: committed is 3.*`headwater worker`"):
        wait(SmallGroup(at=3, speed=0))
    with pytest.raises(NotFolded, match="committed is None"):
        wait(SmallGroup(at=None, speed=0))
    with pytest.raises(NotFolded, match=r"went on from 0 to \d+, so they are behind"):
        wait(SmallGroup(at=0, speed=1, end=1_000), patience=3 * POLL)


def test_slates_nobody_removes_are_said_too() -> None:
    class Halting(SmallGroup):
        async def __call__(self, topics: Sequence[str]) -> Mapping[str, Mapping[int, Position]]:
            self.end = 12 if topics == ["shop.events"] else 30
            self.at = 11
            return await super().__call__(topics)

    with pytest.raises(NotFolded, match=r"shop\.slate-requests-\d-29"):
        wait(Halting(at=11, speed=0))


def test_without_patience_it_looks_once() -> None:
    group = SmallGroup(at=0, speed=0)
    with pytest.raises(NotFolded):
        wait(group, patience=0.0)
    assert len(group.asked) == 1


def test_files_are_waited_for_as_long_as_there_is_patience() -> None:
    looks = iter([False, False, True])

    async def main(patience: float) -> None:
        group = SmallGroup(at=12, speed=0)
        await patient(group, patience).settled(lambda: next(looks, False))

    run_at_once(main(60.0))
    assert next(looks, None) is None
    run_at_once(main(5.0))


# -- sending ---------------------------------------------------------------------------


async def test_the_wish_goes_to_the_partition_of_the_user() -> None:
    outbox = SmallOutbox()
    (place,) = await send(outbox, NAMES, "ann", elsewhere=())
    (posted,) = outbox.on("shop.events")
    assert (posted.key, posted.value) == (b"ann", encode_event(Forget("ann")))
    assert posted.partition == place.partition == HOME


async def test_it_also_goes_where_another_partitioner_has_put_the_profile() -> None:
    outbox = SmallOutbox()
    other = (HOME + 1) % 4
    places = await send(outbox, NAMES, "ann", elsewhere={other, HOME})
    assert {place.partition for place in places} == {HOME, other}
    assert len(outbox.posted) == 2


@pytest.mark.parametrize("user_id", ["", "a\n", "x" * 300])
async def test_what_is_no_user_id_is_not_sent(user_id: str) -> None:
    outbox = SmallOutbox()
    with pytest.raises(MalformedEvent):
        await send(outbox, NAMES, user_id, elsewhere=())
    assert not outbox.posted


# -- looking ---------------------------------------------------------------------------


class SmallLogs:
    """Topics in memory; what is read from where is remembered."""

    def __init__(self, **records: Sequence[tuple[int, bytes, bytes | None]]) -> None:
        self.read_from: dict[str, Mapping[int, int] | None] = {}
        self._topics = {f"shop.{name.replace('_', '-')}": rows for name, rows in records.items()}

    async def read(
        self, topic: str, offsets: Mapping[int, int] | None
    ) -> AsyncIterator[list[Record]]:
        self.read_from[topic] = offsets
        rows = self._topics.get(topic, ())
        yield [
            Record(topic, p, n, key, value, 0.0)
            for n, (p, key, value) in enumerate(rows)
            if n >= (offsets or {}).get(p, 0)
        ]


def look(logs: SmallLogs, *, whole: bool = True, at: int | None = 0) -> Found:
    group = SmallGroup(at=at, speed=0)
    search = Search(NAMES, read=logs.read, ask=group, on_read=lambda topic, count: None)

    async def main() -> Found:
        return await (search.everything("ann") if whole else search.state("ann"))

    return run_at_once(main())


EVENT = (HOME, b"ann", b'{"user_id":"ann"}')
PROFILE = (HOME, b"ann", encode_profile(Profile()))


def test_of_nobody_nothing_is_found_in_nine_places() -> None:
    found = look(SmallLogs())
    assert found.held == 0
    assert [trace.place for trace in found.traces] == [name for name, _ in NAMES]


def test_current_state_is_added_up_over_all_places() -> None:
    logs = SmallLogs(
        events=[EVENT], profiles=[PROFILE], slate_requests=[EVENT], dead_letters=[EVENT]
    )
    assert look(logs).held == 3
    assert look(logs, at=1).held == 1


def test_for_current_state_alone_no_history_of_events_is_read() -> None:
    logs = SmallLogs(events=[EVENT, EVENT], profiles=[PROFILE])
    found = look(logs, whole=False, at=1)
    assert logs.read_from["shop.events"] == dict.fromkeys(range(4), 1)
    assert logs.read_from["shop.profiles"] is None
    assert "shop.items" not in logs.read_from
    assert found.held == 2


def test_for_everything_all_topics_are_read_from_their_beginnings() -> None:
    logs = SmallLogs(events=[EVENT])
    look(logs, at=1)
    assert set(logs.read_from.values()) == {None}


def test_keys_of_others_that_end_with_the_id_are_collected() -> None:
    logs = SmallLogs(profiles=[(0, b"joann", b"{}")], events=[(0, b"mary-ann", b"{}")])
    assert look(logs).longer == {b"joann", b"mary-ann"}


def test_it_is_an_error_to_look_for_what_is_no_user_id() -> None:
    group = SmallGroup(at=0, speed=0)
    search = Search(NAMES, read=SmallLogs().read, ask=group, on_read=lambda topic, count: None)
    with pytest.raises(MalformedEvent):
        run_at_once(search.everything(""))


def test_traces_add_up() -> None:
    assert Found([Trace("a", held=1), Trace("b", left=5), Trace("c", held=2)], ()).held == 3
