"""What is current is told from what is only left, and a user from items and others alike."""

from __future__ import annotations

import numpy as np
import pytest

from agents.mentions import Name
from agents.traces import TopicTraces, Trace, partitions_of, settle
from indexes.embedding import DIM
from slates.draft import encode_draft
from streams import topics
from streams.deadletters import dead_letter
from streams.errors import MalformedEvent
from streams.events import Forget, Interaction, encode_event
from streams.items import ItemFacts
from streams.kafka import Record
from streams.origins import Origin
from streams.profiles import Entry, Profile, encode_profile
from streams.topics import Topic
from streams.trends import Trend, encode_trend
from streams.vectors import VectorRecord, encode_vector
from tests.support.drafted import draft_of

CLICK = Interaction(user_id="7", item_id="dune", action="click", at=1.0)
HISTORY = (Entry(1.0, "7", "click", 1.0), Entry(2.0, "a", "like", 2.0))
PROFILE = encode_profile(Profile(history=HISTORY))


def looking(topic: Topic, *, reading: dict[int, int] | None = None) -> TopicTraces:
    return TopicTraces(topic, f"shop.{topic.name}", Name("7"), reading or {})


def seen(
    topic: Topic,
    *records: tuple[bytes | None, bytes | None],
    reading: dict[int, int] | None = None,
    headers: tuple[tuple[str, bytes], ...] = (),
) -> TopicTraces:
    """Records with key and value at the offsets 0, 1, …, received at these times."""
    traces = looking(topic, reading=reading)
    for offset, (key, value) in enumerate(records):
        traces.see(Record(f"shop.{topic.name}", 0, offset, key, value, float(offset), headers))
    return traces


def found(topic: Topic, *records: tuple[bytes | None, bytes | None], **more: object) -> Trace:
    return seen(topic, *records, **more).trace()  # type: ignore[arg-type]


# -- compacted topics ------------------------------------------------------------------


def test_the_newest_value_of_a_key_is_current_and_older_ones_are_left() -> None:
    trace = found(topics.PROFILES, (b"7", b"{}"), (b"17", b"{}"), (b"7", PROFILE))
    assert (trace.held, trace.left, trace.removals) == (1, 1, 0)
    assert trace.what == "a profile with 2 interactions"
    assert trace.last == Origin("shop.profiles", 0, 0)


def test_after_a_removal_nothing_is_current_and_all_of_it_is_left() -> None:
    trace = found(topics.PROFILES, (b"7", PROFILE), (b"7", None), (b"8", PROFILE))
    assert (trace.held, trace.left, trace.removals, trace.newest) == (0, 2, 1, 1.0)
    assert trace.what == ""


def test_a_profile_after_the_removal_is_current() -> None:
    assert found(topics.PROFILES, (b"7", PROFILE), (b"7", None), (b"7", PROFILE)).held == 1


def test_what_others_did_with_an_item_of_that_name_is_theirs() -> None:
    assert found(topics.PROFILES, (b"8", PROFILE)) == Trace("shop.profiles")


def test_the_same_user_in_two_partitions_is_there_twice() -> None:
    traces = looking(topics.PROFILES)
    for partition in (1, 3):
        traces.see(Record("shop.profiles", partition, 0, b"7", PROFILE, 0.0))
    traces.see(Record("shop.profiles", 3, 1, b"7", None, 0.0))
    assert traces.trace().held == 1
    assert partitions_of([traces.trace()]) == {1}


@pytest.mark.parametrize("value", [None, b""])
def test_a_draft_is_current_until_it_is_taken_back(value: bytes | None) -> None:
    draft = encode_draft(draft_of())
    assert found(topics.SLATE_DRAFTS, (b"7", draft), (b"7", draft)).held == 1
    assert found(topics.SLATE_DRAFTS, (b"7", draft)).what == "1 draft to be refined"
    assert found(topics.SLATE_DRAFTS, (b"7", draft), (b"7", value)).held == 0
    assert found(topics.SLATE_DRAFTS, (b"8", draft)).held == 0


# -- topics whose records are dealt with once ------------------------------------------


@pytest.mark.parametrize("topic", [topics.EVENTS, topics.SLATE_REQUESTS])
@pytest.mark.parametrize(("reading", "held"), [({}, 2), ({0: 1}, 1), ({0: 3}, 0)])
def test_a_record_is_current_until_a_worker_is_past_it(
    topic: Topic, reading: dict[int, int], held: int
) -> None:
    value = encode_event(CLICK)
    trace = found(topic, (b"7", value), (b"8", b"{}"), (b"7", value), reading=reading)
    assert (trace.held, trace.left) == (held, 2 - held)


