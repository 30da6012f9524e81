"""Choices teach, a bounded number a second; who skips, comes back or is early teaches nothing."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.catalogue import Catalogue
from agents.known import Known
from agents.metrics import Metrics
from agents.teaching import Teaching
from agents.testing import SmallOutbox, run_at_once
from agents.waiting import MANY
from indexes.exact import ExactIndex
from slates.config import SlateConfig
from slates.features import NAMES
from slates.ranking import START
from streams.errors import DeliveryFailed
from streams.events import Gains, Interaction
from streams.items import ItemFacts
from streams.kafka import Record
from streams.predecessors import Predecessors
from streams.profiles import Entry, Profile
from streams.rankers import Lesson, Ranker, decode_lesson, fold_lesson
from streams.topics import Topics
from streams.trends import Trend
from tests.support.laws import law

LAW = law(50)
DIM = 4
NOW = 1_000_000.0
LESSONS = "shop.lessons"
CAME_TO_DUNE = Profile(history=(Entry(NOW - 60, "dune", "click", 1.0),), seen=("dune",))


def shelf() -> Catalogue:
    """Ten items; those who came to ``dune`` went on to ``item-7``."""
    catalogue = Catalogue(ExactIndex(DIM), half_life=1000.0)
    for n, item_id in enumerate(["dune", *(f"item-{n}" for n in range(9))]):
        row = np.array([1, n, 0, 0], np.float32)
        catalogue.index.upsert(item_id, row / np.float32(np.linalg.norm(row)))
        catalogue.recall(item_id, Known(ItemFacts(item_id), b"", 0, n))
        catalogue.follow(item_id, Trend(popularity=1.0 + n, at=NOW, interactions=1 + n))
    after_dune = Predecessors(("dune",), (5,), (40_000,), (30_000,))
    catalogue.follow("item-7", Trend(interactions=5, predecessors=after_dune))
    return catalogue


class School:
    """A `Teaching` with what it was handed."""

    def __init__(
        self,
        *,
        per_second: float = 20.0,
        ready: bool = True,
        outbox: SmallOutbox | None = None,
        config: SlateConfig = SlateConfig(retrieve=20),  # noqa: B008 (frozen)
    ) -> None:
        self.now = 0.0
        self.ready = ready
        self.unfolded = 0
        self.outbox = outbox or SmallOutbox()
        self.metrics = Metrics()
        self.catalogue = shelf()
        self.teaching = Teaching(
            catalogue=self.catalogue,
            config=config,
            gains=Gains({"click": 1.0, "skip": -0.5, "rating": 2.0, "listed": 0.0}),
            outbox=self.outbox,
            names=Topics(prefix="shop.", partitions=4),
            per_second=per_second,
            is_ready=lambda: self.ready,
            unfolded=lambda: self.unfolded,
            metrics=self.metrics,
            clock=lambda: self.now,
        )

    async def teach(
        self,
        item_id: str = "item-7",
        *,
        profile: Profile = CAME_TO_DUNE,
        action: str = "click",
        offset: int = 0,
        value: float | None = None,
    ) -> None:
        event = Interaction(user_id="ann", item_id=item_id, action=action, at=NOW, value=value)
        await self.teaching.teach(event, Record("events", 3, offset, b"ann", b"{}", NOW), profile)

    def lessons(self) -> list[Lesson]:
        return [decode_lesson(posted.value or b"") for posted in self.outbox.on(LESSONS)]

    def sent(self) -> float | None:
        labels = {"step": "sent"}
        return self.metrics.registry.get_sample_value("headwater_lessons_total", labels)


# What a choice teaches


async def test_a_choice_is_a_lesson_for_its_strategy() -> None:
    school = School()
    await school.teach()
    (posted,) = school.outbox.on(LESSONS)
    assert posted.key == SlateConfig().strategy.encode()
    assert (posted.partition, posted.headers) == (None, ())


async def test_a_lesson_says_where_its_event_stands() -> None:
    school = School()
    await school.teach(offset=11)
    (lesson,) = school.lessons()
    assert (lesson.partition, lesson.offset) == (3, 11)
    assert set(lesson.step) == set(NAMES)


async def test_a_lesson_names_neither_the_user_nor_an_item() -> None:
    school = School()
    await school.teach()
    (posted,) = school.outbox.on(LESSONS)
    assert set(json.loads(posted.value or b"")) == {"step", "partition", "offset"}
    assert not [word for word in (b"ann", b"dune", b"item-7") if word in (posted.value or b"")]


async def test_who_goes_where_the_crowd_goes_makes_the_crowd_count_more() -> None:
    school = School()
    await school.teach("item-7")
    (lesson,) = school.lessons()
    taught = fold_lesson(Ranker(), lesson, start=START)
    assert taught.weights["onward"] > START["onward"]
    assert taught.weights["together"] > START["together"]


async def test_who_goes_elsewhere_makes_the_crowd_count_less() -> None:
    school = School()
    await school.teach("item-1")
    (lesson,) = school.lessons()
    assert lesson.step["onward"] < 0


async def test_what_was_learned_is_what_the_next_lesson_goes_by() -> None:
    steps = []
    for weight in (0.0, 3.0):
        school = School()
        school.catalogue.learn("hybrid", Ranker(weights={"onward": weight}))
        await school.teach("item-7")
        steps.append(school.lessons()[0].step["onward"])
    assert steps[0] > steps[1] > 0, "who expects it learns less from it"


async def test_lessons_sent_are_counted() -> None:
    school = School()
    for n in range(3):
        await school.teach(offset=n)
        school.now += 1.0
    assert school.sent() == len(school.lessons()) == 3


# What teaches nothing


@pytest.mark.parametrize("action", ["skip", "listed"])
async def test_who_turns_an_item_down_did_not_choose_it(action: str) -> None:
    school = School()
    await school.teach(action=action)
    assert school.lessons() == []


async def test_who_rates_an_item_has_chosen_it_however_badly() -> None:
    school = School()
    await school.teach(action="rating", value=0.5)
    assert len(school.lessons()) == 1


async def test_who_comes_back_to_an_item_did_not_choose_it_among_the_unseen() -> None:
    school = School()
    await school.teach("dune")
    assert school.lessons() == []


async def test_an_item_that_was_no_candidate_teaches_nothing() -> None:
    school = School()
    await school.teach("unheard-of")
    assert school.lessons() == []
    assert not school.sent()


async def test_a_worker_that_does_not_know_the_catalogue_yet_teaches_nothing() -> None:
    school = School(ready=False)
    await school.teach()
    assert school.lessons() == []
    school.ready = True
    await school.teach()
    assert len(school.lessons()) == 1


async def test_what_teaches_nothing_takes_no_turn() -> None:
    school = School(per_second=1.0)
    await school.teach(action="skip")
    await school.teach("dune")
    await school.teach("item-7")
    assert len(school.lessons()) == 1


# How often


async def test_before_its_turn_nothing_is_taught() -> None:
    school = School(per_second=4.0)
    for at in (0.0, 0.1, 0.24, 0.25, 0.3, 0.51):
        school.now = at
        await school.teach(offset=round(100 * at))
    assert [lesson.offset for lesson in school.lessons()] == [0, 25, 51]


async def test_while_many_events_wait_a_tenth_is_taught() -> None:
    school = School(per_second=4.0)
    school.unfolded = MANY + 1
    for at in (0.0, 0.25, 2.49, 2.5):
        school.now = at
        await school.teach(offset=round(100 * at))
    school.unfolded = MANY
    for at in (5.0, 5.25):
        school.now = at
        await school.teach(offset=round(100 * at))
    assert [lesson.offset for lesson in school.lessons()] == [0, 250, 500, 525]


@pytest.mark.parametrize("per_second", [0.0, -0.0])
async def test_no_lessons_a_second_are_none_ever(per_second: float) -> None:
    school = School(per_second=per_second)
    for at in (0.0, 1.0, 1e9):
        school.now = at
        await school.teach()
    assert school.lessons() == []


async def test_after_a_pause_there_is_no_rush() -> None:
    school = School(per_second=4.0)
    await school.teach(offset=0)
    school.now = 3600.0
    for offset in range(1, 5):
        await school.teach(offset=offset)
    assert [lesson.offset for lesson in school.lessons()] == [0, 1]


@LAW
@given(
    pauses=st.lists(st.floats(0, 0.4), max_size=40),
    per_second=st.sampled_from([0.5, 2.0, 5.0]),
)
def test_in_no_second_there_are_more_lessons_than_the_setting_says(
    pauses: list[float], per_second: float
) -> None:
    school, times = School(per_second=per_second), []

    async def act() -> None:
        for pause in pauses:
            school.now += pause
            before = len(school.lessons())
            await school.teach()
            times.extend([school.now] * (len(school.lessons()) - before))

    run_at_once(act())
    apart = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert all(gap >= 1 / per_second - 1e-9 for gap in apart)


# What can go wrong


async def test_a_lesson_that_is_refused_is_not_counted_as_sent() -> None:
    school = School(outbox=SmallOutbox(refusing=[LESSONS]))
    with pytest.raises(DeliveryFailed):
        await school.teach()
    assert not school.sent()


async def test_fixed_weights_are_taught_nothing() -> None:
    school = School(config=SlateConfig(ranker={"popular": 1.0}))
    await school.teach()
    assert school.lessons() == []
