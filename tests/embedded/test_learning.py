"""A worker learns: events teach lessons, lessons a ranker, and the ranker is what slates go by."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import pytest

from agents.catalogue import Catalogue
from agents.lookup import Log
from agents.testing import HashEncoder
from indexes.embedding import fingerprint
from slates.building import build
from slates.config import DAY, SlateConfig
from slates.ranking import START
from slates.slate import Slate, decode_slate
from streams.embedded import EmbeddedBroker
from streams.events import Interaction, encode_event
from streams.items import ItemFacts, content_hash
from streams.kafka import Broker, Record
from streams.profiles import decode_profile
from streams.rankers import Ranker, decode_lesson, decode_ranker
from streams.requests import SlateRequest, encode_request
from streams.topics import Topics
from streams.trends import Trend, decode_trend
from streams.vectors import VectorRecord, encode_vector
from tests.support.processes import PATIENCE, WorkerProgram
from tests.support.wire import everything, first, send

ROLES = "profiling,trending,learning,recommending"
WAY = ("dune", "emma", "moby")
"""Everybody comes to these, in this order."""
OTHERS = tuple(f"other-{n}" for n in range(20))
GROUPS, USERS = 3, 18
"""The first group teaches little: nobody has gone before it."""


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """One for these tests alone: what others do would be learned too."""
    with EmbeddedBroker() as embedded:
        for name, partitions in Topics(prefix="", partitions=4).partition_counts().items():
            embedded.declare(name, partitions)
        yield Broker(embedded.bootstrap, fetch_wait=0.01)


@pytest.fixture(scope="module")
def settings(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return {
        "HEADWATER_BROKER": broker.bootstrap,
        "HEADWATER_STATE_DIR": str(tmp_path_factory.mktemp("state")),
        "HEADWATER_COMMIT_INTERVAL": "0.2",
        "HEADWATER_LESSONS_PER_SECOND": "1000",
    }


@pytest.fixture(scope="module")
def worker(
    broker: Broker, settings: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WorkerProgram]:
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    with WorkerProgram(settings=settings, log=log, roles=ROLES) as program:
        yield program.wait_ready()


def _vector(item_id: str) -> bytes:
    row, facts = HashEncoder()([item_id])[0], ItemFacts(item_id)
    return encode_vector(VectorRecord(fingerprint(), content_hash(item_id), row, facts, 0, 0, 0.0))


@pytest.fixture
async def walked(broker: Broker, worker: WorkerProgram) -> None:
    """The first to ask sends everybody on their way."""
    if await everything(broker, "events"):
        return
    vectors = [(item_id.encode(), _vector(item_id)) for item_id in (*WAY, *OTHERS)]
    await send(broker, "item-vectors", *vectors)
    worker.wait_until(
        lambda: worker.figures().total("headwater_index_items") == len(vectors), what="items"
    )
    for group in range(GROUPS):
        size = USERS // GROUPS
        await _walk(broker, worker, users=range(group * size, (group + 1) * size))


async def _walk(broker: Broker, worker: WorkerProgram, *, users: range) -> None:
    """A group of users, each step together; returns once the trends tell of all of them."""
    for item_id in WAY:
        await _step(broker, worker, item_id=item_id, users=users)

    def tells(record: Record) -> bool:
        return record.key == WAY[-1].encode() and _trend(record).interactions >= users.stop

    await first(broker, "item-trends", tells)


async def _step(broker: Broker, worker: WorkerProgram, *, item_id: str, users: range) -> None:
    folded = worker.figures().total("headwater_co_visits_folded_total")
    events = [
        Interaction(user_id=f"user-{n}", item_id=item_id, action="like", at=time.time())
        for n in users
    ]
    await send(broker, "events", *((e.user_id.encode(), encode_event(e)) for e in events))
    worker.wait_until(
        lambda: worker.figures().total("headwater_co_visits_folded_total") >= folded + len(users),
        what="co-visits",
    )


def _trend(record: Record) -> Trend:
    return Trend() if record.value is None else decode_trend(record.value)


def _ranker(record: Record) -> Ranker:
    return Ranker() if record.value is None else decode_ranker(record.value)


async def _learned(broker: Broker) -> Ranker:
    """The ranker that contains all lessons."""
    lessons = len(await everything(broker, "lessons"))
    return _ranker(await first(broker, "rankers", lambda r: _ranker(r).lessons >= lessons))


@pytest.mark.usefixtures("walked")
async def test_trends_say_how_many_people_came_from_where(broker: Broker) -> None:
    def is_whole(record: Record) -> bool:
        return record.key == b"moby" and _trend(record).interactions == USERS

    before = _trend(await first(broker, "item-trends", is_whole)).predecessors
    assert dict(zip(before.item_ids, before.supporters, strict=True)) == {
        "emma": USERS,
        "dune": USERS,
    }
    assert before.near[before.item_ids.index("emma")] > before.near[before.item_ids.index("dune")]


@pytest.mark.usefixtures("walked")
async def test_lessons_are_keyed_by_strategy_and_name_nobody(broker: Broker) -> None:
    await first(broker, "lessons", lambda record: True)
    lessons = await everything(broker, "lessons")
    assert {record.key for record in lessons} == {b"hybrid"}
    for record in lessons:
        assert not [word for word in ("user-", *WAY) if word.encode() in (record.value or b"")]
    places = [decode_lesson(record.value or b"") for record in lessons]
    assert len({(lesson.partition, lesson.offset) for lesson in places}) == len(lessons)


@pytest.mark.usefixtures("walked")
async def test_the_ranker_learns_that_people_go_where_others_went(broker: Broker) -> None:
    ranker = await _learned(broker)
    assert ranker.lessons > 0
    assert ranker.weights["onward"] > START["onward"]


@pytest.mark.usefixtures("walked")
async def test_slates_go_by_what_was_learned(broker: Broker, worker: WorkerProgram) -> None:
    await _learned(broker)
    deadline = time.monotonic() + PATIENCE
    while True:
        slate = await _ask(broker, SlateRequest(user_id="user-0"))
        found = {item.item_id: item.score for item in slate.items}
        learned = await _scores(broker, slate, taught=True)
        untaught = await _scores(broker, slate, taught=False)
        if found == pytest.approx(learned, abs=1e-4) or time.monotonic() > deadline:
            break
    assert found == pytest.approx(learned, abs=1e-4)
    assert found != pytest.approx(untaught, abs=1e-4)
    assert worker.figures().by("headwater_replica_ready", "replica")["rankers"] == 1


async def _ask(broker: Broker, request: SlateRequest) -> Slate:
    (cause,) = await send(
        broker, "slate-requests", (request.user_id.encode(), encode_request(request))
    )

    def is_answer(record: Record) -> bool:
        return record.value is not None and decode_slate(record.value).trigger.id == cause

    return decode_slate((await first(broker, "recommendations", is_answer)).value or b"")


async def _scores(broker: Broker, slate: Slate, *, taught: bool) -> dict[str, float]:
    """What the items of a slate score by the log, with or without what was learned."""
    log = Log(broker, Topics(prefix="", partitions=4))
    catalogue: Catalogue
    catalogue, refused = await log.catalogue(half_life=7 * DAY)
    assert refused == []
    assert catalogue.weights("hybrid")
    if not taught:
        catalogue.learn("hybrid", None)
    profiled = [r for r in await everything(broker, "profiles") if r.key == b"user-0"]
    request = SlateRequest(user_id="user-0", trigger=slate.trigger)
    profile = decode_profile(profiled[-1].value or b"")
    built = build(request, profile, catalogue, now=slate.trigger.at, config=SlateConfig())
    shortlist = built.shortlist
    ids = shortlist.candidates.item_ids
    scores = dict(zip(ids, shortlist.scores.tolist(), strict=True))
    return {item.item_id: scores.get(item.item_id, 0.0) for item in slate.items}


@pytest.mark.usefixtures("walked")
async def test_a_worker_that_comes_back_after_kill_9_goes_on_from_what_was_learned(
    broker: Broker, worker: WorkerProgram, settings: Mapping[str, str]
) -> None:
    before = await _learned(broker)
    worker.kill()
    log = worker.log.with_name("second.log")
    with WorkerProgram(settings=settings, log=log, roles=ROLES) as second:
        second.wait_ready()
        await _walk(broker, second, users=range(USERS, USERS + 6))
        after = await _learned(broker)
    assert after.lessons > before.lessons
    assert all(after.applied[p] >= offset for p, offset in before.applied.items())
    assert after.weights["onward"] > before.weights["onward"]