def test_the_wish_itself_is_still_to_be_folded() -> None:
    trace = found(topics.EVENTS, (b"7", encode_event(Forget("7"))))
    assert trace.what == "1 event to be folded"


@pytest.mark.parametrize("key", [None, b"8", b"17"])
def test_an_event_under_a_wrong_key_is_theirs_all_the_same(key: bytes | None) -> None:
    assert found(topics.EVENTS, (key, encode_event(CLICK)), reading={0: 1}).left == 1


def test_an_event_of_another_with_an_item_of_that_name_is_not() -> None:
    value = encode_event(Interaction(user_id="17", item_id="7", action="click"))
    assert found(topics.EVENTS, (b"17", value)) == Trace("shop.events")


# -- dead letters ----------------------------------------------------------------------


def letter(value: bytes, *, key: bytes | None = b"x", source: str = "shop.events") -> Trace:
    error = MalformedEvent(f"user '{'7' if b'named' in value else '17'}': no")
    made = dead_letter(Origin(source, 0, 7), key=key, value=value, error=error)
    return found(topics.DEAD_LETTERS, (made.key, made.value), headers=tuple(made.headers))


@pytest.mark.parametrize(
    "value", [b'{"user_id":"7"', b'{"user_id":"7","x":1}', b"7,dune", b"named"]
)
def test_a_dead_letter_names_its_user_by_value_or_message_and_is_never_current(
    value: bytes,
) -> None:
    trace = letter(value)
    assert (trace.held, trace.left) == (0, 1)


def test_a_dead_letter_is_theirs_by_its_key() -> None:
    assert letter(b"\xff", key=b"7").left == 1


def test_where_a_dead_letter_stood_names_nobody() -> None:
    assert letter(b'{"at":7', key=b"17", source="shop.slate-requests").left == 1  # `7` by itself
    assert letter(b'{"at":17', key=b"17").left == 0  # its origin is shop.events-0-7


def test_a_dead_letter_of_an_item_of_that_name_is_the_items() -> None:
    assert letter(b"{", key=b"7", source="shop.items").left == 0


# -- topics about items ----------------------------------------------------------------


def vector(title: str, **attributes: str) -> bytes:
    row = np.ones(DIM, "f2")
    facts = ItemFacts(title, attributes=attributes)
    return encode_vector(VectorRecord(b"12345678", b"0" * 16, row, facts, 0, 7, 7.0))


def test_numbers_and_longer_texts_on_item_topics_name_nobody() -> None:
    for topic, value in (
        (topics.ITEM_TRENDS, encode_trend(Trend(supporters=7, applied={7: 7}))),
        (topics.CO_VISITS, b"[7.0,7.0,true,7,7]"),
        (topics.ITEMS, b'{"item_id":"dune","title":"7 of 17"}'),
        (topics.ITEM_VECTORS, vector("7 of 17")),
    ):
        assert found(topic, (b"dune", value)) == Trace(f"shop.{topic.name}")


@pytest.mark.parametrize(
    ("topic", "value"),
    [
        (topics.ITEMS, b'{"item_id":"dune","title":"Dune","author":"7"}'),
        (topics.ITEM_VECTORS, vector("Dune", author="7")),
        (topics.CO_VISITS, b'[1.0,1.0,true,0,1,"7"]'),
    ],
)
def test_a_record_about_an_item_that_names_the_user_is_current(topic: Topic, value: bytes) -> None:
    trace = found(topic, (b"dune", value))
    assert trace.held == 1
    assert f"shop.{topic.name}-0-0" in trace.what


def test_an_item_that_names_the_user_no_more_is_only_left() -> None:
    trace = found(topics.ITEMS, (b"dune", b'{"by":"7"}'), (b"dune", b'{"by":"8"}'))
    assert (trace.held, trace.left) == (0, 1)


def test_where_an_item_has_the_same_id_it_is_the_item_that_is_named() -> None:
    items = seen(topics.ITEMS, (b"7", b'{"item_id":"7"}'), (b"dune", b'{"sequel":"7"}'))
    profiles = seen(topics.PROFILES, (b"7", PROFILE))
    of_items, of_profiles = settle([items, profiles])
    assert (of_items.held, of_items.left) == (0, 0)
    assert "an item has this id, too" in of_items.note
    assert of_profiles.held == 1


def test_keys_that_end_with_the_id_are_known_as_others() -> None:
    traces = seen(topics.PROFILES, (b"17", PROFILE), (b"7", PROFILE), (b"71", PROFILE))
    assert traces.longer == {b"17"}
