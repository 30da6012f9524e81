"""
A model in every state a model can be in, over real HTTP, beside a real worker on a real topic.

Whatever the model does, every event is answered by a first revision; what it does is on the second.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from agents.scraping import Figures
from slates.draft import decode_draft
from slates.slate import Slate, decode_slate
from slates.testing import ModelServer, Script, Step
from slates.testing.script import after, answering, cut, failing, hang, no_completion, prose, say
from streams import topics
from streams.embedded import EmbeddedBroker
from streams.events import Forget, Interaction, encode_event
from streams.kafka import Broker
from streams.requests import SlateRequest, encode_request
from tests.support.drills import PARTITIONS, Drill
from tests.support.wire import everything, first, send

ROLES = "profiling,trending,recommending,refining"
APART = "profiling,trending,recommending"
RATE = 30.0
WITHIN = 2.0
REST = 1.0
"""Seconds for which the breaker leaves a model alone."""
STEADY = 1.5
"""Seconds between two looks; the worker itself looks at its lag once a second."""
COUNTED = ("headwater_slates_total", "headwater_degraded_total", "headwater_refinements_total")
INDEXED = 3.0
"""Seconds after which words and titles of what was announced are known: they come a step behind."""
NOBODY = "http://127.0.0.1:1/v1"
PATIENCE = 120.0


@pytest.fixture
def mock() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as embedded:
        yield embedded


@pytest.fixture
async def drill(mock: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Drill]:
    broker = Broker(mock.bootstrap, fetch_wait=0.01)
    async with Drill(broker, prefix="", folder=tmp_path) as made:
        for name in dict(made.names):
            mock.declare(name, PARTITIONS)
        await made.announce(100)
        yield made


def asking(base_url: str, **more: str) -> dict[str, str]:
    """Settings of a worker that refines every slate."""
    return {
        "HEADWATER_MODEL__BASE_URL": base_url,
        "HEADWATER_MODEL__SMALL": "small",
        "HEADWATER_MODEL__BREAKER_REST": str(REST),
        "HEADWATER_MODEL__RETRIES": "0",
        "HEADWATER_BUDGET__USER_TOKENS": "100000000",
        "HEADWATER_BUDGET__HOUR_TOKENS": "100000000",
        "HEADWATER_SLATES__REFINEMENT": "rerank",
        "HEADWATER_SLATES__REFINE_WHEN": '["always"]',
        "HEADWATER_SLATES__REFINE_WITHIN": str(WITHIN),
        "HEADWATER_ENHANCE__USERS": "false",
        "HEADWATER_ENHANCE__ITEMS": "off",
        "HEADWATER_COMMIT_INTERVAL": "0.2",
        **more,
    }


async def slates(drill: Drill) -> list[Slate]:
    """All that is on `recommendations`, in order per user."""
    records = await everything(drill.broker, drill.name(topics.RECOMMENDATIONS))
    return [decode_slate(record.value) for record in records if record.value is not None]


def seconds(found: Sequence[Slate]) -> list[Slate]:
    return [slate for slate in found if slate.revision == 2]


async def second(drill: Drill) -> Slate:
    """The first second revision."""
    found = await first(
        drill.broker,
        drill.name(topics.RECOMMENDATIONS),
        lambda r: r.value is not None and decode_slate(r.value).revision == 2,
    )
    return decode_slate(found.value or b"")


def marks(found: Sequence[Slate]) -> Counter[str]:
    """What slates say of the model: the first revision where it was known, else the second."""
    lines = (slate.degraded[-1] for slate in found if slate.degraded)
    return Counter(line for line in lines if line.startswith("model: "))


def degraded(figures: Figures) -> dict[str, float]:
    return {
        kind: count
        for kind, count in figures.by("headwater_degraded_total", "kind").items()
        if kind.startswith("model: ") and count
    }


async def drafted(drill: Drill, count: int) -> None:
    """Until so many drafts are on the topic."""
    async with asyncio.timeout(PATIENCE):
        while len(await everything(drill.broker, drill.name(topics.SLATE_DRAFTS))) < count:
            await asyncio.sleep(0.05)


async def settled(drill: Drill, worker: object) -> Figures:
    """The worker's figures once nothing is under way, nor was at the look before."""
    before = None
    async with asyncio.timeout(PATIENCE):
        while True:
            figures = await asyncio.to_thread(worker.figures)  # type: ignore[attr-defined]
            lag = figures.total("headwater_consumer_lag")
            idle = not lag and not figures.total("headwater_drafts_in_flight")
            said = [figures.total(name) for name in COUNTED]
            if idle and said == before:
                return figures
            before = said
            await asyncio.sleep(STEADY)


# -- a model that answers


