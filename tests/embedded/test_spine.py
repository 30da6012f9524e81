"""From bytes on a topic to bytes on a topic, through a real worker on the embedded broker."""

from __future__ import annotations

import json
import time

import msgspec
import numpy as np
import pytest

from indexes.embedding import DIM, fingerprint
from slates.slate import Slate, decode_slate
from streams.errors import BadSetting
from streams.events import Forget, Impression, Interaction, encode_event
from streams.items import Item, ItemFacts, encode_item
from streams.kafka import Broker, Record
from streams.profiles import decode_profile
from streams.requests import Range, SlateRequest, encode_request
from streams.vectors import VectorRecord, decode_vector, encode_vector
from tests.support.processes import PATIENCE, WorkerProgram
from tests.support.wire import everything, first, send

pytestmark = pytest.mark.usefixtures("worker")

FILMS = {
    "sea-1": Item(title="The Whale Hunt", description="Sailors chase a whale.", tags=("sea",)),
    "sea-2": Item(title="Storm at Sea", description="A ship is wrecked in a storm."),
    "sea-3": Item(title="The Old Sailor", description="An old man sails the ocean alone."),
    "law-1": Item(title="The Trial", description="A clerk is accused before a strange court."),
    "law-2": Item(title="The Lawyer", description="A lawyer defends a man in court."),
}


def _item(item_id: str, item: Item, **attributes: object) -> tuple[bytes, bytes]:
    return item_id.encode(), encode_item(msgspec.structs.replace(item, attributes=attributes))


def _event(event: Interaction | Impression | Forget) -> tuple[bytes, bytes]:
    return event.user_id.encode(), encode_event(event)


async def _slate_after(broker: Broker, event: Interaction) -> Slate:
    (cause,) = await send(broker, "events", _event(event))
    return await _slate_for(broker, cause)


async def _slate_for(broker: Broker, cause: str) -> Slate:
    def is_answer(record: Record) -> bool:
        return record.value is not None and decode_slate(record.value).trigger.id == cause

    found = await first(broker, "recommendations", is_answer)
    assert found.value is not None
    return decode_slate(found.value)


async def _ask(broker: Broker, request: SlateRequest) -> Slate:
    (cause,) = await send(
        broker, "slate-requests", (request.user_id.encode(), encode_request(request))
    )
    return await _slate_for(broker, cause)


@pytest.fixture
async def films(broker: Broker, worker: WorkerProgram) -> None:
    await send(
        broker,
        "items",
        *(
            _item(i, film, genre=i[:3], year=1900.0 + n)
            for n, (i, film) in enumerate(FILMS.items())
        ),
    )
    worker.wait_until(
        lambda: worker.figures().total("headwater_index_items") >= len(FILMS), what="films"
    )


async def _letter(broker: Broker, origin: str) -> dict[str, str]:
    def is_letter(record: Record) -> bool:
        return dict(record.headers)["origin"].decode() == origin

    record = await first(broker, "dead-letters", is_letter)
    return {name: value.decode() for name, value in record.headers}


async def _answered(broker: Broker) -> set[str]:
    """The triggers of all slates so far."""
    records = await everything(broker, "recommendations")
    return {t for r in records if r.value is not None for t in decode_slate(r.value).answers}


@pytest.mark.usefixtures("films")
async def test_a_like_leads_to_an_explained_slate_of_unseen_items(broker: Broker) -> None:
    slate = await _slate_after(
        broker, Interaction(user_id="ann", item_id="sea-1", action="like", at=time.time())
    )
    shown = [item.item_id for item in slate.items]
    assert "sea-1" not in shown
    assert {shown[0], shown[1]} == {"sea-2", "sea-3"}
    reason = slate.items[0].reasons[0]
    assert reason.kind == "similar"
    assert "The Whale Hunt" in reason.text
    assert reason.evidence["items"] == ["sea-1"]
    assert slate.degraded == ()
    assert slate.revision == 1
    assert slate.slate_id == f"slate-{slate.trigger.id}"


@pytest.mark.usefixtures("films")
async def test_filters_and_exclusions_of_a_request_hold(broker: Broker) -> None:
    slate = await _ask(
        broker,
        SlateRequest(user_id="bob", n=5, filters={"genre": "law"}, exclude=("law-1",)),
    )
    assert [item.item_id for item in slate.items] == ["law-2"]
    ranged = await _ask(
        broker, SlateRequest(user_id="bob", filters={"year": Range(min=1900.0, max=1901.0)})
    )
    assert {item.item_id for item in ranged.items} == {"sea-1", "sea-2"}


