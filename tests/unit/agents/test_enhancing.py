"""Items get words after they can be found: once, from their own text, and nobody waits for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest

from agents.describing import Described
from agents.enhancing import REST, REST_BEHIND
from agents.testing import event_of
from agents.waiting import MANY
from slates.model import Question
from streams.enhancements import ENGINE
from streams.items import Item, content_hash
from tests.support.workshop import (
    CURRENT,
    OWL,
    WHALE,
    Scripted,
    Workshop,
    _at_once,
    _with,
    honest,
    numbered,
)


@pytest.fixture
async def workshop() -> AsyncIterator[Workshop]:
    async with Workshop().open() as made:
        yield made


@pytest.fixture
async def asking() -> AsyncIterator[Workshop]:
    async with Workshop(Scripted(honest)).open() as made:
        yield made


SHORT = Item(item_id="short", title="A short one", description="Nothing to say.")


def questions(workshop: Workshop) -> list[Question]:
    assert isinstance(workshop.model, Scripted)
    return workshop.model.questions


# Without a model
async def test_an_item_can_be_found_first_and_keywords_follow_in_a_second_record(
    workshop: Workshop,
) -> None:
    await workshop.announce(WHALE)
    (first,) = workshop.sent("whale")
    assert first.facts.enhanced is None
    await workshop.enhance()
    _, second = workshop.sent("whale")
    assert second.facts.enhanced is not None
    assert second.facts.enhanced.by == ENGINE
    assert second.facts.summary == WHALE.description
    assert "white whale" in second.facts.tags
    assert (second.partition, second.offset) == (first.partition, first.offset)
    assert second.announced_at == first.announced_at
    assert workshop.count("engine") == 1


async def test_keywords_neither_move_the_vector_nor_ask_the_encoder_again(
    workshop: Workshop,
) -> None:
    await workshop.announce(WHALE)
    await workshop.enhance()
    first, second = workshop.sent("whale")
    assert second.content_hash == first.content_hash == content_hash(WHALE.text())
    assert np.array_equal(first.vector, second.vector)
    assert len(workshop.encoder.batches) == 1


async def test_tags_that_were_picked_can_be_filtered_by(workshop: Workshop) -> None:
    await workshop.announce(WHALE, OWL)
    await workshop.enhance()
    tag = workshop.last("owl").facts.tags[0]
    assert workshop.catalogue.matching({"tags": tag}) == {"owl"}


async def test_a_text_that_is_too_short_is_left_alone(workshop: Workshop) -> None:
    await workshop.announce(SHORT)
    assert await workshop.enhance() == 0
    assert len(workshop.sent("short")) == 1


async def test_what_was_added_survives_a_new_announcement_with_other_facts(
    workshop: Workshop,
) -> None:
    await workshop.announce(WHALE)
    await workshop.enhance()
    await workshop.announce(_with(WHALE, published_at=9.0))
    assert await workshop.enhance() == 0
    last = workshop.last("whale")
    assert (last.facts.published_at, last.offset) == (9.0, 1)
    assert last.facts.enhanced == workshop.sent("whale")[1].facts.enhanced
    assert len(workshop.sent("whale")) == 3


async def test_a_changed_text_is_looked_at_anew(workshop: Workshop) -> None:
    await workshop.announce(WHALE)
    await workshop.enhance()
    await workshop.announce(_with(WHALE, description=OWL.description))
    assert workshop.last("whale").facts.enhanced is None
    await workshop.enhance()
    assert workshop.last("whale").facts.summary == OWL.description


async def test_an_item_that_was_taken_out_stays_out(workshop: Workshop) -> None:
    await workshop.announce(WHALE)
    await workshop.announce("whale")
    assert await workshop.enhance() == 0
    assert workshop.outbox.on("item-vectors")[-1].value is None


# With a model
async def test_a_models_words_are_kept_and_read_by_the_encoder(asking: Workshop) -> None:
    await asking.announce(WHALE, OWL)
    await asking.enhance()
    facts = asking.last("whale").facts
    assert facts.enhanced is not None
    assert (facts.enhanced.by, facts.enhanced.asked) == ("small", "enhance/1")
    assert (facts.summary, facts.tags) == ("Captain Ahab hunts the white whale.", ("white whale",))
    assert facts.attributes == {"mood": "dark"}
    text = WHALE.text(facts.enhanced)
    assert text.startswith("Moby-Dick. Captain Ahab hunts the white whale. dark, white whale.")
    assert asking.last("whale").content_hash == content_hash(text)
    assert any(text in batch for batch in asking.encoder.batches)
    assert asking.catalogue.matching({"mood": "playful"}) == {"owl"}
    assert asking.count("model") == 2


async def test_several_items_are_asked_about_at_once(asking: Workshop) -> None:
    await asking.announce(WHALE, OWL)
    await asking.enhance()
    (question,) = questions(asking)
    assert set(numbered(question.messages[-1].content).values()) == {"Moby-Dick", "The Owl Book"}


async def test_a_text_is_asked_about_once_however_often_it_is_announced(asking: Workshop) -> None:
    await asking.announce(WHALE)
    await asking.enhance()
    for published_at in (1.0, 2.0):
        await asking.announce(_with(WHALE, published_at=published_at))
        await asking.enhance()
    assert len(questions(asking)) == 1
    assert asking.last("whale").facts.enhanced is not None
    assert asking.last("whale").content_hash == asking.sent("whale")[1].content_hash
    assert np.array_equal(asking.last("whale").vector, asking.sent("whale")[1].vector)


async def test_a_text_is_asked_about_once_across_restarts(asking: Workshop) -> None:
    await asking.announce(WHALE)
    await asking.enhance()
    other = Workshop(Scripted(honest))
    async with other.open():
        for each in asking.outbox.on("item-vectors"):
            await other.outbox.post("item-vectors", key=each.key, value=each.value)
        other.items = asking.items
        other.come_back()
        assert await other.enhance() == 0
        event = event_of(other.items.records[0], generation=CURRENT)
        await other.cataloguing.accept(event)  # read again after the restart
        await other.until(lambda: "acknowledge 0" in other.diary)
        other.come_back()
        assert await other.enhance() == 0
        assert other.last("whale").facts == asking.last("whale").facts
    assert questions(other) == []


async def test_what_was_left_undone_is_done_after_a_restart(asking: Workshop) -> None:
    await asking.announce(WHALE)
    other = Workshop(Scripted(honest))
    async with other.open():
        for each in asking.outbox.on("item-vectors"):
            await other.outbox.post("item-vectors", key=each.key, value=each.value)
        other.items = asking.items
        other.come_back()
        await other.enhance()
        assert other.last("whale").facts.summary == "Captain Ahab hunts the white whale."


async def test_of_two_items_with_the_same_text_one_is_asked_about(asking: Workshop) -> None:
    await asking.announce(WHALE)
    await asking.enhance()
    await asking.announce(_with(WHALE, item_id="twin"))
    await asking.enhance()
    assert len(questions(asking)) == 1
    assert asking.last("twin").facts == asking.last("whale").facts
    assert asking.count("twin") == 1


async def test_an_item_that_changes_while_a_model_thinks_keeps_its_new_text(
    asking: Workshop,
) -> None:
    await asking.announce(WHALE)
    changed = _with(WHALE, description=OWL.description, title="The Owl Book")

    async def change() -> None:
        record = asking.put(changed)
        await asking.cataloguing.accept(event_of(record, generation=CURRENT))
        await asking.until(lambda: f"acknowledge {record.offset}" in asking.diary)

    asking.before_adding = change  # type: ignore[method-assign]
    await asking.enhancing.enhance_some()
    assert [record.facts.title for record in asking.sent("whale")] == ["Moby-Dick", "The Owl Book"]
    assert asking.count("overtaken") == 1
    asking.before_adding = _at_once  # type: ignore[method-assign]
    asking.come_back()
    await asking.enhance()
    assert asking.last("whale").facts.summary == "Two owls keep a night school in a barn."


async def test_what_is_not_ours_any_more_is_not_sent(asking: Workshop) -> None:
    await asking.announce(WHALE)

    async def move() -> None:
        asking.generation += 1

    asking.before_adding = move  # type: ignore[method-assign]
    await asking.enhancing.enhance_some()
    assert len(asking.sent("whale")) == 1


async def test_items_of_others_wait_for_them_and_for_us_once_they_are_ours(
    asking: Workshop,
) -> None:
    asking.partitions = frozenset({1})
    await asking.announce(WHALE)
    assert await asking.enhance() == 0
    asking.partitions, asking.generation = frozenset({0}), CURRENT + 1
    assert await asking.enhance() == 1


@pytest.mark.parametrize(("unfolded", "rest"), [(MANY, REST), (MANY + 1, REST_BEHIND)])
async def test_while_many_events_wait_words_are_picked_more_seldom(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, unfolded: int, rest: float
) -> None:
    await workshop.announce(WHALE)
    workshop.unfolded = unfolded
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def describe(items: Sequence[Item]) -> list[Described]:
        found = await picking(items)
        workshop.describing.picking_seconds = 0.1
        return found

    picking = workshop.describing.describe
    monkeypatch.setattr(workshop.describing, "describe", describe)
    monkeypatch.setattr("agents.enhancing.asyncio.sleep", sleep)
    await workshop.enhancing.enhance_some()
    assert slept[-1] == pytest.approx(rest * 0.1)
