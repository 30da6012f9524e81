"""Drafts become second revisions, or marks, or nothing; no slate and no partition waits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from agents import refining as module
from agents.consuming import Consuming
from agents.metrics import Metrics
from agents.refining import Refining
from agents.safety.lease import Lease
from agents.testing import SmallEnd, SmallOutbox, SmallStream, WorkerEnded, event_of, run_at_once
from slates.config import SlateConfig
from slates.draft import WITHDRAWN, Draft, encode_draft
from slates.model import Answer, Model, Question, Usage
from slates.refining import Refined
from slates.slate import Slate, decode_slate
from slates.strategies import Menu
from streams.errors import ModelUnavailable
from streams.kafka import Record
from tests.support.drafted import AT, draft_of, refined_of, slate_of

GENERATION = 7
PARTITION = 2
Say = Callable[[Draft], Awaitable[Refined]]


class Scripted:
    """A refinement and a model in one, which does with a draft whatever it was told."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.asked: list[str] = []
        self.within: list[float] = []

    async def refine(self, draft: Draft, model: Model, *, within: float) -> Refined:
        self.asked.append(draft.slate.slate_id)
        self.within.append(within)
        return await self.say(draft)

    async def ask(self, question: Question, *, within: float) -> Answer:
        return Answer("", Usage(), "small", 0.0)


async def turned_round(draft: Draft) -> Refined:
    """The model likes the second item better."""
    await asyncio.sleep(0)
    return refined_of([c.item_id for c in draft.candidates][1::-1])


async def silent(_: Draft) -> Refined:
    """The model never answers."""
    return await asyncio.Event().wait()  # type: ignore[return-value]


def after(seconds: float) -> Say:
    async def say(draft: Draft) -> Refined:
        await asyncio.sleep(seconds)
        return await turned_round(draft)

    return say


def failing(error: Exception) -> Say:
    async def say(_: Draft) -> Refined:
        raise error

    return say


class Refinery:
    """A `Refining` with what it was handed."""

    def __init__(self, say: Say = turned_round, *, has_model: bool = True) -> None:
        self.began = asyncio.get_running_loop().time()
        self.outbox, self.metrics, self.fatal = SmallOutbox(), Metrics(), SmallEnd()
        self.script = Scripted(say)
        self.acknowledged: list[int] = []
        self.forgotten: list[str] = []
        self.current = GENERATION
        self.lease = Lease(session=10.0, clock=lambda: 0.0)
        self.consuming = Consuming(
            outbox=self.outbox,
            dead_letters="dead-letters",
            max_bytes=100_000,
            metrics=self.metrics,
            acknowledge=lambda message: self.acknowledged.append(message.offset),
            generation=lambda: self.current,
            lease=self.lease,
            fatal=self.fatal,
        )
        self.refining = Refining(
            refinements={"rerank": self.script},
            about=(lambda _: self.script) if has_model else None,
            forget=self.forgotten.append,
            menu=Menu({"hybrid": SlateConfig()}, "hybrid"),
            outbox=self.outbox,
            topic="recommendations",
            consuming=self.consuming,
            metrics=self.metrics,
            clock=self.clock,
        )

    def clock(self) -> float:
        return AT + asyncio.get_running_loop().time() - self.began

    async def take(self, *values: Draft | bytes | None, user: str = "ann") -> None:
        """As the agent does, one record after another."""
        records = [record_of(value, offset, user) for offset, value in enumerate(values)]
        await self.consuming.each(Current(*records), self.refining.take)

    async def settled(self) -> None:
        """Until nothing is under way."""
        while self.refining._under_way:
            await asyncio.sleep(0.01)

    def slates(self) -> list[Slate]:
        return [decode_slate(p.value) for p in self.outbox.on("recommendations") if p.value]

    def outcomes(self) -> dict[str, float]:
        (family,) = self.metrics.refinements.collect()
        return {s.labels["outcome"]: s.value for s in family.samples}

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"headwater_{name}", labels)


class Current(SmallStream):
    """A stream of the generation that the worker is in."""

    async def events(self) -> AsyncIterator[Any]:
        for record in self._records:
            yield event_of(record, generation=record.generation)


def record_of(value: Draft | bytes | None, offset: int, user: str = "ann") -> Record:
    data = encode_draft(value) if isinstance(value, Draft) else value
    at = AT + offset * 0.001
    return Record("slate-drafts", PARTITION, offset, user.encode(), data, at, (), GENERATION)


def of(user: str, **fields: Any) -> Draft:
    slate = slate_of("ab", user=user, slate_id=f"slate-{user}")
    return draft_of(slate=slate, **fields)


