"""One event in, however often: one profile folded, one co-visit and one slate request out."""

import asyncio
from collections.abc import Collection
from typing import Any

import pytest

from agents.metrics import Metrics
from agents.profiling import Profiling
from agents.shards import Shard, Sharded
from agents.tables import FoldTable
from agents.testing import DictState, SmallOutbox
from streams.errors import DeliveryFailed, MalformedEvent, UnknownAction
from streams.events import Event, Forget, Gains, Impression, Interaction, encode_event
from streams.kafka import Record
from streams.predecessors import Before
from streams.profiles import Profile, decode_profile, encode_profile
from streams.requests import SlateRequest, Trigger, decode_request
from streams.topics import Topics
from streams.trends import CoVisit, decode_co_visit

RECEIVED = 1000.0
EVENTS = "shop.events"
CO_VISITS, REQUESTS = "shop.co-visits", "shop.slate-requests"


class Folding:
    """A `Profiling` with what it was handed."""

    def __init__(
        self,
        *,
        refusing: Collection[str] = (),
        outbox: SmallOutbox | None = None,
        profiles: Sharded[Profile] | None = None,
        teach: bool = False,
    ) -> None:
        self.diary: list[str] = []
        self.outbox = outbox or SmallOutbox(diary=self.diary, refusing=refusing)
        self.profiles: DictState[Profile] = DictState(diary=self.diary)
        self.metrics = Metrics()
        self.profiling = Profiling(
            profiles=self.profiles if profiles is None else profiles,
            outbox=self.outbox,
            names=Topics(prefix="shop.", partitions=4),
            gains=Gains({"click": 1.0, "skip": -0.5}),
            max_ahead=60.0,
            metrics=self.metrics,
            expect=self.expect,
            teach=self.teach if teach else None,
        )
        self.taught: list[tuple[Interaction, Record, Profile]] = []
        self.expected: list[tuple[Record, SlateRequest]] = []

    def expect(self, record: Record, request: SlateRequest) -> None:
        self.diary.append(f"expect {request.user_id}")
        self.expected.append((record, request))

    async def teach(self, event: Interaction, record: Record, profile: Profile) -> None:
        self.diary.append(f"teach {event.item_id}")
        self.taught.append((event, record, profile))

    async def fold(self, event: Event, *, offset: int = 0, partition: int = 2) -> None:
        await self.profiling.fold_event(record(event, offset=offset, partition=partition))

    def visits(self) -> list[CoVisit]:
        return [decode_co_visit(posted.value or b"") for posted in self.outbox.on(CO_VISITS)]

    def requests(self) -> list[SlateRequest]:
        return [
            decode_request(posted.key, posted.value, origin="its own", received_at=1.0)
            for posted in self.outbox.on(REQUESTS)
        ]

    def count(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


def record(event: Event, *, offset: int = 0, partition: int = 2) -> Record:
    key = event.user_id.encode()
    return Record(EVENTS, partition, offset, key, encode_event(event), RECEIVED)


def click(item_id: str = "dune", *, at: float | None = 990.0, action: str = "click") -> Interaction:
    return Interaction(user_id="ann", item_id=item_id, action=action, at=at)


# -- what an interaction causes


async def test_an_interaction_posts_one_co_visit_keyed_by_its_item() -> None:
    folding = Folding()
    await folding.fold(click(), offset=5)
    (posted,) = folding.outbox.on(CO_VISITS)
    assert posted.key == b"dune"
    assert folding.visits() == [
        CoVisit(at=990.0, gain=1.0, first=True, partition=2, offset=5, is_visit=True)
    ]


async def test_the_owner_of_an_item_is_not_told_who_it_was() -> None:
    folding = Folding()
    await folding.fold(click())
    (posted,) = folding.outbox.on(CO_VISITS)
    assert b"ann" not in (posted.key or b"") + (posted.value or b"")
    assert posted.headers == ()


async def test_an_interaction_asks_for_one_slate_whose_trigger_is_the_event() -> None:
    folding = Folding()
    await folding.fold(click(), offset=5)
    (posted,) = folding.outbox.on(REQUESTS)
    request = decode_request(posted.key, posted.value, origin="its own", received_at=1.0)
    assert request.user_id == "ann"
    assert request.trigger == Trigger(
        id="shop.events-2-5", kind="click", at=990.0, received_at=RECEIVED
    )


async def test_an_event_without_a_time_happened_when_it_was_received() -> None:
    folding = Folding()
    await folding.fold(click(at=None))
    (posted,) = folding.outbox.on(REQUESTS)
    request = decode_request(posted.key, posted.value, origin="its own", received_at=1.0)
    assert request.trigger is not None
    assert request.trigger.at == folding.visits()[0].at == RECEIVED


async def test_the_profile_follows_once_everything_is_posted() -> None:
    folding = Folding()
    await folding.fold(click())
    assert folding.diary == [f"post {CO_VISITS}", f"post {REQUESTS}", "put ann", "expect ann"]


async def test_what_is_in_line_ahead_of_its_record_asks_for_the_same_slate() -> None:
    folding = Folding()
    await folding.fold(click(), offset=5, partition=3)
    ((event, request),) = folding.expected
    (posted,) = folding.outbox.on(REQUESTS)
    assert (event.partition, event.offset, event.key) == (3, 5, posted.key)
    assert request == decode_request(posted.key, posted.value, origin="its own", received_at=1.0)


async def test_the_profile_is_put_where_its_event_came_from() -> None:
    folding = Folding()
    await folding.fold(click(), partition=3, offset=8)
    ((key, profile, partition),) = folding.profiles.puts
    assert (key, partition) == ("ann", 3)
    assert profile is not None
    assert (profile.seen, profile.partition, profile.offset) == (("dune",), 3, 8)


async def test_a_co_visit_is_first_only_for_the_first_interaction_with_an_item() -> None:
    folding = Folding()
    for offset, item_id in enumerate(["dune", "dune", "emma", "dune", "emma"]):
        await folding.fold(click(item_id), offset=offset)
    keys = [posted.key for posted in folding.outbox.on(CO_VISITS)]
    firsts = list(zip(keys, [visit.first for visit in folding.visits()], strict=True))
    assert firsts == [
        (b"dune", True),
        (b"dune", False),
        (b"emma", True),
        (b"dune", False),
        (b"emma", False),
    ]


async def test_a_rejection_of_an_item_carries_its_negative_gain() -> None:
    folding = Folding()
    await folding.fold(click(action="skip"))
    assert folding.visits()[0].gain == -0.5


async def test_a_co_visit_names_what_the_user_came_from() -> None:
    folding = Folding()
    await folding.fold(click("dune", at=900.0), offset=0)
    await folding.fold(click("emma", at=910.0, action="skip"), offset=1)
    await folding.fold(click("solaris", at=960.0), offset=2)
    dune, emma, solaris = folding.visits()
    assert dune.before == emma.before == ()
    assert solaris.before == (Before("dune", 60.0),)


# -- what an interaction teaches


async def test_an_interaction_teaches_with_the_profile_as_it_was_before() -> None:
    folding = Folding(teach=True)
    await folding.fold(click("dune"), offset=4)
    await folding.fold(click("emma", at=None), offset=5)
    first, (event, stands, profile) = folding.taught
    assert first[2] == Profile()
    assert (event.item_id, event.at) == ("emma", RECEIVED), "with its time filled in"
    assert (stands.partition, stands.offset) == (2, 5)
    assert profile.seen == ("dune",)


async def test_a_lesson_goes_out_before_the_profile_changes() -> None:
    folding = Folding(teach=True)
    await folding.fold(click())
    posts = [f"post {CO_VISITS}", "teach dune", f"post {REQUESTS}"]
    assert folding.diary == [*posts, "put ann", "expect ann"]


async def test_a_repeated_interaction_teaches_nothing() -> None:
    folding = Folding(teach=True)
    await folding.fold(click(), offset=5)
    await folding.fold(click(), offset=5)
    assert len(folding.taught) == 1


@pytest.mark.parametrize(
    "event",
    [
        Forget(user_id="ann", at=990.0),
        Impression(user_id="ann", at=990.0, slate_id="s", item_ids=()),
    ],
    ids=["forget", "impression"],
)
async def test_only_interactions_teach(event: Event) -> None:
    folding = Folding(teach=True)
    await folding.fold(event)
    assert folding.taught == []


# -- what the other events cause


async def test_an_impression_asks_for_no_slate_but_is_remembered() -> None:
    folding = Folding()
    await folding.fold(Impression(user_id="ann", at=990.0, slate_id="s", item_ids=("dune",)))
    assert folding.outbox.posted == folding.expected == []
    assert folding.profiles.values["ann"].counters == {"impression": 1}


async def test_a_forgotten_user_loses_the_profile_and_the_slate() -> None:
    folding = Folding()
    await folding.fold(click(), offset=0)
    folding.outbox.posted.clear()
    await folding.fold(Forget(user_id="ann", at=991.0), offset=1)
    assert [(p.topic, p.key, p.partition) for p in folding.outbox.posted] == [(REQUESTS, b"ann", 2)]
    assert folding.requests()[-1].forget
    assert folding.profiles.puts[-1] == ("ann", None, 2)
    assert folding.profiles.values == {}


async def test_forgetting_waits_for_its_place_among_the_requests() -> None:
    """Those before it on the topic would leave a slate behind otherwise."""
    folding = Folding()
    await folding.fold(Forget(user_id="ann", at=991.0))
    assert folding.expected == []


async def test_forgetting_a_stranger_is_no_error_and_still_leaves_tombstones() -> None:
    folding = Folding()
    await folding.fold(Forget(user_id="ann", at=991.0))
    assert folding.profiles.puts == [("ann", None, 2)]
    assert [request.forget for request in folding.requests()] == [True]


# -- repeats


@pytest.mark.parametrize(
    "event",
    [click(), Impression(user_id="ann", at=990.0, slate_id="s", item_ids=("dune",))],
    ids=["interaction", "impression"],
)
async def test_a_repeated_event_posts_nothing_and_changes_nothing(event: Event) -> None:
    folding = Folding()
    await folding.fold(event, offset=5)
    before = (list(folding.diary), dict(folding.profiles.values))
    await folding.fold(event, offset=5)
    assert (folding.diary, folding.profiles.values) == before
    assert folding.count("headwater_events_repeated_total") == 1


async def test_an_older_event_of_the_partition_is_a_repeat_too() -> None:
    folding = Folding()
    await folding.fold(click("emma"), offset=6)
    await folding.fold(click("dune"), offset=5)
    assert folding.profiles.values["ann"].seen == ("emma",)


async def test_an_event_is_a_repeat_only_of_what_its_own_partition_knows() -> None:
    folding = Folding()
    await folding.fold(click(), partition=2, offset=5)
    await folding.fold(click(), partition=3, offset=5)
    assert [partition for _, _, partition in folding.profiles.puts] == [2, 3]


# -- what can go wrong


class Moving(SmallOutbox):
    """An outbox during whose first `post` a partition moves away and comes back."""

    def __init__(self, profiles: FoldTable[Profile]) -> None:
        super().__init__()
        self._profiles = profiles

    async def post(self, *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        if not self.posted:
            self._profiles.retain(())
            self._profiles.give({2: Shard()})
        return await super().post(*args, **kwargs)


async def test_a_fold_whose_partition_moved_away_meanwhile_changes_nothing_restored_since() -> None:
    profiles: FoldTable[Profile] = FoldTable(
        source=EVENTS, changelog="shop.profiles", encode=encode_profile, decode=decode_profile
    )
    profiles.give({2: Shard()})
    folding = Folding(profiles=profiles, outbox=Moving(profiles))
    await folding.fold(click(), partition=2)
    assert len(folding.outbox.posted) == 2
    assert (len(profiles), profiles.shard(2).take_dirty()) == (0, [])


@pytest.mark.parametrize("topic", [CO_VISITS, REQUESTS])
async def test_while_outputs_are_refused_the_profile_stays_as_it_was(topic: str) -> None:
    folding = Folding(refusing=[topic])
    with pytest.raises(DeliveryFailed):
        await folding.fold(click())
    assert folding.profiles.puts == folding.expected == []


async def test_while_forgetting_slates_is_refused_the_profile_is_not_forgotten() -> None:
    folding = Folding(refusing=[REQUESTS])
    folding.profiles.shard(2).put("ann", Profile())
    with pytest.raises(DeliveryFailed):
        await folding.fold(Forget(user_id="ann", at=991.0), offset=1)
    assert "ann" in folding.profiles.values


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (b"{}", MalformedEvent),
        (None, MalformedEvent),
        (encode_event(click(action="juggle")), UnknownAction),
        (encode_event(click(at=RECEIVED + 61)), MalformedEvent),
        (
            b'{"kind":"forget","user_id":"ann","x":' + b"[" * 9000 + b"]" * 9000 + b"}",
            MalformedEvent,
        ),
    ],
    ids=["no event", "no value", "unknown action", "from the future", "nested deeply"],
)
async def test_what_is_no_event_is_rejected_without_a_trace(
    value: bytes | None, error: type[Exception]
) -> None:
    folding = Folding()
    with pytest.raises(error):
        await folding.profiling.fold_event(Record(EVENTS, 0, 0, b"ann", value, RECEIVED))
    assert folding.diary == []


async def test_folded_events_are_counted_by_kind() -> None:
    folding = Folding()
    await folding.fold(click(), offset=0)
    await folding.fold(click(), offset=1)
    await folding.fold(Forget(user_id="eve", at=990.0), offset=2)
    assert folding.count("headwater_events_folded_total", kind="interaction") == 2
    assert folding.count("headwater_events_folded_total", kind="forget") == 1
    assert folding.count("headwater_profile_update_seconds_count") == 3