@pytest.mark.parametrize("speaks", [say(answering), say(prose)], ids=["schema", "prose"])
async def test_a_model_that_answers_makes_a_second_revision_of_the_same_slate(
    drill: Drill, speaks: Step
) -> None:
    async with ModelServer(Script(then=speaks)) as server:
        worker = await drill.ready("one", roles=ROLES, **asking(server.base_url))
        await drill.stream(rate=RATE, seconds=2)
        figures = await settled(drill, worker)
        outcome = await drill.finish()
    assert not outcome.damage
    found = await slates(drill)
    firsts = {slate.slate_id: slate for slate in found if slate.revision == 1}
    refined = [slate for slate in seconds(found) if slate.ranked_by == "model"]
    assert refined
    for slate in refined:
        before = firsts[slate.slate_id]
        assert (slate.trigger, slate.user_id) == (before.trigger, before.user_id)
        assert before.refinement == slate.refinement == "asked: always"
        assert len(slate.items) == len(before.items)
        assert slate.versions.model == "small"
        assert all(item.reasons for item in slate.items)
    assert sum(slate.tokens for slate in refined) > 0  # the cache has some answers, for nothing
    outcomes = figures.by("headwater_refinements_total", "outcome")
    assert outcomes["refined"] == len(refined)
    assert figures.total("headwater_event_to_slate_seconds_count") == len(firsts)
    spoken = "".join(str(asked.body) for asked in server.requests)
    assert "user-" not in spoken  # no user id leaves


async def test_a_newer_slate_of_a_user_ends_what_the_older_one_waits_for(drill: Drill) -> None:
    async with ModelServer(Script(then=after(3.0, say(answering)))) as server:
        patient = asking(server.base_url, HEADWATER_SLATES__REFINE_WITHIN="60")
        worker = await drill.ready("one", roles=ROLES, **patient)
        for n in range(3):
            click = Interaction(user_id="ann", item_id=f"item-{n}", action="click")
            await send(drill.broker, drill.name(topics.EVENTS), (b"ann", encode_event(click)))
            await drafted(drill, n + 1)
        figures = await settled(drill, worker)
    found = await slates(drill)
    assert [slate.revision for slate in found] == [1, 1, 1, 2]
    assert found[3].slate_id == found[2].slate_id
    outcomes = figures.by("headwater_refinements_total", "outcome")
    assert (outcomes["cancelled"], outcomes["refined"]) == (2, 1)


async def test_a_worker_that_only_refines_needs_nothing_but_drafts(
    drill: Drill, tmp_path: Path
) -> None:
    async with ModelServer() as server:
        settings = asking(server.base_url)
        maker = await drill.ready("one", roles=APART, **settings)
        refiner = await drill.ready("two", roles="refining", **settings)
        await drill.stream(rate=RATE, seconds=2)
        await settled(drill, maker)
        figures = await settled(drill, refiner)
        outcome = await drill.finish()
    assert not outcome.damage
    assert figures.by("headwater_refinements_total", "outcome")["refined"] > 0
    assert figures.by("headwater_replica_ready", "replica") == {}
    assert not list((tmp_path / "two").rglob("item-vectors*"))
    assert any(slate.ranked_by == "model" for slate in await slates(drill))


async def test_who_is_forgotten_while_a_model_thinks_gets_no_second_revision(
    drill: Drill,
) -> None:
    async with ModelServer(Script(then=after(3.0, say(answering)))) as server:
        patient = asking(server.base_url, HEADWATER_SLATES__REFINE_WITHIN="60")
        worker = await drill.ready("one", roles=ROLES, **patient)
        click = Interaction(user_id="ann", item_id="item-1", action="click")
        await send(drill.broker, drill.name(topics.EVENTS), (b"ann", encode_event(click)))
        await drafted(drill, 1)
        forget = encode_event(Forget(user_id="ann"))
        await send(drill.broker, drill.name(topics.EVENTS), (b"ann", forget))
        await first(drill.broker, drill.name(topics.SLATE_DRAFTS), lambda r: r.value is None)
        await asyncio.sleep(4.0)  # the model would have answered by now
        await settled(drill, worker)
    records = await everything(drill.broker, drill.name(topics.RECOMMENDATIONS))
    assert [record.value is None for record in records] == [False, True]


async def test_a_request_in_words_reaches_the_model_only_where_the_setting_lets_it(
    drill: Drill,
) -> None:
    async with ModelServer() as server:
        settings = asking(server.base_url, HEADWATER_PRIVACY__USER_TEXT="true")
        await drill.ready("one", roles=ROLES, **settings)
        asked = SlateRequest(user_id="ann", words="something about the sea")
        name = drill.name(topics.SLATE_REQUESTS)
        await send(drill.broker, name, (b"ann", encode_request(asked)))
        slate = await second(drill)
    assert (slate.refinement, slate.ranked_by) == ("asked: words", "model")


