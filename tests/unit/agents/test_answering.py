"""Every request has its slate, and is acknowledged once that was sent."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.testing import (
    run_at_once,
)
from streams.kafka import Record
from streams.requests import SlateRequest, encode_request
from tests.support.desk import CURRENT, HISTORIES, NOW, Desk, asks, click, explicit
from tests.support.laws import law


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


async def test_the_first_event_of_a_place_is_acknowledged_after_its_slate_was_sent() -> None:
    """While it is not, no later one of its partition is committed, so these need not be kept."""
    desk = Desk()
    await desk.take(asks("ann", 0), asks("eve", 1), asks("ann", 2))
    async with desk.open():
        await desk.acknowledged(3)
    assert desk.diary == [
        "acknowledge 2",
        "post recommendations",
        "acknowledge 0",
        "post recommendations",
        "acknowledge 1",
    ]


async def test_slates_go_to_the_partitions_of_their_requests() -> None:
    desk = Desk()
    await desk.take(asks("ann", 0, partition=0), asks("ann", 0, partition=1))
    async with desk.open():
        await desk.acknowledged(2)
    assert [(p.key, p.partition) for p in desk.outbox.posted] == [(b"ann", 0), (b"ann", 1)]


async def test_users_in_line_are_counted_each_once() -> None:
    desk = Desk()
    await desk.take(asks("ann", 0), asks("ann", 1), asks("eve", 2))
    assert desk.waiting() == 2
    async with desk.open():
        await desk.acknowledged(3)
    assert desk.waiting() == 0


async def test_requests_that_had_no_slate_of_their_own_are_counted() -> None:
    desk = Desk()
    await desk.take(asks("ann", 0), asks("ann", 1), asks("eve", 2), asks("ann", 3))
    async with desk.open():
        await desk.acknowledged(4)
    assert desk.superseded() == 2


@law(25)
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


async def test_who_waits_already_may_ask_again_in_a_full_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agents.answering.IN_LINE", 1)
    desk = Desk()
    desk.expect(asks("ann", 0))
    desk.expect(asks("ann", 1))
    await desk.take(asks("ann", 0), asks("ann", 1), asks("ann", 2))
    async with desk.open():
        await desk.acknowledged(3)
    (slate,) = desk.slates()
    assert slate.answers == ("events-0-0", "events-0-1", "events-0-2")


@law(25)
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
