"""A replay gives what a worker's agents give, and refuses what they refuse."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from agents.metrics import Metrics
from agents.profiling import Profiling
from agents.replaying import Replaying, Rules
from agents.testing import DictState, SmallOutbox
from agents.trending import Trending
from streams.errors import RejectedEvent
from streams.events import Event, Forget, Gains, Impression, Interaction, encode_event
from streams.kafka import Record
from streams.profiles import Profile
from streams.topics import Topics
from streams.trends import MAX_AT, CoVisit, Trend

DAY = 86_400.0
NAMES = Topics(prefix="shop.", partitions=2)
RULES = Rules(
    Gains({"click": 1.0, "skip": -0.5}), max_ahead=60.0, max_bytes=1_000, half_life=7 * DAY
)


def record(
    event: Event | bytes | None,
    *,
    offset: int,
    partition: int = 0,
    key: bytes | None = None,
    at: float = 1_000.0,
) -> Record:
    value = event if event is None or isinstance(event, bytes) else encode_event(event)
    user = b"ann" if event is None or isinstance(event, bytes) else event.user_id.encode()
    return Record("shop.events", partition, offset, user if key is None else key, value, at)


def click(user: str = "ann", item: str = "dune", *, at: float | None = 1.0) -> Interaction:
    return Interaction(user_id=user, item_id=item, action="click", at=at)


def replay(records: Sequence[Record], *, rules: Rules = RULES) -> Replaying:
    replaying = Replaying(NAMES, rules)

    async def main() -> None:
        for each in records:
            await replaying.fold(each)

    asyncio.run(main())
    return replaying


HISTORY = [
    record(click("ann", "dune"), offset=0),
    record(click("eve", "dune", at=2 * DAY), offset=0, partition=1, at=2 * DAY),
    record(b"{", offset=1),
    record(Impression(user_id="ann", slate_id="s", item_ids=("dune",)), offset=2),
    record(Interaction(user_id="ann", item_id="emma", action="skip"), offset=3),
    record(Forget(user_id="eve"), offset=1, partition=1),
    record(click("eve", "dune", at=5.0), offset=2, partition=1),
    record(click("ann", "dune"), offset=4, partition=1),
]


def test_it_is_what_a_workers_agents_make_of_the_same_log() -> None:
    profiles: DictState[Profile] = DictState()
    trends: DictState[Trend] = DictState()
    outbox, metrics = SmallOutbox(), Metrics()
    profiling = Profiling(
        profiles=profiles,
        outbox=outbox,
        names=NAMES,
        gains=RULES.gains,
        max_ahead=RULES.max_ahead,
        metrics=metrics,
        expect=lambda record, request: None,
    )
    trending = Trending(trends=trends, half_life=RULES.half_life, metrics=metrics)

    async def work() -> None:
        for each in HISTORY:
            try:
                await profiling.fold_event(each)
            except RejectedEvent:
                continue
        for posted in outbox.on("shop.co-visits"):
            await trending.fold_co_visit(Record(posted.topic, 0, 0, posted.key, posted.value, 0.0))

    asyncio.run(work())
    replayed = replay(HISTORY)
    assert replayed.trends == trends.values
    assert replayed.profiles.shards[0] == {"ann": profiles.shard(0).peek("ann")}
    assert replayed.profiles.shards[1] == {u: profiles.shard(1).peek(u) for u in ("eve", "ann")}
    assert (replayed.folded, replayed.rejected, len(replayed.profiles)) == (7, 1, 3)


@pytest.mark.parametrize(
    "refused",
    [
        record(b"not an event", offset=0),
        record(None, offset=0),
        record(click(), offset=0, key=b"eve"),
        record(click(), offset=0, key=b"\xff"),
        record(click(at=1_061.0), offset=0),
        record(Interaction(user_id="ann", item_id="dune", action="unheard-of"), offset=0),
        record(click("a" * 1_000), offset=0),
        record(Impression(user_id="ann", slate_id="s", item_ids=("i" * 200,) * 5), offset=0),
    ],
)
def test_what_a_worker_makes_a_dead_letter_of_is_counted_and_changes_nothing(
    refused: Record,
) -> None:
    replayed = replay([refused])
    assert (replayed.folded, replayed.rejected) == (0, 1)
    assert (len(replayed.profiles), len(replayed.trends)) == (0, 0)


def test_a_co_visit_that_trending_refuses_is_in_the_profile_all_the_same() -> None:
    beyond = MAX_AT * 10  # a record's time in the wrong unit; the event names none itself
    replayed = replay([record(click(at=None), offset=0, at=beyond)])
    assert (replayed.folded, len(replayed.profiles), len(replayed.trends)) == (1, 1, 0)


def test_an_event_without_a_time_happened_when_it_was_received() -> None:
    replayed = replay([record(click(at=None), offset=0, at=77.0)])
    assert replayed.profiles.shards[0]["ann"].history[0].at == 77.0


def test_a_watch_hears_what_was_known_before_and_after_and_of_each_co_visit() -> None:
    class Diary:
        def __init__(self) -> None:
            self.lines: list[tuple[str, int, bool, bool]] = []
            self.visits: list[tuple[str, int]] = []

        def folded(
            self, record: Record, user_id: str, before: Profile | None, after: Profile | None
        ) -> None:
            self.lines.append((user_id, record.offset, before is not None, after is not None))

        def visited(self, item_id: str, visit: CoVisit) -> None:
            self.visits.append((item_id, visit.offset))

    diary = Diary()

    async def main() -> None:
        replaying = Replaying(NAMES, RULES, watch=diary)
        for offset, event in enumerate([click(), b"{", click(item="emma"), Forget(user_id="ann")]):
            await replaying.fold(record(event, offset=offset))

    asyncio.run(main())
    assert diary.lines == [
        ("ann", 0, False, True),
        ("ann", 2, True, True),
        ("ann", 3, True, False),
    ]
    assert diary.visits == [("dune", 0), ("emma", 2)]