async def test_what_a_model_names_out_of_the_whole_catalogue_comes_up_and_nothing_else(
    drill: Drill,
) -> None:
    """Most of these are not on the shortlist of a stranger, which has some 20 of 400."""
    await drill.announce(300, prefix="rare")
    titles = [*(f"Item {n}" for n in range(281, 300)), "Never Made"]
    named = [{"title": title, "year": None} for title in titles]
    speaks = say(json.dumps({"titles": named}))
    async with ModelServer(Script(then=speaks)) as server:
        await drill.ready("one", roles=ROLES, **asking(server.base_url))
        await asyncio.sleep(INDEXED)
        asked = SlateRequest(user_id="ann", strategy="generate")
        name = drill.name(topics.SLATE_REQUESTS)
        await send(drill.broker, name, (b"ann", encode_request(asked)))
        slate = await second(drill)
    assert slate.ranked_by == "model", slate.degraded
    brought = [item for item in slate.items if "model" in item.sources]
    assert {item.item_id for item in brought} <= {f"rare-{n}" for n in range(281, 300)}
    assert brought
    assert all(item.reasons for item in brought)
    assert "reply: repaired, 1 unknown, 1 missing, 1 outside_catalogue" in slate.degraded


async def test_a_request_in_words_finds_items_by_their_words(drill: Drill) -> None:
    await drill.announce(300, prefix="rare")
    async with ModelServer() as server:
        settings = asking(server.base_url, HEADWATER_PRIVACY__USER_TEXT="true")
        await drill.ready("one", roles=ROLES, **settings)
        await asyncio.sleep(INDEXED)
        asked = SlateRequest(user_id="ann", words="the one called 290")
        name = drill.name(topics.SLATE_REQUESTS)
        await send(drill.broker, name, (b"ann", encode_request(asked)))
        draft = await first(drill.broker, drill.name(topics.SLATE_DRAFTS), lambda r: bool(r.value))
    candidates = decode_draft(draft.value or b"").candidates
    assert "rare-290" in {each.item_id for each in candidates}


# -- models that do not


WRONG: dict[str, tuple[Step | None, set[str]]] = {
    "dead": (None, {"unreachable", "breaker-open"}),
    "silent for 30 s": (after(30.0, say(answering)), {"timeout", "breaker-open"}),
    "hanging": (hang, {"timeout", "breaker-open"}),
    "429 at every call": (failing(429, retry_after="1"), {"rate-limited", "breaker-open"}),
    "garbage": (say("I am a teapot."), {"unusable", "empty", "breaker-open"}),
    "half a reply": (no_completion, {"malformed", "breaker-open"}),
    "cut streams": (cut, {"unreachable", "malformed", "breaker-open"}),
}


@pytest.mark.parametrize(("does", "reasons"), WRONG.values(), ids=WRONG)
async def test_whatever_a_model_does_every_slate_leaves_and_each_failure_is_seen(
    drill: Drill, does: Step | None, reasons: set[str]
) -> None:
    async with ModelServer(Script(then=does or hang)) as server:
        base_url = server.base_url if does else NOBODY
        worker = await drill.ready("one", roles=ROLES, **asking(base_url))
        await drill.stream(rate=RATE, seconds=4)
        figures = await settled(drill, worker)
        outcome = await drill.finish()
    assert not outcome.damage
    assert not outcome.exits
    found = await slates(drill)
    said = marks(found)
    seen = {line.removeprefix("model: ") for line in said}
    assert seen & reasons
    assert seen <= reasons | {"timeout", "busy"}  # a machine that is busy elsewhere is slow, too
    assert dict(said) == degraded(figures)
    assert all(slate.ranked_by == "engine" for slate in seconds(found))
    firsts = {slate.slate_id: slate for slate in found if slate.revision == 1}
    for slate in seconds(found):
        assert slate.items == firsts[slate.slate_id].items


async def test_a_breaker_opens_and_closes_again_and_slates_show_both(drill: Drill) -> None:
    """A model that fails 5 times is left alone for a second, tried, and asked again."""
    async with ModelServer(Script(*[failing(500)] * 5)) as server:
        worker = await drill.ready("one", roles=ROLES, **asking(server.base_url))
        await drill.stream(rate=RATE, seconds=5)
        await settled(drill, worker)
        outcome = await drill.finish()
    assert not outcome.damage
    told = [slate for slate in await slates(drill) if slate.degraded or slate.revision == 2]
    found = sorted(told, key=lambda slate: slate.produced_at)
    kinds = [
        "model" if slate.ranked_by == "model" else slate.degraded[-1].removeprefix("model: ")
        for slate in found
    ]
    assert "server-error" in kinds
    assert "breaker-open" in kinds
    assert kinds[-1] == "model"
    opened, closed = kinds.index("breaker-open"), kinds.index("model")
    assert opened < closed
    waited = found[closed].produced_at - found[opened].produced_at
    assert waited > REST / 2
