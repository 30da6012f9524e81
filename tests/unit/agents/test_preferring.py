"""Users are written about when their history has moved, once, and it comes back as an event."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from agents.asking import PAUSE, Asking
from agents.commands.preferences import (
    NothingToDo,
    check_may_write,
    own_words,
    refreshed,
    screen,
    told_of,
)
from agents.metrics import Metrics
from agents.preferring import Preferring, Written, preferences_of, write
from agents.testing import DictState, SmallOutbox
from slates.model import Answer, Question, Usage
from slates.preferences import load_preferences
from slates.testing import SmallKnowledge
from streams.errors import ModelUnavailable
from streams.events import MAX_PREFERENCE_CHARS, Event, Gains, Preferences, decode_event
from streams.items import ItemFacts
from streams.origins import Origin
from streams.profiles import Entry, Likes, Profile, fold

GAINS = Gains({"like": 2.0})
GOOD = json.dumps({"text": "Likes the sea."})


class Scripted:
    """A model that says what it is told to."""

    def __init__(self, reply: str | ModelUnavailable = GOOD) -> None:
        self.reply = reply
        self.questions: list[Question] = []

    async def ask(self, question: Question, *, within: float) -> Answer:
        self.questions.append(question)
        if isinstance(self.reply, ModelUnavailable):
            raise self.reply
        return Answer(self.reply, Usage(), "small", 0.1)


def knowledge() -> SmallKnowledge:
    made = SmallKnowledge()
    for n in range(9):
        facts = ItemFacts(f"Book {n}", attributes={"subjects": ("sea",)})
        made.announce(f"book-{n}", [1.0, float(n)], facts)
    return made


def profile(count: int, *, likes: Likes | None = None) -> Profile:
    entries = tuple(Entry(float(n), f"book-{n % 9}", "like", 2.0) for n in range(count))
    counters = {"like": count} if count else {}
    return Profile(history=entries, counters=counters, likes=likes)


class Office:
    """A `Preferring` with what it was handed."""

    def __init__(self, model: Scripted) -> None:
        self.model = model
        self.now = 100.0
        self.profiles: DictState[Profile] = DictState()
        self.outbox = SmallOutbox()
        self.metrics = Metrics()
        self.preferring = Preferring(
            profiles=self.profiles,
            knowledge=knowledge(),
            asking=Asking(model, load_preferences(), within=5.0, most=10_000, count=len),
            outbox=self.outbox,
            topic="events",
            metrics=self.metrics,
            clock=lambda: self.now,
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Office]:
        await self.preferring.start()
        try:
            yield self
        finally:
            await self.preferring.stop()

    async def until(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not what():
                await asyncio.sleep(0.001)

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    def knows(self, user_id: str, known: Profile, partition: int = 1) -> None:
        self.profiles.shard(partition).put(user_id, known)

    def events(self) -> list[Event]:
        return [
            decode_event(e.key, e.value, gains=GAINS, received_at=9.0, max_ahead=1.0)
            for e in self.outbox.on("events")
        ]


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with Office(Scripted()).open() as made:
        yield made


async def test_a_user_whose_history_has_moved_is_written_about_as_an_event(office: Office) -> None:
    office.knows("ann", profile(4))
    office.preferring.consider("ann", 1)
    await office.until(lambda: bool(office.outbox.posted))
    (posted,) = office.outbox.posted
    assert (posted.key, posted.partition) == (b"ann", 1)
    assert office.events() == [
        Preferences(user_id="ann", at=9.0, text="Likes the sea.", by="model", basis=4)
    ]


async def test_the_profile_changes_only_by_the_event(office: Office) -> None:
    known = profile(4)
    office.knows("ann", known)
    office.preferring.consider("ann", 1)
    await office.until(lambda: bool(office.outbox.posted))
    assert office.profiles.values["ann"] == known
    after = fold(known, office.events()[0], gains=GAINS, partition=1, offset=5)
    assert after is not None
    assert after.likes == Likes("Likes the sea.", "model", 9.0, 4)


@pytest.mark.parametrize(
    "known",
    [
        profile(2),
        profile(6, likes=Likes("Likes the sea.", "model", 0.0, 4)),
        profile(90, likes=Likes("No horror.", "user", 0.0)),
        profile(90, likes=Likes("", "user", 0.0)),
        Profile(),
    ],
    ids=["stranger", "just written", "own words", "deleted", "unknown"],
)
async def test_nobody_is_asked_about_others(office: Office, known: Profile) -> None:
    office.knows("ann", known)
    office.preferring.consider("ann", 1)
    await office.settle()
    assert office.model.questions == []
    assert office.outbox.posted == []


async def test_who_comes_again_while_waiting_is_asked_about_once(office: Office) -> None:
    office.knows("ann", profile(4))
    for _ in range(5):
        office.preferring.consider("ann", 1)
    await office.until(lambda: bool(office.outbox.posted))
    await office.settle()
    assert len(office.model.questions) == 1


async def test_who_comes_again_before_the_event_is_folded_is_not_asked_about_again(
    office: Office,
) -> None:
    for count in (4, 4, 6):
        office.knows("ann", profile(count))
        office.preferring.consider("ann", 1)
        await office.until(lambda: bool(office.outbox.posted))
        await office.settle()
    assert len(office.model.questions) == 1


async def test_who_was_forgotten_and_comes_back_is_asked_about_anew(office: Office) -> None:
    for count in (20, 4):
        office.knows("ann", profile(count))
        office.preferring.consider("ann", 1)
        await office.until(lambda: bool(office.outbox.posted))
        await office.settle()
    assert len(office.model.questions) == 2


async def test_what_a_model_invents_is_replaced_by_counts() -> None:
    async with Office(Scripted('{"text": "Ann is a sailor."}')).open() as office:
        office.knows("ann", profile(4))
        office.preferring.consider("ann", 1)
        await office.until(lambda: bool(office.outbox.posted))
        (event,) = office.events()
        assert isinstance(event, Preferences)
        assert (event.text, event.by) == ("Mostly sea (4 of 4).", "engine")


async def test_without_an_answer_nothing_is_written_and_nobody_is_asked_for_a_while() -> None:
    model = Scripted(ModelUnavailable("no budget", reason="budget"))
    async with Office(model).open() as office:
        office.knows("ann", profile(4))
        office.preferring.consider("ann", 1)
        await office.until(lambda: bool(model.questions))
        await office.settle()
        office.preferring.consider("ann", 1)
        await office.settle()
        assert len(model.questions) == 1
        assert office.outbox.posted == []
        office.now += PAUSE
        model.reply = GOOD
        office.preferring.consider("ann", 1)
        await office.until(lambda: bool(office.outbox.posted))


# The command


async def test_without_a_model_counts_speak() -> None:
    assert await write(profile(4), knowledge(), asking=None) == Written(
        "Mostly sea (4 of 4).", "engine"
    )


def test_own_words_are_cleaned_and_bounded() -> None:
    assert own_words("ann", " No\nhorror\x00. ").text == "No horror ."
    for text in ("", "\n", "x" * (MAX_PREFERENCE_CHARS + 1)):
        with pytest.raises(NothingToDo, match="expected 1 to 500"):
            own_words("ann", text)


def test_own_words_are_not_overwritten_by_a_refresh() -> None:
    with pytest.raises(NothingToDo, match="headwater preferences ann --delete"):
        check_may_write("ann", profile(4, likes=Likes("No horror.", "user", 0.0)))
    check_may_write("ann", profile(4, likes=Likes("", "user", 0.0)))
    check_may_write("ann", profile(4, likes=Likes("Likes the sea.", "model", 0.0, 3)))


def test_a_refresh_takes_a_deletion_back_and_writes_then() -> None:
    deleted = profile(4, likes=Likes("", "user", 5.0))
    written = Written("Mostly sea (4 of 4).", "engine")
    known: Profile | None = deleted
    for offset, event in enumerate(refreshed("ann", deleted, written)):
        assert known is not None
        dated = Preferences(user_id="ann", at=9.0, text=event.text, by=event.by, basis=event.basis)
        known = fold(known, dated, gains=GAINS, partition=0, offset=offset)
    assert known is not None
    assert known.likes == Likes("Mostly sea (4 of 4).", "engine", 9.0, 4)


def test_there_is_nothing_to_write_about_a_stranger() -> None:
    with pytest.raises(NothingToDo, match="'ann' has liked nothing"):
        refreshed("ann", Profile(), Written("", "engine"))


@pytest.mark.parametrize(
    ("likes", "shown"),
    [
        (None, "ann: nothing is written yet"),
        (Likes("", "user", 0.0), "ann: deleted by the user"),
        (Likes("No \x1b[31mhorror.", "user", 0.0), "ann: No \\x1b[31mhorror.\n  by the user"),
        (Likes("Likes the sea.", "model", 0.0, 4), "from 4 interactions"),
    ],
)
def test_the_screen_says_whose_words_they_are(likes: Likes | None, shown: str) -> None:
    told = told_of("ann", profile(4, likes=likes), knowledge(), sent=None, done=True)
    assert shown in screen(told)
    assert "from counts alone it would be: Mostly sea (4 of 4)." in screen(told)


def test_a_change_that_nobody_has_carried_out_is_not_said_to_be_done() -> None:
    told = told_of("ann", profile(4), knowledge(), sent=Origin("events", 0, 7), done=False)
    assert "events-0-7, but no worker has folded it yet" in screen(told)


def test_an_event_written_twice_from_one_history_says_the_same() -> None:
    written = Written("Likes the sea.", "model")
    assert preferences_of("ann", profile(4), written) == preferences_of("ann", profile(4), written)
