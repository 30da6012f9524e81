"""A long text is summed up for the model, once, and what that saves is told."""

from __future__ import annotations

import json

from agents.asking import Asking
from agents.describing import Describing
from agents.metrics import Metrics
from slates.books import NO_BOOKS, Books, Cause, Looked
from slates.enhancing import MOST_TEXT, load_enhance
from slates.extracting import Extractor
from slates.model import Answer, Question, Usage
from slates.tokens import estimate
from streams.errors import ModelUnavailable
from streams.items import Item

AHAB = "Captain Ahab hunts the white whale."
WEATHER = " ".join(f"On day {n} nothing happens but weather." for n in range(200))
LONG = Item(item_id="long", title="Moby-Dick", description=f"{AHAB} {WEATHER}")
LATE = Item(item_id="late", title="Moby-Dick", description=f"{WEATHER} {AHAB}")
SHORT = Item(item_id="short", title="Salt", description=f"{AHAB} It is a long voyage, all told.")


class Saying:
    """A model that says the same of each item, or fails."""

    def __init__(self, *, fails: bool = False) -> None:
        self.prompts: list[str] = []
        self._fails = fails

    async def ask(self, question: Question, *, within: float) -> Answer:
        self.prompts.append(question.messages[-1].content)
        if self._fails:
            raise ModelUnavailable("down", reason="unreachable")
        said = {"tags": [], "summary": AHAB, "mood": "", "audience": ""}
        told = json.dumps({"items": [{"id": n, **said} for n in (1, 2)]})
        return Answer(told, Usage(10, 0, 10), "small", 0.1)


class Saving:
    """Remembers what was saved."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, int]] = []

    def called(self, question: Question, **facts: object) -> None: ...

    def saved(self, strategy: str, *, cause: Cause, tokens: int) -> None:
        self.told.append((strategy, cause, tokens))

    def looked_up(self, outcome: Looked) -> None: ...


def describing(model: Saying, books: Books = NO_BOOKS) -> Describing:
    return Describing(
        make_extract=Extractor,
        asking=Asking(model, load_enhance(), within=5.0, most=4_000, count=estimate),
        said_of=lambda _: None,
        metrics=Metrics(),
        books=books,
    )


async def test_a_long_text_is_summed_up_and_what_that_saved_is_told() -> None:
    model, books = Saying(), Saving()
    (described,) = await describing(model, books).describe([LONG])
    (prompt,) = model.prompts
    assert AHAB in prompt
    assert estimate(prompt) < 2 * MOST_TEXT < estimate(LONG.description)
    ((strategy, cause, tokens),) = books.told
    assert (strategy, cause) == ("enhance", "summary")
    saved = estimate(LONG.description) - MOST_TEXT
    assert saved <= tokens <= saved + 80  # what is cut is whole sentences, each counted upwards
    assert described.enhancement.summary == AHAB


async def test_a_short_text_is_told_as_it_is() -> None:
    model, books = Saying(), Saving()
    await describing(model, books).describe([SHORT])
    assert "It is a long voyage, all told." in model.prompts[0]
    assert not books.told


async def test_what_the_whole_text_says_is_proven_though_the_model_saw_a_part() -> None:
    (described,) = await describing(Saying()).describe([LATE])
    assert described.enhancement.summary == AHAB


async def test_without_an_answer_nothing_was_saved() -> None:
    books = Saving()
    await describing(Saying(fails=True), books).describe([LONG])
    assert not books.told


async def test_the_same_text_is_summed_up_once() -> None:
    books = Saving()
    await describing(Saying(), books).describe([LONG, LONG])
    assert len(books.told) == 1
