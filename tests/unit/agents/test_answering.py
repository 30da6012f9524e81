"""Whoever waits longest is next, and one slate answers all that a user asked for meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.answering import Answering, Line, Waiting
from agents.catalogue import Catalogue
from agents.consuming import Consuming
from agents.metrics import Metrics
from agents.recommending import Recommending
from agents.safety.lease import Lease
from agents.testing import (
    DictState,
    SmallEnd,
    SmallOutbox,
    WorkerEnded,
    event_of,
    run_at_once,
)
from indexes.embedding import DIM
from indexes.exact import ExactIndex
from slates.config import SlateConfig
from slates.slate import Slate, decode_slate
from streams.errors import DeliveryFailed
from streams.kafka import Record
from streams.profiles import Profile
from streams.requests import SlateRequest, Trigger, encode_request

NOW = 1_700_000_000.0
CURRENT = 7
PATIENCE = 5.0
LAW = settings(max_examples=50, deadline=None, derandomize=True, database=None)


def click(offset: int) -> Trigger:
    """What profiling asks for after an interaction."""
    return Trigger(id=f"events-0-{offset}", kind="click", at=NOW - 3, received_at=NOW - 2)


def explicit(offset: int) -> Trigger:
    """What somebody asks for and waits for."""
    return Trigger(id=f"slate-requests-0-{offset}", kind="request", at=NOW - 1, received_at=NOW - 1)


def asks(
    user: str, offset: int, *, partition: int = 0, trigger: Trigger | None = None, **fields: Any
) -> tuple[Record, SlateRequest]:
    """A request for a slate, the click at the same offset its trigger unless another is given."""
    request = SlateRequest(user_id=user, trigger=trigger or click(offset), **fields)
    key, value = user.encode(), encode_request(request)
    return Record("slate-requests", partition, offset, key, value, NOW - 1), request


# -- the line


class Waiters:
    """A `Line`, and who is served by it."""

    def __init__(self) -> None:
        self.line = Line()

    def add(self, user: str, offset: int, **fields: Any) -> None:
        generation = fields.pop("generation", CURRENT)
        record, request = asks(user, offset, **fields)
        place = self.line.add(record._replace(generation=generation), request)
        place.events.append(event_of(record))

    def served(self) -> list[Waiting]:
        """All that wait, in their order; nobody waits any more."""
        return [self.line.take() for _ in range(len(self.line))]


def offsets(place: Waiting) -> list[int]:
    """Of all requests that one slate will answer, oldest first."""
    return [event.message.offset for event in place.events]


def triggers(place: Waiting) -> list[str]:
    """All triggers that one slate will answer, oldest first."""
    assert place.request.trigger is not None
    return [*place.superseded, place.request.trigger.id]


def test_first_come_is_first_served() -> None:
    waiters = Waiters()
    for offset, user in enumerate(("ann", "eve", "bob")):
        waiters.add(user, offset)
    assert [place.request.user_id for place in waiters.served()] == ["ann", "eve", "bob"]


def test_who_asks_again_keeps_the_place() -> None:
    waiters = Waiters()
    for offset, user in enumerate(("ann", "eve", "ann")):
        waiters.add(user, offset)
    assert [place.request.user_id for place in waiters.served()] == ["ann", "eve"]


def test_who_asks_again_after_being_served_goes_to_the_end() -> None:
    waiters = Waiters()
    waiters.add("ann", 0)
    waiters.add("eve", 1)
    waiters.line.take()
    waiters.add("ann", 2)
    assert [place.request.user_id for place in waiters.served()] == ["eve", "ann"]


def test_the_newest_request_takes_the_place_of_the_older_ones() -> None:
    waiters = Waiters()
    for offset in range(3):
        waiters.add("ann", offset, n=offset + 1)
    (place,) = waiters.served()
    assert (place.record.offset, place.request.n, place.request.trigger) == (2, 3, click(2))


def test_superseded_triggers_are_named_oldest_first_and_all_events_are_kept() -> None:
    waiters = Waiters()
    for offset in range(3):
        waiters.add("ann", offset)
    (place,) = waiters.served()
    assert place.superseded == ["events-0-0", "events-0-1"]
    assert offsets(place) == [0, 1, 2]


def test_who_asks_once_supersedes_nothing() -> None:
    waiters = Waiters()
    waiters.add("ann", 0)
    (place,) = waiters.served()
    assert (place.superseded, offsets(place)) == ([], [0])


def test_an_explicit_request_is_neither_superseded_nor_supersedes() -> None:
    waiters = Waiters()
    waiters.add("ann", 0)
    waiters.add("ann", 1, trigger=explicit(1))
    waiters.add("ann", 2)
    waiters.add("ann", 3, trigger=explicit(3))
    assert [offsets(place) for place in waiters.served()] == [[0, 2], [1], [3]]


def test_users_of_the_same_name_in_other_partitions_do_not_mix() -> None:
    waiters = Waiters()
    waiters.add("ann", 0, partition=0)
    waiters.add("ann", 1, partition=1)
    places = waiters.served()
    assert [(place.record.partition, place.superseded) for place in places] == [(0, []), (1, [])]


def test_requests_read_again_after_a_rebalance_take_nothing_from_before_it() -> None:
    waiters = Waiters()
    for generation in (CURRENT, CURRENT + 1):
        for offset in (0, 1):
            waiters.add("ann", offset, generation=generation)
    (place,) = waiters.served()
    assert (triggers(place), offsets(place)) == (["events-0-0", "events-0-1"], [0, 1])


def test_a_trigger_that_comes_twice_is_named_once() -> None:
    waiters = Waiters()
    for offset, trigger in enumerate((0, 1, 0, 1)):
        waiters.add("ann", offset, trigger=click(trigger))
    (place,) = waiters.served()
    assert (triggers(place), offsets(place)) == (["events-0-0", "events-0-1"], [0, 1, 2, 3])


def test_a_request_without_a_name_of_its_own_is_not_superseded() -> None:
    waiters = Waiters()
    waiters.add("ann", 0, trigger=Trigger("", "request", NOW, NOW))
    waiters.add("ann", 1)
    assert len(waiters.line) == 2


def test_a_request_that_was_long_on_its_way_is_not_the_newest() -> None:
    waiters = Waiters()
    waiters.add("ann", 1, trigger=Trigger("newer", "click", NOW, NOW))
    waiters.add("ann", 2, trigger=Trigger("older", "click", NOW, NOW - 1))
    (place,) = waiters.served()
    assert (place.request.trigger, place.superseded) == (
        Trigger("newer", "click", NOW, NOW),
        ["older"],
    )


def test_who_wants_to_be_forgotten_takes_back_what_was_asked_for_and_goes_to_the_end() -> None:
    waiters = Waiters()
    waiters.add("ann", 0)
    waiters.add("eve", 1)
    waiters.add("ann", 2, forget=True)
    waiters.add("ann", 3)
    places = waiters.served()
    assert [offsets(place) for place in places] == [[1], [0, 2], [3]]
    assert [place.request.forget for place in places] == [False, True, False]


def test_who_is_to_be_forgotten_cannot_be_superseded() -> None:
    waiters = Waiters()
    waiters.add("ann", 0, trigger=Trigger("newer", "click", NOW, NOW))
    waiters.add("ann", 1, forget=True, trigger=Trigger("older", "forget", NOW, NOW - 1))
    (place,) = waiters.served()
    assert place.request.forget


def test_users_are_counted_and_not_their_requests() -> None:
    waiters = Waiters()
    for offset, user in enumerate(("ann", "eve", "ann")):
        waiters.add(user, offset)
    assert len(waiters.line) == 2


def test_nobody_can_be_taken_from_an_empty_line() -> None:
    with pytest.raises(KeyError, match="nobody waits"):
        Line().take()


ASKING = st.tuples(st.sampled_from(["ann", "eve", "bob"]), st.integers(0, 1), st.booleans())
"""User, partition, and whether the request is explicit."""
HISTORIES = st.lists(ASKING | st.none(), max_size=30)
"""None is for taking whoever is next, or for letting the worker have its turn."""


@LAW
@given(history=HISTORIES)
def test_every_request_is_answered_once_and_the_oldest_first_whatever_the_order(
    history: list[tuple[str, int, bool] | None],
) -> None:
    waiters = Waiters()
    waiting: dict[int, tuple[str, int, bool]] = {}

    def take() -> None:
        place = waiters.line.take()
        oldest = min(waiting)
        theirs = [o for o, who in waiting.items() if who == waiting[oldest]]
        assert offsets(place) == (theirs[:1] if waiting[oldest][2] else theirs)
        names = [asked(offset, waiting[offset]).id for offset in offsets(place)]
        assert triggers(place) == names
        assert place.record.offset == offsets(place)[-1]
        for offset in offsets(place):
            del waiting[offset]

    def asked(offset: int, who: tuple[str, int, bool]) -> Trigger:
        return explicit(offset) if who[2] else click(offset)

    for offset, who in enumerate(history):
        if who is not None:
            waiting[offset] = who
            waiters.add(who[0], offset, partition=who[1], trigger=asked(offset, who))
        elif waiting:
            take()
    while waiting:
        take()
    assert not waiters.line


# -- the worker


class Desk:
    """An `Answering` with what it was handed; its catalogue is empty, and so are its slates."""

    def __init__(self, *, unfolded: Callable[[], int] = lambda: 0, **outbox: Any) -> None:
        self.diary: list[str] = []
        self.outbox = SmallOutbox(diary=self.diary, **outbox)
        self.fatal = SmallEnd()
        self.metrics = Metrics()
        self.current = CURRENT
        self.lease = Lease(session=10.0, clock=lambda: 0.0)
        profiles: DictState[Profile] = DictState()
        self.answering = Answering(
            recommending=Recommending(
                profiles=profiles,
                catalogue=Catalogue(ExactIndex(DIM), half_life=1000.0),
                replicas=[],
                outbox=self.outbox,
                topic="recommendations",
                config=SlateConfig(size=2),
                deadline=5.0,
                encoder="a model",
                metrics=self.metrics,
                clock=lambda: NOW,
            ),
            consuming=Consuming(
                outbox=self.outbox,
                dead_letters="dead-letters",
                max_bytes=10_000,
                metrics=self.metrics,
                acknowledge=lambda message: self.diary.append(f"acknowledge {message.offset}"),
                generation=lambda: self.current,
                lease=self.lease,
                fatal=self.fatal,
            ),
            unfolded=unfolded,
            metrics=self.metrics,
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        await self.answering.start()
        try:
            yield
        finally:
            await self.answering.stop()

    async def take(self, *asked: tuple[Record, SlateRequest], generation: int = CURRENT) -> None:
        """Requests come in; before the desk is open they wait in line."""
        for record, _ in asked:
            await self.answering.accept(event_of(record, generation=generation))

    def expect(self, *asked: tuple[Record, SlateRequest], generation: int = CURRENT) -> None:
        """Events have just been folded."""
        for request_record, request in asked:
            event = request_record._replace(topic="events", value=None, generation=generation)
            self.answering.expect(event, request)

    async def until(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not what():
                await asyncio.sleep(0.001)

    async def acknowledged(self, count: int) -> None:
        await self.until(lambda: len(self.acknowledgements()) >= count)

    async def ends(self) -> None:
        """Open until the worker has ended."""
        await self.answering.start()
        await self.until(lambda: bool(self.fatal.reasons))
        with suppress(WorkerEnded):
            await self.answering.stop()

    def acknowledgements(self) -> list[str]:
        return [line for line in self.diary if line.startswith("acknowledge")]

    def slates(self) -> list[Slate]:
        return [decode_slate(posted.value or b"") for posted in self.outbox.on("recommendations")]

    def superseded(self) -> float | None:
        name = "headwater_slate_requests_superseded_total"
        return self.metrics.registry.get_sample_value(name)


async def test_a_lone_request_is_answered_and_then_acknowledged() -> None:
    desk = Desk()
    async with desk.open():
        await desk.take(asks("ann", 4))
        await desk.acknowledged(1)
    assert desk.diary == ["post recommendations", "acknowledge 4"]
    assert [slate.answers for slate in desk.slates()] == [("events-0-4",)]


async def test_who_comes_to_a_line_that_has_run_empty_is_answered_too() -> None:
    desk = Desk()
    async with desk.open():
        for offset in range(3):
            await desk.take(asks("ann", offset))
            await desk.acknowledged(offset + 1)
    assert [slate.answers for slate in desk.slates()] == [(f"events-0-{o}",) for o in range(3)]


async def test_one_slate_answers_all_that_a_user_has_asked_for() -> None:
    desk = Desk()
    await desk.take(*(asks("ann", offset) for offset in range(3)))
    async with desk.open():
        await desk.acknowledged(3)
    (slate,) = desk.slates()
    assert slate.trigger == click(2)
    assert slate.supersedes == ("events-0-0", "events-0-1")
    assert slate.answers == ("events-0-0", "events-0-1", "events-0-2")


async def test_an_explicit_request_has_a_slate_of_its_own() -> None:
    desk = Desk()
    await desk.take(asks("ann", 0), asks("ann", 1, trigger=explicit(1)), asks("ann", 2))
    async with desk.open():
        await desk.acknowledged(3)
    assert [slate.answers for slate in desk.slates()] == [
        ("events-0-0", "events-0-2"),
        ("slate-requests-0-1",),
    ]


async def test_requests_that_bring_no_trigger_are_explicit() -> None:
    desk = Desk()
    bare = encode_request(SlateRequest(user_id="ann"))
    await desk.take(
        *((Record("slate-requests", 0, o, b"ann", bare, NOW), SlateRequest("ann")) for o in (0, 1))
    )
    async with desk.open():
        await desk.acknowledged(2)
    assert [slate.supersedes for slate in desk.slates()] == [(), ()]


async def test_all_events_of_a_place_are_acknowledged_after_its_slate_was_sent() -> None:
    desk = Desk()
    await desk.take(asks("ann", 0), asks("eve", 1), asks("ann", 2))
    async with desk.open():
        await desk.acknowledged(3)
    assert desk.diary == [
        "post recommendations",
        "acknowledge 0",
        "acknowledge 2",
        "post recommendations",
        "acknowledge 1",
    ]


async def test_slates_go_to_the_partitions_of_their_requests() -> None:
    desk = Desk()
    await desk.take(asks("ann", 0, partition=0), asks("ann", 0, partition=1))
    async with desk.open():
        await desk.acknowledged(2)
    assert [(p.key, p.partition) for p in desk.outbox.posted] == [(b"ann", 0), (b"ann", 1)]


async def test_requests_that_had_no_slate_of_their_own_are_counted() -> None:
    desk = Desk()
    await desk.take(asks("ann", 0), asks("ann", 1), asks("eve", 2), asks("ann", 3))
    async with desk.open():
        await desk.acknowledged(4)
    assert desk.superseded() == 2


@settings(LAW, max_examples=25)
@given(history=HISTORIES)
def test_every_trigger_is_on_exactly_one_slate_and_every_event_is_acknowledged_once(
    history: list[tuple[str, int, bool] | None],
) -> None:
    async def main() -> Desk:
        desk = Desk()
        async with desk.open():
            for offset, who in enumerate(history):
                if who is None:
                    await asyncio.sleep(0)
                    continue
                user, partition, alone = who
                trigger = explicit(offset) if alone else click(offset)
                await desk.take(asks(user, offset, partition=partition, trigger=trigger))
            await desk.acknowledged(len(came))
        return desk

    came = {offset: who for offset, who in enumerate(history) if who is not None}
    desk = run_at_once(main())
    expected = [(explicit(o) if who[2] else click(o)).id for o, who in came.items()]
    assert sorted(t for slate in desk.slates() for t in slate.answers) == sorted(expected)
    assert sorted(desk.acknowledgements()) == sorted(f"acknowledge {offset}" for offset in came)
    assert desk.superseded() == len(came) - len(desk.slates())


# -- ahead of the record


async def test_what_is_expected_is_answered_before_its_record_is_there() -> None:
    desk = Desk()
    async with desk.open():
        desk.expect(asks("ann", 4))
        await desk.until(lambda: bool(desk.slates()))
        await desk.take(asks("ann", 4))
    assert [slate.answers for slate in desk.slates()] == [("events-0-4",)]
    assert desk.diary == ["post recommendations", "acknowledge 4"]


async def test_a_record_that_comes_before_the_answer_is_acknowledged_with_it() -> None:
    desk = Desk()
    desk.expect(asks("ann", 4))
    await desk.take(asks("ann", 4))
    assert desk.diary == []
    async with desk.open():
        await desk.acknowledged(1)
    assert desk.diary == ["post recommendations", "acknowledge 4"]


def test_a_record_that_comes_while_the_slate_is_being_made_is_acknowledged_with_it() -> None:
    async def main() -> Desk:
        desk = Desk()
        desk.lease.lose()
        async with desk.open():
            desk.expect(asks("ann", 0))
            await asyncio.sleep(60)
            await desk.take(asks("ann", 0))
            desk.lease.regain()
            await desk.acknowledged(1)
        return desk

    assert run_at_once(main()).diary == ["post recommendations", "acknowledge 0"]


async def test_records_change_nothing_of_whose_request_is_the_newest() -> None:
    desk = Desk()
    desk.expect(asks("ann", 0), asks("ann", 1))
    await desk.take(asks("ann", 0), asks("ann", 1))
    async with desk.open():
        await desk.acknowledged(2)
    (slate,) = desk.slates()
    assert (slate.trigger, slate.supersedes) == (click(1), ("events-0-0",))


async def test_a_record_is_expected_once() -> None:
    """Read once more, after a rebalance, it is answered once more: its slate may be lost."""
    desk = Desk()
    async with desk.open():
        desk.expect(asks("ann", 0))
        for count in (1, 2):
            await desk.take(asks("ann", 0))
            await desk.acknowledged(count)
    assert [slate.answers for slate in desk.slates()] == [("events-0-0",)] * 2


async def test_after_a_rebalance_records_are_answered_although_they_were_expected() -> None:
    desk = Desk()
    desk.expect(asks("ann", 0))
    desk.current = CURRENT + 1
    await desk.take(asks("ann", 0), generation=CURRENT + 1)
    async with desk.open():
        await desk.acknowledged(1)
    assert [slate.answers for slate in desk.slates()] == [("events-0-0",)]


async def test_what_was_expected_before_a_rebalance_is_left_to_its_new_owner() -> None:
    desk = Desk()
    desk.expect(asks("ann", 0))
    desk.current = CURRENT + 1
    desk.expect(asks("eve", 1), generation=CURRENT + 1)
    desk.expect(asks("bob", 2), generation=CURRENT)
    async with desk.open():
        await desk.until(lambda: bool(desk.slates()))
        await asyncio.sleep(0.01)
    assert [slate.user_id for slate in desk.slates()] == ["eve"]


async def test_nobody_is_expected_in_a_full_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.answering.IN_LINE", 1)
    desk = Desk()
    desk.expect(asks("ann", 0), asks("eve", 1))
    async with desk.open():
        await desk.take(asks("ann", 0), asks("eve", 1))
        await desk.acknowledged(2)
    assert [slate.user_id for slate in desk.slates()] == ["ann", "eve"]


@settings(LAW, max_examples=25)
@given(ahead=st.sets(st.integers(0, 11)), users=st.lists(st.sampled_from("ab"), max_size=12))
def test_every_event_is_answered_once_however_many_are_expected(
    ahead: set[int], users: list[str]
) -> None:
    async def main() -> Desk:
        desk = Desk()
        async with desk.open():
            for offset, user in enumerate(users):
                if offset in ahead:
                    desk.expect(asks(user, offset))
                if offset % 3 == 0:
                    await asyncio.sleep(0)
                await desk.take(asks(user, offset))
            await desk.acknowledged(len(users))
        return desk

    desk = run_at_once(main())
    answers = sorted(t for slate in desk.slates() for t in slate.answers)
    assert answers == sorted(f"events-0-{offset}" for offset in range(len(users)))
    assert sorted(desk.acknowledgements()) == sorted(f"acknowledge {o}" for o in range(len(users)))


# -- who is to be forgotten


async def test_forgetting_leaves_no_slate_behind_it() -> None:
    desk = Desk()
    await desk.take(asks("ann", 0), asks("ann", 1, forget=True))
    async with desk.open():
        await desk.acknowledged(2)
    (posted,) = desk.outbox.on("recommendations")
    assert (posted.key, posted.value, posted.partition) == (b"ann", None, 0)


async def test_who_comes_back_is_answered_after_being_forgotten() -> None:
    desk = Desk()
    await desk.take(asks("ann", 0, forget=True), asks("ann", 1))
    async with desk.open():
        await desk.acknowledged(2)
    assert [posted.value is None for posted in desk.outbox.on("recommendations")] == [True, False]


# -- events come first


async def test_the_next_slate_waits_while_there_are_events_to_fold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = [0, 1, 2]

    def unfolded() -> int:
        if left:
            desk.diary.append("fold")
        return left.pop() if left else 0

    desk = Desk(unfolded=unfolded)
    monkeypatch.setattr("agents.answering.FOLD_SHARE", 1e9)
    await desk.take(asks("ann", 0), asks("eve", 1))
    async with desk.open():
        await desk.acknowledged(2)
    assert desk.diary == [
        "post recommendations",
        "acknowledge 0",
        "fold",
        "fold",
        "fold",
        "post recommendations",
        "acknowledge 1",
    ]


async def test_waiting_for_events_ends_when_all_are_folded() -> None:
    left = [0, 1, 2]
    await Desk(unfolded=left.pop).answering._let_fold(3600.0)
    assert left == []


async def test_waiting_for_events_that_never_end_does_end() -> None:
    await Desk(unfolded=lambda: 1).answering._let_fold(0.0)


async def test_everybody_is_answered_although_there_are_always_events_to_fold() -> None:
    desk = Desk(unfolded=lambda: 1)
    await desk.take(asks("ann", 0), asks("eve", 1))
    async with desk.open():
        await desk.acknowledged(2)
    assert [slate.user_id for slate in desk.slates()] == ["ann", "eve"]


@pytest.mark.parametrize("unfolded", [0, 1])
async def test_others_have_a_turn_between_two_slates(unfolded: int) -> None:
    turns: list[str] = []
    asyncio.get_running_loop().call_soon(turns.append, "someone else")
    await Desk(unfolded=lambda: unfolded).answering._let_fold(0.0)
    assert turns == ["someone else"]


# -- a full line


def test_who_comes_to_a_full_line_waits_on_the_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> Desk:
        desk = Desk()
        await desk.take(asks("ann", 0), asks("eve", 1))
        coming = asyncio.create_task(desk.take(asks("bob", 2)))
        await asyncio.sleep(60)
        assert not coming.done()
        async with desk.open():
            await desk.acknowledged(3)
        assert coming.done()
        return desk

    monkeypatch.setattr("agents.answering.IN_LINE", 2)
    assert [slate.user_id for slate in run_at_once(main()).slates()] == ["ann", "eve", "bob"]


# -- partitions that move


async def test_a_request_whose_partition_moved_away_is_neither_answered_nor_acknowledged() -> None:
    desk = Desk()
    await desk.take(asks("ann", 0), asks("ann", 1))
    desk.current = CURRENT + 1
    await desk.take(asks("eve", 2), generation=CURRENT + 1)
    async with desk.open():
        await desk.acknowledged(1)
    assert [slate.user_id for slate in desk.slates()] == ["eve"]
    assert desk.acknowledgements() == ["acknowledge 2"]
    assert desk.superseded() == 0


def test_without_a_lease_nobody_is_answered_until_there_is_one() -> None:
    async def main() -> Desk:
        desk = Desk()
        desk.lease.lose()
        await desk.take(asks("ann", 0))
        async with desk.open():
            await asyncio.sleep(60)
            assert desk.diary == []
            desk.lease.regain()
            await desk.acknowledged(1)
        return desk

    assert run_at_once(main()).diary == ["post recommendations", "acknowledge 0"]


def test_a_request_whose_partition_moves_while_the_lease_is_lost_is_left_to_its_new_owner() -> None:
    async def main() -> Desk:
        desk = Desk()
        desk.lease.lose()
        await desk.take(asks("ann", 0))
        async with desk.open():
            await asyncio.sleep(60)
            desk.current = CURRENT + 1
            desk.lease.regain()
            await asyncio.sleep(60)
        return desk

    assert run_at_once(main()).diary == []


def test_who_asks_while_the_slate_is_being_made_is_not_lost() -> None:
    """Its place has been taken from the line: it is answered by a slate of its own."""

    async def main() -> Desk:
        desk = Desk()
        desk.lease.lose()
        async with desk.open():
            await desk.take(asks("ann", 0))
            await asyncio.sleep(60)
            await desk.take(asks("ann", 1))
            desk.lease.regain()
            await desk.acknowledged(2)
        return desk

    assert [s.answers for s in run_at_once(main()).slates()] == [("events-0-0",), ("events-0-1",)]


# -- what can go wrong

BAD = {
    "no value": None,
    "no request": b"{}",
    "too large": encode_request(SlateRequest(user_id="ann")) + b" " * 10_000,
    "another user's key": encode_request(SlateRequest(user_id="eve")),
    "an unknown scenario": encode_request(SlateRequest(user_id="ann", scenario="moon")),
}


@pytest.mark.parametrize("value", BAD.values(), ids=BAD.keys())
async def test_what_is_no_request_becomes_a_dead_letter_and_the_next_one_is_answered(
    value: bytes | None,
) -> None:
    desk = Desk()
    bad = Record("slate-requests", 1, 4, b"ann", value, NOW)
    async with desk.open():
        await desk.take((bad, SlateRequest("ann")), asks("ann", 5))
        await desk.acknowledged(2)
    (letter,) = desk.outbox.on("dead-letters")
    assert dict(letter.headers)["origin"] == b"slate-requests-1-4"
    assert desk.diary[:2] == ["post dead-letters", "acknowledge 4"]
    assert [slate.answers for slate in desk.slates()] == [("events-0-5",)]


async def test_a_dead_letter_that_cannot_be_sent_ends_the_worker() -> None:
    desk = Desk(refusing=["dead-letters"])
    bad = Record("slate-requests", 1, 4, b"ann", b"{", NOW)
    with pytest.raises(WorkerEnded):
        await desk.take((bad, SlateRequest("ann")))
    assert desk.acknowledgements() == []


async def test_a_slate_that_is_refused_ends_the_worker_and_nothing_is_acknowledged() -> None:
    desk = Desk(refusing=["recommendations"])
    await desk.take(asks("ann", 0), asks("ann", 1), asks("eve", 2))
    await desk.ends()
    assert len(desk.fatal.reasons) == 1
    assert "slate-requests-0-1" in desk.fatal.reasons[0]
    assert "refused" in desk.fatal.reasons[0]
    assert desk.acknowledgements() == []
    assert desk.superseded() == 0


async def test_after_a_slate_that_was_lost_nothing_is_answered_acknowledged_or_settled() -> None:
    """That it was lost is known only later: what was acknowledged until then is not committed."""
    desk = Desk(losing=["recommendations"])
    await desk.take(asks("ann", 0), asks("eve", 1), asks("bob", 2))
    await desk.ends()
    assert desk.slates() == []
    assert desk.acknowledgements() == ["acknowledge 0"]
    with pytest.raises(DeliveryFailed):
        await desk.outbox.settle()


async def test_a_slate_that_cannot_be_built_ends_the_worker_and_is_not_acknowledged() -> None:
    async def broken(*_: Any, superseded: Sequence[str]) -> None:
        raise RuntimeError("the index is gone")

    desk = Desk()
    desk.answering._recommending.answer = broken  # type: ignore[method-assign]
    await desk.take(asks("ann", 0))
    await desk.ends()
    assert "the index is gone" in desk.fatal.reasons[0]
    assert desk.diary == []
