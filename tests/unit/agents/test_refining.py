"""Drafts become second revisions, or marks, or nothing; no slate and no partition waits."""

from __future__ import annotations

import logging

import pytest

from agents.testing import run_at_once
from slates.draft import Draft
from slates.refining import Refined
from slates.slate import Slate
from streams.errors import ModelUnavailable
from tests.support.drafted import AT, draft_of, refined_of
from tests.support.refinery import PARTITION, Say, another, of, opened, silent


def failing(error: Exception) -> Say:
    async def say(_: Draft) -> Refined:
        raise error

    return say


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
        (within,) = refinery.script.within
        assert 1.0 < within <= 3.0  # a busy machine takes some of it


def test_where_slates_come_first_until_the_deadline_the_model_is_not_asked() -> None:
    async def main() -> tuple[Slate, int]:
        async with opened() as refinery:
            refinery.turns.give_way(lambda: 1)
            await refinery.take(draft_of(deadline=AT + 5.0))
            await refinery.settled()
            (slate,) = refinery.slates()
            return slate, len(refinery.script.within)

    slate, asked = run_at_once(main())
    assert (slate.degraded, slate.ranked_by, asked) == (("model: busy",), "engine", 0)


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