def another(draft: Draft, slate_id: str) -> Draft:
    """A newer slate of the same user."""
    slate = msgspec.structs.replace(draft.slate, slate_id=slate_id)
    return msgspec.structs.replace(draft, slate=slate)


@asynccontextmanager
async def opened(say: Say = turned_round, **fields: Any) -> AsyncIterator[Refinery]:
    refinery = Refinery(say, **fields)
    yield refinery
    await refinery.refining.on_stop()


# -- what comes of a draft


async def test_a_draft_becomes_revision_2_of_its_slate() -> None:
    async with opened() as refinery:
        await refinery.take(draft_of())
        await refinery.settled()
        (slate,) = refinery.slates()
        assert (slate.slate_id, slate.revision, slate.ranked_by) == ("slate-events-0-7", 2, "model")
        assert [item.item_id for item in slate.items] == ["b", "a"]
        (posted,) = refinery.outbox.posted
        assert (posted.key, posted.partition) == (b"ann", PARTITION)
        assert refinery.outcomes() == {"refined": 1}


async def test_a_draft_is_acknowledged_as_soon_as_it_is_taken_over() -> None:
    async with opened(silent) as refinery:
        await refinery.take(of("ann"), another(of("ann"), "slate-2"))
        assert refinery.acknowledged == [0, 1]
        assert refinery.slates() == []


async def test_the_model_has_the_time_that_is_left_and_no_more() -> None:
    async with opened() as refinery:
        await refinery.take(draft_of(deadline=AT + 3.0))
        await refinery.settled()
        assert refinery.script.within == [pytest.approx(3.0, abs=0.1)]


def test_a_model_that_hangs_ends_in_a_mark_at_the_deadline() -> None:
    async def main() -> tuple[Slate, dict[str, float], float | None]:
        async with opened(silent) as refinery:
            await refinery.take(draft_of(deadline=AT + 5.0))
            await refinery.settled()
            (slate,) = refinery.slates()
            kind = "model: timeout"
            return slate, refinery.outcomes(), refinery.value("degraded_total", kind=kind)

    slate, outcomes, degraded = run_at_once(main())
    assert (slate.degraded, slate.revision, slate.ranked_by) == (("model: timeout",), 2, "engine")
    assert [item.item_id for item in slate.items] == ["a", "b"]
    assert slate.produced_at == pytest.approx(AT + 5.0, abs=0.5)
    assert (outcomes, degraded) == ({"failed": 1}, 1)


@pytest.mark.parametrize("reason", ["breaker-open", "budget-user", "refused"])
async def test_why_a_model_was_of_no_use_stands_on_slate_counter_and_log(
    reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(failing(ModelUnavailable("so it is", reason=reason))) as refinery:
        await refinery.take(draft_of())
        await refinery.settled()
        assert refinery.slates()[0].degraded == (f"model: {reason}",)
        assert refinery.value("degraded_total", kind=f"model: {reason}") == 1
    assert f"slate-events-0-7: not refined: {reason}: so it is" in caplog.text


async def test_a_thousand_failures_are_not_a_thousand_lines(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with opened(failing(ModelUnavailable("so it is", reason="refused"))) as refinery:
        for n in range(50):
            await refinery.take(of(f"user-{n}"), user=f"user-{n}")
        await refinery.settled()
        assert len(refinery.slates()) == 50
    assert caplog.text.count("not refined") == 1


async def test_a_bug_in_a_refinement_ends_no_worker(caplog: pytest.LogCaptureFixture) -> None:
    async with opened(failing(ZeroDivisionError("oops"))) as refinery:
        await refinery.take(draft_of())
        await refinery.settled()
        assert refinery.slates()[0].degraded == ("model: failed",)
        assert refinery.fatal.reasons == []
    assert "ZeroDivisionError" in caplog.text
    assert any(r.levelno == logging.ERROR for r in caplog.records)


async def test_a_worker_without_a_model_says_so() -> None:
    async with opened(has_model=False) as refinery:
        await refinery.take(draft_of())
        await refinery.settled()
        assert refinery.slates()[0].degraded == ("model: not-configured",)


async def test_what_had_to_be_repaired_is_counted() -> None:
    async def say(draft: Draft) -> Refined:
        return refined_of("ab", counts={"repeats": 2}, degraded=("reply: repaired, 2 repeats",))

    async with opened(say) as refinery:
        await refinery.take(draft_of())
        await refinery.settled()
        labels = {"refinement": "rerank", "what": "repeats"}
        assert refinery.value("refinement_repairs_total", **labels) == 2
        assert refinery.value("degraded_total", kind="reply") == 1
        assert refinery.value("refine_seconds_count", refinement="rerank") == 1
        assert refinery.value("event_to_revision_seconds_count") == 1


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
