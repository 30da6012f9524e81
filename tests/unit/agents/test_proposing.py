"""A slate leaves first; then its draft, or what takes the one before back, or nothing at all."""

from __future__ import annotations

from typing import Any

import pytest

from agents.catalogue import Catalogue
from agents.metrics import Metrics
from agents.recommending import Recommending
from agents.testing import DictState, HashEncoder, SmallOutbox
from indexes.embedding import DIM
from indexes.exact import ExactIndex
from slates.config import DAY, SlateConfig
from slates.draft import WITHDRAWN, Draft, decode_draft
from slates.slate import Slate, decode_slate
from slates.strategies import Menu
from streams.items import ItemFacts
from streams.kafka import Record
from streams.profiles import Entry, Profile
from streams.requests import SlateRequest, Trigger, encode_request
from streams.trends import Trend
from streams.vectors import VectorRecord
from tests.support.proposals import proposals

NOW = 20_000 * DAY
CLICK = Trigger(id="events-2-5", kind="click", at=NOW - 3, received_at=NOW - 2)
PARTITION = 3
KNOWN_USER = Profile(history=tuple(Entry(NOW - n, "none", "click", 1.0) for n in range(20)))


class Worker:
    """Makes slates of four books, and may know of a model."""

    def __init__(
        self,
        *,
        has_model: bool = True,
        lacking: str = "",
        max_bytes: int = 100_000,
        largest: int = 2**40,
        title: str = "Dune",
        **config: Any,
    ) -> None:
        self.now = NOW
        self.outbox, self.metrics = SmallOutbox(largest=largest), Metrics()
        self.profiles: DictState[Profile] = DictState()
        catalogue = Catalogue(ExactIndex(DIM), half_life=7 * DAY)
        for item_id in ("dune", "emma", "ubik", "kim"):
            vector = HashEncoder()([item_id])[0]
            catalogue.index.upsert(item_id, vector)
            facts = ItemFacts(title if item_id == "dune" else item_id)
            record = VectorRecord(b"12345678", b"0" * 16, vector, facts, 0, 0, 0.0)
            catalogue.announce(item_id, record)
            catalogue.follow(item_id, Trend(popularity=1.0, at=NOW, supporters=50))
        wanted = {"refinement": "rerank", "size": 2, "refine_when": ("cold",), **config}
        self.recommending = Recommending(
            profiles=self.profiles,
            catalogue=catalogue,
            replicas=[],
            outbox=self.outbox,
            topic="recommendations",
            menu=Menu({"hybrid": SlateConfig(**wanted)}, "hybrid"),
            deadline=5.0,
            encoder="a model",
            metrics=self.metrics,
            proposing=proposals(
                catalogue,
                self.outbox,
                self.metrics,
                has_model=has_model,
                lacking=lambda user: lacking if user == "ann" else "",
                max_bytes=max_bytes,
                clock=lambda: self.now,
            ),
            clock=lambda: self.now,
        )

    def knows(self, user: str = "ann") -> None:
        """From now on the user is a warm one."""
        self.profiles.shard(PARTITION).put(user, KNOWN_USER)

    async def answer(self, user: str = "ann", **fields: Any) -> Slate:
        """The first revision of a slate."""
        request = SlateRequest(user_id=user, trigger=CLICK, **fields)
        key, value = user.encode(), encode_request(request)
        record = Record("slate-requests", PARTITION, 9, key, value, NOW - 1)
        before = len(self.outbox.on("recommendations"))
        await self.recommending.answer(record, self.recommending.read(record))
        return decode_slate(self.outbox.on("recommendations")[before].value or b"")

    async def forget(self, user: str = "ann") -> None:
        request = SlateRequest(user_id=user, trigger=CLICK, forget=True)
        record = Record("slate-requests", PARTITION, 9, user.encode(), b"", NOW - 1)
        await self.recommending.answer(record, request)

    def sent(self) -> list[bytes | None]:
        """Values on `slate-drafts`."""
        return [posted.value for posted in self.outbox.on("slate-drafts")]

    def drafts(self) -> list[Draft]:
        return [decode_draft(value) for value in self.sent() if value]

    def count(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"headwater_{name}_total", labels)


async def test_the_draft_of_a_slate_follows_it_to_the_same_partition() -> None:
    worker = Worker()
    slate = await worker.answer()
    (draft,) = worker.drafts()
    assert draft.slate == slate
    assert [posted.topic for posted in worker.outbox.posted] == ["recommendations", "slate-drafts"]
    assert {(p.key, p.partition) for p in worker.outbox.posted} == {(b"ann", PARTITION)}