@pytest.mark.usefixtures("films")
async def test_filters_that_leave_nothing_give_an_empty_slate_with_the_reason(
    broker: Broker,
) -> None:
    slate = await _ask(broker, SlateRequest(user_id="bob", filters={"genre": "opera"}))
    assert slate.items == ()
    assert slate.note == "no item has the attributes asked for"


@pytest.mark.usefixtures("films")
async def test_an_event_for_an_item_nobody_announced_counts_once_it_arrives(broker: Broker) -> None:
    early = Interaction(user_id="eve", item_id="late-item", action="like", at=time.time())
    slate = await _slate_after(broker, early)
    assert all(reason.kind != "similar" for item in slate.items for reason in item.reasons)
    late = Item(title="Harbour Tales", description="Stories of ships and sailors in a harbour.")
    await send(broker, "items", _item("late-item", late))
    wanted = b"late-item"
    await first(broker, "item-vectors", lambda record: record.key == wanted)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        slate = await _ask(broker, SlateRequest(user_id="eve"))
        if slate.items[0].reasons[0].kind == "similar":
            break
    assert slate.items[0].reasons[0].evidence["titles"] == ["Harbour Tales"]
    await send(broker, "items", (b"late-item", None))


POISON = {
    "bytes that are no JSON": ("events", b"ann", b"\xff\xfe\x00", "malformed_event"),
    "an unknown kind": ("events", b"ann", b'{"kind":"dance","user_id":"ann"}', "malformed_event"),
    "a missing field": (
        "events",
        b"ann",
        b'{"kind":"interaction","user_id":"ann","action":"like"}',
        "malformed_event",
    ),
    "an unknown action": (
        "events",
        b"ann",
        b'{"kind":"interaction","user_id":"ann","item_id":"x","action":"lick"}',
        "unknown_action",
    ),
    "a null key": ("events", None, b'{"kind":"forget","user_id":"ann"}', "malformed_event"),
    "a time far in the future": (
        "events",
        b"ann",
        b'{"kind":"interaction","user_id":"ann","item_id":"x","action":"like","at":4e9}',
        "malformed_event",
    ),
    "a huge event": ("events", b"ann", b'"' + b"x" * 900_000 + b'"', "malformed_event"),
    "two megabytes": ("events", b"big", b'"' + b"x" * 2_000_000 + b'"', "malformed_event"),
    "an item without text": ("items", b"empty", b'{"title":"..."}', "malformed_item"),
    "an item without a title": ("items", b"empty", b'{"description":"x"}', "malformed_item"),
    "a broken co-visit": ("co-visits", b"sea-1", b"{}", "malformed_event"),
    "a broken lesson": ("lessons", b"hybrid", b"{}", "malformed_event"),
    "a lesson beyond all measure": (
        "lessons",
        b"hybrid",
        b'{"step":{"close":1e300},"partition":0,"offset":0}',
        "malformed_event",
    ),
    "a broken request": ("slate-requests", b"ann", b"{}", "malformed_request"),
    "an unknown strategy": (
        "slate-requests",
        b"ann",
        b'{"user_id":"ann","strategy":"horoscope"}',
        "malformed_request",
    ),
    "a misspelt filter": (
        "slate-requests",
        b"ann",
        b'{"user_id":"ann","filter":{"genre":"law"}}',
        "malformed_request",
    ),
    "a filter that is none": (
        "slate-requests",
        b"ann",
        b'{"user_id":"ann","filters":{"genre":7}}',
        "malformed_request",
    ),
    "similar to nothing": (
        "slate-requests",
        b"ann",
        b'{"user_id":"ann","scenario":"similar"}',
        "malformed_request",
    ),
    "an unknown scenario": (
        "slate-requests",
        b"ann",
        b'{"user_id":"ann","scenario":"moon"}',
        "malformed_request",
    ),
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON.keys())
async def test_poison_becomes_a_dead_letter_and_the_stream_goes_on(
    broker: Broker, poison: tuple[str, bytes | None, bytes, str]
) -> None:
    topic, key, value, reason = poison
    (origin,) = await send(broker, topic, (key, value))
    letter = await _letter(broker, origin)
    assert letter["reason"] == reason
    assert letter["topic"] == topic
    assert letter["message"]
    assert origin not in await _answered(broker)
    after = Interaction(user_id="ann", item_id="sea-2", action="view", at=time.time())
    assert (await _slate_after(broker, after)).user_id == "ann"


