"""Drafts that are late, overtaken or of somebody else's partition, and what is no draft."""

from __future__ import annotations

import asyncio

import pytest

from agents import refining as module
from agents.testing import WorkerEnded
from slates.draft import WITHDRAWN, Draft, encode_draft
from slates.refining import Refined
from tests.support.drafted import AT, draft_of
from tests.support.refinery import (
    GENERATION,
    Refinery,
    Say,
    another,
    of,
    opened,
    record_of,
    silent,
    turned_round,
)


def after(seconds: float) -> Say:
    async def say(draft: Draft) -> Refined:
        await asyncio.sleep(seconds)
        return await turned_round(draft)

    return say


# -- too late, and overtaken


async def test_a_draft_past_its_deadline_is_dropped_and_counted() -> None:
    async with opened() as refinery:
        await refinery.take(draft_of(deadline=AT - 0.1))
        assert (refinery.outcomes(), refinery.script.asked) == ({"late": 1}, [])
        assert refinery.slates() == []
        assert refinery.acknowledged == [0]


async def test_an_answer_past_the_deadline_is_dropped_and_counted() -> None:
    """As where the event loop was busy when the time was up."""

    async with opened() as refinery:

        async def say(draft: Draft) -> Refined:
            refinery.began -= 60.0
            return await turned_round(draft)

        refinery.script.say = say
        await refinery.take(draft_of())
        await refinery.settled()
        assert (refinery.slates(), refinery.outcomes()) == ([], {"late": 1})


async def test_a_newer_draft_of_the_user_ends_the_older_one() -> None:
    async with opened(after(0.01)) as refinery:
        await refinery.take(of("ann"), another(of("ann"), "slate-2"))
        await refinery.settled()
        assert [slate.slate_id for slate in refinery.slates()] == ["slate-2"]
        assert refinery.outcomes() == {"cancelled": 1, "refined": 1}


async def test_a_draft_of_somebody_else_ends_nothing() -> None:
    async with opened(after(0.01)) as refinery:
        await refinery.take(of("ann"))
        await refinery.take(of("eve"), user="eve")
        await refinery.settled()
        assert {slate.user_id for slate in refinery.slates()} == {"ann", "eve"}


async def test_a_draft_that_is_taken_back_is_not_refined() -> None:
    async with opened(silent) as refinery:
        await refinery.take(of("ann"), WITHDRAWN)
        await refinery.settled()
        assert (refinery.outcomes(), refinery.outbox.posted) == ({"cancelled": 1}, [])


async def test_who_is_forgotten_is_not_refined() -> None:
    async with opened(silent) as refinery:
        await refinery.take(of("ann"), None)
        await refinery.settled()
        assert (refinery.outcomes(), refinery.outbox.posted) == ({"cancelled": 1}, [])
        assert refinery.forgotten == ["ann"]


async def test_a_revision_that_crossed_the_wish_to_be_forgotten_is_removed_again() -> None:
    async with opened() as refinery:
        await refinery.take(draft_of())
        await refinery.settled()
        await refinery.refining.take(record_of(None, 1)._replace(received_at=AT - 1.0))
        assert [posted.value is None for posted in refinery.outbox.posted] == [False, True]


async def test_a_slate_of_before_is_not_removed_twice() -> None:
    """Somebody who was forgotten and came back may have a new one by now."""
    async with opened() as refinery:
        await refinery.take(draft_of())
        await refinery.settled()
        await refinery.refining.take(record_of(None, 1)._replace(received_at=AT + 60.0))
        assert len(refinery.outbox.posted) == 1


async def test_more_than_can_be_asked_about_are_marked_and_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    async with opened(silent) as refinery:
        for user in ("ann", "eve", "bob"):
            await refinery.take(of(user), user=user)
        assert refinery.value("drafts_in_flight") == 2
        (slate,) = refinery.slates()
        assert (slate.user_id, slate.degraded) == ("bob", ("model: busy",))


# -- partitions that move, and an end


async def test_what_was_taken_over_before_a_rebalance_is_given_up() -> None:
    async with opened(silent) as refinery:
        await refinery.take(of("ann"))
        refinery.current = GENERATION + 1
        record = record_of(of("eve"), 5, "eve")._replace(generation=GENERATION + 1)
        await refinery.refining.take(record)
        assert list(refinery.refining._under_way) == ["eve"]
        assert refinery.outcomes() == {"cancelled": 1}


async def test_a_worker_whose_partition_has_moved_sends_nothing() -> None:
    async with opened(after(0.01)) as refinery:
        await refinery.take(of("ann"))
        refinery.current = GENERATION + 1
        await refinery.settled()
        assert (refinery.outbox.posted, refinery.outcomes()) == ([], {"moved": 1})


async def test_a_broker_that_takes_no_revision_ends_the_worker_as_for_any_output() -> None:
    refinery = Refinery()
    refinery.outbox.refusing.add("recommendations")
    await refinery.take(draft_of())
    (found,) = refinery.refining._under_way.values()
    with pytest.raises(WorkerEnded):
        await found.task
    (reason,) = refinery.fatal.reasons
    assert reason.startswith("slate-drafts-2-0 could not be dealt with")


async def test_stopping_leaves_no_task_behind() -> None:
    async with opened(silent) as refinery:
        await refinery.take(of("ann"))
    assert asyncio.all_tasks() == {asyncio.current_task()}


# -- what is no draft

POISON = {
    "no JSON": (b"\xff", "not a draft"),
    "no draft": (b"{}", "not a draft"),
    "nested too deeply": (b"[" * 50_000, "not a draft"),
    "another user's": (encode_draft(of("eve")), "expected the user id"),
    "an unknown refinement": (encode_draft(draft_of(refinement="magic")), "'magic', expected one"),
}


@pytest.mark.parametrize(("value", "said"), POISON.values(), ids=POISON)
async def test_what_is_no_draft_becomes_a_dead_letter(value: bytes, said: str) -> None:
    async with opened() as refinery:
        await refinery.take(value, draft_of())
        await refinery.settled()
        (letter,) = refinery.outbox.on("dead-letters")
        assert said in dict(letter.headers)["message"].decode()
        assert len(refinery.slates()) == 1
        assert refinery.acknowledged == [0, 1]