async def test_the_slate_and_a_counter_say_why_a_model_is_asked_or_not() -> None:
    worker = Worker()
    assert (await worker.answer()).refinement == "asked: cold"
    worker.knows()
    assert (await worker.answer()).refinement == "skipped: sure"
    assert worker.count("drafts", reason="asked: cold") == 1
    assert worker.count("drafts", reason="skipped: sure") == 1


async def test_without_a_refinement_there_is_no_draft_no_mark_and_no_count() -> None:
    for worker in (Worker(refinement="none"), Worker(refinement="none", has_model=False)):
        slate = await worker.answer()
        assert (slate.refinement, slate.degraded, worker.sent()) == ("", (), [])
        assert worker.metrics.drafts.collect()[0].samples == []


async def test_where_a_model_is_wanted_and_there_is_none_the_slate_says_so() -> None:
    worker = Worker(has_model=False)
    slate = await worker.answer()
    assert slate.degraded == ("model: not-configured",)
    assert slate.refinement == "skipped: no-model"
    assert worker.sent() == []
    assert worker.count("degraded", kind="model: not-configured") == 1


async def test_a_slate_that_needs_no_model_is_not_degraded_for_want_of_one() -> None:
    worker = Worker(has_model=False)
    worker.knows()
    slate = await worker.answer()
    assert (slate.degraded, slate.refinement) == ((), "skipped: sure")


async def test_words_that_nobody_can_read_are_not_passed_over_in_silence() -> None:
    slate = await Worker(has_model=False, refinement="none").answer(words="short")
    assert slate.degraded == ("model: not-configured",)


async def test_a_spent_budget_is_named_and_concerns_nobody_else() -> None:
    worker = Worker(lacking="budget-user")
    assert (await worker.answer("ann")).refinement == "skipped: budget-user"
    assert (await worker.answer("eve")).refinement == "asked: cold"
    assert [draft.slate.user_id for draft in worker.drafts()] == ["eve"]


async def test_only_who_asked_for_the_model_gets_less_when_the_budget_is_spent() -> None:
    worker = Worker(lacking="budget-user")
    assert (await worker.answer()).degraded == ()
    assert (await worker.answer(words="short")).degraded == ("model: budget-user",)
    assert (await worker.answer(strategy="hybrid")).degraded == ("model: budget-user",)


async def test_a_model_that_is_left_alone_is_not_asked_and_the_slate_says_so_at_once() -> None:
    worker = Worker(lacking="breaker-open")
    slate = await worker.answer()
    assert (slate.refinement, slate.degraded) == (
        "skipped: breaker-open",
        ("model: breaker-open",),
    )
    assert worker.sent() == []
    assert worker.count("degraded", kind="model: breaker-open") == 1


async def test_a_newer_slate_that_is_not_refined_takes_the_draft_back() -> None:
    worker = Worker()
    await worker.answer()
    worker.knows()
    await worker.answer()
    assert worker.sent()[1:] == [WITHDRAWN]
    await worker.answer()
    assert len(worker.sent()) == 2


async def test_a_draft_past_its_deadline_needs_no_taking_back() -> None:
    worker = Worker(refine_within=2.0)
    await worker.answer()
    worker.knows()
    worker.now += 2.0
    await worker.answer()
    assert len(worker.sent()) == 1


@pytest.mark.parametrize("has_model", [True, False])
async def test_who_is_forgotten_is_refined_no_more(has_model: bool) -> None:
    worker = Worker(has_model=has_model)
    await worker.forget()
    assert [p.value for p in worker.outbox.on("recommendations")] == [None]
    (posted,) = worker.outbox.on("slate-drafts")
    assert (posted.key, posted.value, posted.partition) == (b"ann", None, PARTITION)


async def test_a_draft_that_is_too_long_goes_without_its_texts() -> None:
    full = Worker(title="x" * 3_000)
    await full.answer()
    assert full.drafts()[0].candidates[0].attributes == {}


async def test_titles_too_long_to_be_sent_end_in_a_mark_on_revision_2() -> None:
    worker = Worker(title="x" * 3_000, max_bytes=3_000)
    first = await worker.answer()
    assert worker.sent() == []
    second = decode_slate(worker.outbox.on("recommendations")[1].value or b"")
    assert (second.slate_id, second.revision) == (first.slate_id, 2)
    assert second.degraded == ("model: too-long",)
    assert worker.count("degraded", kind="model: too-long") == 1


async def test_a_draft_that_the_broker_finds_too_large_fails_nothing() -> None:
    worker = Worker(largest=100)
    worker.outbox.largest = 100
    assert (await worker.answer()).refinement == "asked: cold"
    await worker.outbox.settle()