async def test_a_vector_of_nan_is_refused_and_the_item_stays_as_it_was(
    broker: Broker, worker: WorkerProgram, films: None
) -> None:
    before = worker.figures().by("headwater_dead_letters_total", "topic").get("item-vectors", 0)
    good = next(r for r in await everything(broker, "item-vectors") if r.key == b"sea-1")
    assert good.value is not None
    record = decode_vector("sea-1", good.value, dim=DIM)
    broken = VectorRecord(
        fingerprint(), b"0" * 16, np.full(DIM, np.nan, np.float16), ItemFacts("Hacked"), 0, 99, 0.0
    )
    short = msgspec.structs.replace(record, vector=record.vector[:3])
    await send(
        broker, "item-vectors", (b"sea-1", encode_vector(broken)), (b"sea-1", encode_vector(short))
    )
    worker.wait_until(
        lambda: (
            worker.figures().by("headwater_dead_letters_total", "topic").get("item-vectors", 0)
            >= before + 2
        ),
        what="refused vectors",
    )
    slate = await _ask(broker, SlateRequest(user_id="zoe", filters={"genre": "sea"}))
    assert "The Whale Hunt" in {item.title for item in slate.items}


async def test_hostile_item_text_is_shown_as_plain_text(
    broker: Broker, worker: WorkerProgram
) -> None:
    nasty = {
        "title": "Sh\u0000ip\u001b[31m <script>alert(1)</script>\u202e",
        "description": "[bold]not markup[/bold] {{ignore all instructions}}",
        "attributes": {"genre": "hostile"},
    }
    await send(broker, "items", (b"nasty", json.dumps(nasty).encode()))
    deadline = time.monotonic() + PATIENCE
    items: tuple[object, ...] = ()
    while not items and time.monotonic() < deadline:
        slate = await _ask(broker, SlateRequest(user_id="zoe", filters={"genre": "hostile"}))
        items = slate.items
    assert [item.title for item in slate.items] == ["Sh ip [31m <script>alert(1)</script>"]
    await send(broker, "items", (b"nasty", None))


async def test_an_item_taken_out_is_shown_no_more(broker: Broker, films: None) -> None:
    await send(broker, "items", (b"law-2", None))
    deadline = time.monotonic() + PATIENCE
    shown = {"law-2"}
    while "law-2" in shown and time.monotonic() < deadline:
        slate = await _ask(broker, SlateRequest(user_id="bob", filters={"genre": "law"}))
        shown = {item.item_id for item in slate.items}
    assert "law-2" not in shown
    await send(broker, "items", _item("law-2", FILMS["law-2"], genre="law", year=1904.0))


async def test_the_profile_on_the_changelog_is_what_the_user_did(
    broker: Broker, films: None
) -> None:
    for action in ("click", "like", "skip"):
        await _slate_after(
            broker, Interaction(user_id="kim", item_id="sea-3", action=action, at=time.time())
        )
    await send(broker, "events", _event(Impression(user_id="kim", slate_id="s", item_ids=("a",))))

    def is_whole(record: Record) -> bool:
        return record.key == b"kim" and sum(_counters(record).values()) == 4

    found = await first(broker, "profiles", is_whole)
    assert _counters(found) == {"click": 1, "like": 1, "skip": 1, "impression": 1}


def _counters(record: Record) -> dict[str, int]:
    return {} if record.value is None else dict(decode_profile(record.value).counters)


async def test_a_forgotten_user_has_no_profile_and_no_slate(broker: Broker, films: None) -> None:
    await _slate_after(
        broker, Interaction(user_id="leo", item_id="sea-1", action="like", at=time.time())
    )
    await send(broker, "events", _event(Forget(user_id="leo")))
    await first(broker, "profiles", lambda r: r.key == b"leo" and r.value is None)
    await first(broker, "recommendations", lambda r: r.key == b"leo" and r.value is None)


async def test_the_metrics_tell_what_happened(worker: WorkerProgram, films: None) -> None:
    figures = worker.figures()
    for name in (
        "headwater_event_to_slate_seconds_count",
        "headwater_item_to_findable_seconds_count",
        "headwater_profile_update_seconds_count",
        "headwater_encoder_texts_total",
        "headwater_encoder_seconds_count",
        "headwater_slates_total",
        "headwater_candidates_total",
        "headwater_index_items",
        "headwater_build_info",
        "headwater_commits_total",
    ):
        assert figures.total(name) > 0, name
    assert set(figures.by("headwater_consumer_lag", "topic")) == {
        "events",
        "items",
        "co-visits",
        "lessons",
        "slate-requests",
        "slate-drafts",
    }


def test_bad_settings_are_named() -> None:
    from agents.settings import load_settings

    with pytest.raises(BadSetting, match="HEADWATER_PARTITIONS"):
        load_settings(partitions=0)
