"""Every request is answered with one slate that says what it is made of and what was missing."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import pytest

from agents.catalogue import Catalogue
from agents.metrics import Metrics
from agents.recommending import Recommending
from agents.replicas import Replica
from agents.shards import Shard
from agents.tables import FoldTable
from agents.testing import DictState, HashEncoder, SmallLog, SmallOutbox, run_at_once
from indexes.embedding import DIM
from indexes.exact import ExactIndex
from slates.config import DAY, SlateConfig
from slates.slate import Slate, decode_slate
from slates.strategies import Menu
from streams.errors import DeliveryFailed, MalformedRequest
from streams.items import ItemFacts
from streams.kafka import Record
from streams.profiles import Entry, Profile, decode_profile, encode_profile
from streams.requests import SlateRequest, Trigger, encode_request
from streams.trends import Trend
from streams.vectors import VectorRecord
from tests.support.clocks import Clock
from tests.support.proposals import proposals

NOW = 20_000 * DAY
PARTITION = 1
CLICK = Trigger(id="events-2-5", kind="click", at=NOW - 3, received_at=NOW - 2)
BOOKS = {
    "dune": ItemFacts("Dune", attributes={"by": "Herbert"}, published_at=NOW - DAY),
    "emma": ItemFacts("Emma", attributes={"by": "Austen"}),
    "persuasion": ItemFacts("Persuasion", attributes={"by": "Austen"}),
}


class Answering:
    """A `Recommending` with what it was handed; its replicas have caught up."""

    def __init__(self, *, deadline: float = 5.0, items: bool = True, **outbox: Any) -> None:
        self.outbox = SmallOutbox(**outbox)
        self.profiles: DictState[Profile] = DictState()
        self.metrics = Metrics()
        self.clock = Clock(NOW)
        self.catalogue = Catalogue(ExactIndex(DIM), half_life=7 * DAY)
        for item_id, facts in BOOKS.items() if items else ():
            vector = HashEncoder()([facts.title])[0]
            self.catalogue.index.upsert(item_id, vector)
            record = VectorRecord(b"12345678", b"0" * 16, vector, facts, 0, 0, 0.0)
            self.catalogue.announce(item_id, record)
        self.replicas = [
            self._replica("item-vectors"),
            self._replica("item-trends"),
            self._replica("rankers", read=3),
        ]
        self.recommending = Recommending(
            profiles=self.profiles,
            catalogue=self.catalogue,
            replicas=self.replicas,
            outbox=self.outbox,
            topic="recommendations",
            menu=Menu({"hybrid": SlateConfig(size=2)}, "hybrid"),
            deadline=deadline,
            encoder="a model",
            metrics=self.metrics,
            proposing=proposals(self.catalogue, self.outbox, self.metrics),
            clock=self.clock,
        )

    def _replica(self, name: str, *, read: int = 11) -> Replica:
        log = SmallLog(name, partitions=2)
        log.positions, log.ends = {0: read, 1: read + 1}, {0: read, 1: read + 1}
        replica = Replica(name, log, self.metrics)
        replica.applied, replica.ahead = dict(log.positions), 3
        replica.ready.set()
        return replica

    def fall_behind(self, name: str, *, by: int) -> Replica:
        (replica,) = [r for r in self.replicas if r.name == name]
        replica.ready.clear()
        replica.reader.ends = {0: 11 + by, 1: 12}
        return replica

    def knows_ann(self, **profile: Any) -> None:
        """Ann's profile, where her requests come from."""
        self.profiles.shard(PARTITION).put("ann", Profile(**profile))

    async def answer(
        self,
        request: SlateRequest | None = None,
        *,
        offset: int = 9,
        superseded: Sequence[str] = (),
    ) -> Slate:
        asked = request or SlateRequest(user_id="ann", trigger=CLICK)
        key = asked.user_id.encode()
        record = Record("slate-requests", PARTITION, offset, key, encode_request(asked), NOW - 1)
        read = self.recommending.read(record)
        await self.recommending.answer(record, read, superseded=superseded)
        posted = self.outbox.posted[-1]
        assert (posted.topic, posted.key, posted.value is None) == ("recommendations", key, False)
        return decode_slate(posted.value or b"")

    def count(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


# -- a slate


async def test_a_request_is_answered_with_a_slate_of_the_size_of_the_settings() -> None:
    slate = await Answering().answer()
    assert (slate.user_id, slate.revision, slate.ranked_by) == ("ann", 1, "engine")
    assert [item.rank for item in slate.items] == [0, 1]
    assert slate.degraded == ()


async def test_a_request_can_ask_for_another_size() -> None:
    slate = await Answering().answer(SlateRequest(user_id="ann", n=3))
    assert {item.item_id for item in slate.items} == set(BOOKS)


async def test_what_the_user_has_seen_is_not_on_the_slate() -> None:
    answering = Answering()
    answering.knows_ann(history=(Entry(NOW - 60, "dune", "click", 1.0),), seen=("dune",))
    slate = await answering.answer()
    assert {item.item_id for item in slate.items} == {"emma", "persuasion"}


async def test_a_profile_in_another_partition_is_not_the_user_s() -> None:
    answering = Answering()
    answering.profiles.shard(PARTITION + 1).put("ann", Profile(seen=tuple(BOOKS)))
    assert len((await answering.answer()).items) == 2


async def test_a_slate_is_posted_to_the_partition_of_its_request() -> None:
    answering = Answering()
    await answering.answer()
    assert answering.outbox.posted[0].partition == PARTITION


async def test_the_id_of_a_slate_is_derived_from_its_trigger() -> None:
    answering = Answering()
    slate = await answering.answer()
    assert slate.slate_id == "slate-events-2-5"
    assert slate.trigger == CLICK
    assert (await answering.answer(offset=10)).slate_id == slate.slate_id


async def test_a_slate_names_the_older_triggers_that_it_answers_too() -> None:
    slate = await Answering().answer(superseded=["events-2-3", "events-2-4"])
    assert slate.supersedes == ("events-2-3", "events-2-4")
    assert slate.answers == ("events-2-3", "events-2-4", "events-2-5")


async def test_a_request_without_a_trigger_is_its_own() -> None:
    slate = await Answering().answer(SlateRequest(user_id="ann"), offset=9)
    assert slate.slate_id == "slate-slate-requests-1-9"
    assert (slate.trigger.kind, slate.trigger.at) == ("request", NOW - 1)


async def test_the_same_request_is_answered_with_the_same_slate_but_for_the_times() -> None:
    answering = Answering()
    slates = [await answering.answer() for _ in range(2)]
    assert slates[0].items == slates[1].items


async def test_a_slate_tells_the_versions_it_was_made_with() -> None:
    slate = await Answering().answer()
    assert slate.versions.encoder == "a model"
    assert slate.versions.index_generation == 1
    assert (slate.versions.trends, slate.versions.trends_ahead) == ({0: 11, 1: 12}, 3)
    assert slate.versions.rankers == {0: 3, 1: 4}


async def test_a_slate_is_produced_at_the_time_of_the_clock_handed_in() -> None:
    answering = Answering()
    answering.clock.now = NOW + 7
    slate = await answering.answer()
    assert slate.produced_at == NOW + 7
    assert slate.timings.queued == 9.0


async def test_no_timing_is_negative_even_when_the_clock_is_behind_the_brokers() -> None:
    answering = Answering()
    answering.clock.now = NOW - 100
    timings = (await answering.answer()).timings
    assert timings.queued == 0
    assert min(timings.retrieved, timings.ranked, timings.refined) >= 0


async def test_a_slate_is_as_of_the_event_and_not_of_the_clock() -> None:
    """A replay years later finds the same items new."""
    answering = Answering()
    answering.clock.now = NOW + 3650 * DAY
    slate = await answering.answer()
    assert "new" in {reason.kind for item in slate.items for reason in item.reasons}


# -- what is counted


async def test_slates_are_counted_by_strategy_and_who_ranked() -> None:
    answering = Answering()
    slate = await answering.answer()
    labels = {"strategy": slate.strategy, "ranked_by": "engine"}
    assert answering.count("headwater_slates_total", **labels) == 1
    assert answering.count("headwater_event_to_slate_seconds_sum") == 2.0


async def test_a_time_names_its_slate() -> None:
    answering = Answering()
    slate = await answering.answer()
    (named,) = (
        sample.exemplar.labels
        for family in answering.metrics.event_to_slate.collect()
        for sample in family.samples
        if sample.exemplar is not None
    )
    assert named == {"slate_id": slate.slate_id}


async def test_an_empty_slate_is_sent_with_a_note_and_counted() -> None:
    answering = Answering(items=False)
    slate = await answering.answer()
    assert slate.items == ()
    assert slate.note
    assert answering.count("headwater_empty_slates_total") == 1


async def test_a_slate_with_items_is_not_counted_as_empty() -> None:
    answering = Answering()
    assert (await answering.answer()).note == ""
    assert answering.count("headwater_empty_slates_total") == 0


async def test_candidates_are_counted_by_kind_of_source_and_never_by_item() -> None:
    answering = Answering()
    answering.knows_ann(
        history=(
            Entry(NOW - 60, "dune", "click", 1.0),
            Entry(NOW - 50, "emma", "click", 1.0),
        ),
        seen=("dune", "emma"),
    )
    answering.catalogue.follow("persuasion", Trend(popularity=1.0, at=NOW - DAY))
    slate = await answering.answer()
    assert {item.item_id for item in slate.items} == {"persuasion"}
    families = answering.metrics.registry.collect()
    (places,) = [family for family in families if family.name == "headwater_candidates"]
    labels = {sample.labels["source"] for sample in places.samples}
    assert labels
    assert all(re.fullmatch("[a-z]+", label) for label in labels), labels
    assert labels.isdisjoint(BOOKS)


# -- replicas that are behind


def test_a_request_waits_until_the_replicas_have_caught_up() -> None:
    async def main() -> Slate:
        answering = Answering(deadline=5.0)
        replica = answering.fall_behind("item-vectors", by=3)
        asyncio.get_running_loop().call_later(2.0, replica.ready.set)
        return await answering.answer()

    slate = run_at_once(main())
    assert slate.degraded == ()
    assert len(slate.items) == 2


def test_past_its_deadline_a_request_is_answered_from_what_there_is_and_says_so() -> None:
    async def main() -> tuple[Answering, Slate, float]:
        answering = Answering(deadline=5.0)
        answering.fall_behind("item-trends", by=3)
        began = asyncio.get_running_loop().time()
        slate = await answering.answer()
        return answering, slate, asyncio.get_running_loop().time() - began

    answering, slate, waited = run_at_once(main())
    assert slate.degraded == ("replica-behind: item-trends has 3 records to read",)
    assert len(slate.items) == 2
    assert answering.count("headwater_degraded_total", kind="replica-behind") == 1
    assert waited == pytest.approx(3.0, abs=0.2)  # two of the five seconds had passed in the queue


def test_every_replica_that_is_behind_is_named() -> None:
    async def main() -> Slate:
        answering = Answering()
        answering.fall_behind("item-trends", by=3)
        answering.fall_behind("item-vectors", by=4)
        return await answering.answer()

    assert run_at_once(main()).degraded == (
        "replica-behind: item-vectors has 4 records to read",
        "replica-behind: item-trends has 3 records to read",
    )


@pytest.mark.parametrize(("deadline", "waits"), [(12.0, 10.0), (1.0, 0.0), (-5.0, 0.0)])
def test_a_request_can_bring_its_own_deadline(deadline: float, waits: float) -> None:
    async def main() -> tuple[Slate, float]:
        answering = Answering()
        answering.fall_behind("item-vectors", by=1)
        began = asyncio.get_running_loop().time()
        slate = await answering.answer(
            SlateRequest(user_id="ann", trigger=CLICK, deadline=deadline)
        )
        return slate, asyncio.get_running_loop().time() - began

    slate, waited = run_at_once(main())
    assert len(slate.degraded) == 1
    assert waited == pytest.approx(waits, abs=0.2)


def test_a_request_whose_partition_moves_away_while_it_waits_is_answered_with_what_it_had() -> None:
    async def main() -> Slate:
        answering = Answering()
        profiles: FoldTable[Profile] = FoldTable(
            source="events", changelog="profiles", encode=encode_profile, decode=decode_profile
        )
        profiles.give({PARTITION: Shard({"ann": Profile(seen=("dune",))})})
        answering.recommending._profiles = profiles
        answering.fall_behind("item-vectors", by=1)
        asyncio.get_running_loop().call_later(1.0, profiles.retain, ())
        return await answering.answer()

    assert {item.item_id for item in run_at_once(main()).items} == {"emma", "persuasion"}


def test_waiting_leaves_no_task_behind() -> None:
    async def main() -> set[Any]:
        answering = Answering()
        answering.fall_behind("item-vectors", by=1)
        await answering.answer()
        await asyncio.sleep(0)
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert run_at_once(main()) == set()


# -- what can go wrong


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "no value"),
        (b"{}", "user_id"),
        (encode_request(SlateRequest(user_id="ann", scenario="moon")), "'moon', expected one of"),
        (encode_request(SlateRequest(user_id="eve")), "expected the user id"),
    ],
    ids=["no value", "no request", "an unknown scenario", "another user's key"],
)
def test_what_cannot_be_answered_is_rejected_with_the_reason(
    value: bytes | None, message: str
) -> None:
    answering = Answering()
    with pytest.raises(MalformedRequest, match=re.escape(message)):
        answering.recommending.read(Record("slate-requests", PARTITION, 9, b"ann", value, NOW))


EXTREMES = [-1e308, -1.0, 0.0, 1e308]


@pytest.mark.parametrize("at", EXTREMES)
@pytest.mark.parametrize("received_at", EXTREMES)
async def test_a_trigger_from_any_time_is_answered_or_rejected_and_never_fatal(
    at: float, received_at: float
) -> None:
    answering = Answering()
    answering.catalogue.follow("dune", Trend(popularity=3.0, at=NOW, days={20_000: 3}))
    answering.knows_ann(history=(Entry(NOW, "emma", "click", 1.0),))
    trigger = Trigger(id="x", kind="click", at=at, received_at=received_at)
    try:
        slate = await answering.answer(SlateRequest(user_id="ann", trigger=trigger))
    except MalformedRequest:
        return
    assert slate.trigger == trigger


async def test_a_slate_that_cannot_be_sent_is_not_counted() -> None:
    answering = Answering(refusing=["recommendations"])
    with pytest.raises(DeliveryFailed):
        await answering.answer()
    families = answering.metrics.registry.collect()
    (slates,) = [family for family in families if family.name == "headwater_slates"]
    assert slates.samples == []
