"""The engine ranks and learns as a worker does, from nothing but what it was told before."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from agents.settings import Settings
from agents.testing import HashEncoder
from evaluation.contender import Contender, Observation
from evaluation.engine import UNASKED, Engine
from indexes.items import HnswIndex
from slates.ranking import START
from streams.items import Item

WAY = ("dune", "emma", "moby")
"""Everybody comes to these, in this order."""
OTHERS = tuple(f"other-{n}" for n in range(30))
ITEMS = [Item(title=item_id, item_id=item_id) for item_id in (*WAY, *OTHERS)]
NOW = 1_000_000.0


def engine() -> Engine:
    made = Engine(Settings(), HashEncoder())
    made.announce(ITEMS)
    return made


def walk(contender: Contender, users: Sequence[str], *, ask: bool, at: float = NOW) -> None:
    """Users come to all of the way one after another, and are asked for before each step."""
    for user_id in users:
        for item_id in WAY:
            at += 1.0
            if ask:
                contender.rank(user_id, now=at, n=10)
            contender.learn(Observation(user_id, item_id, at))


def people(count: int, *, start: int = 0) -> list[str]:
    return [f"user-{n}" for n in range(start, start + count)]


# What it ranks


def test_it_searches_the_index_that_a_worker_has() -> None:
    assert isinstance(engine().catalogue.index, HnswIndex)


def test_as_slates_it_ranks_what_slates_show_and_then_by_score() -> None:
    made, plain = Engine(Settings(), HashEncoder(), as_slates=True), engine()
    made.announce(ITEMS)
    for one in (made, plain):
        walk(one, people(9), ask=False)
    ranked = made.rank("stranger", now=NOW + 100, n=30)
    by_score = plain.rank("stranger", now=NOW + 100, n=30)
    assert len(ranked) == len(set(ranked)) == len(by_score)
    assert set(ranked) == set(by_score)
    unknown = [item_id for item_id in by_score if item_id not in WAY]
    assert ranked[9] in unknown  # the last of ten places is for an item few people know
    rest = [item_id for item_id in by_score if item_id not in ranked[:10]]
    assert ranked[10:] == rest


def test_a_share_of_diversity_takes_the_place_of_the_strategys() -> None:
    ranked = []
    for share in (0.0, 1.0):
        made = Engine(Settings(), HashEncoder(), as_slates=True, diversity=share)
        made.announce(ITEMS)
        walk(made, people(9), ask=False)
        ranked.append(made.rank("stranger", now=NOW + 100, n=9))
    assert set(ranked[0][:3]) == set(WAY)  # nothing but merit
    assert set(ranked[1][:3]) != set(WAY)


def test_it_is_a_contender() -> None:
    contender: Contender = engine()
    assert contender.name == "headwater"


def test_a_stranger_is_ranked_the_popular_first() -> None:
    made = engine()
    walk(made, people(5), ask=False)
    assert set(made.rank("stranger", now=NOW + 100, n=3)) == set(WAY)


def test_as_many_are_named_as_are_asked_for_and_each_once() -> None:
    made = engine()
    walk(made, people(2), ask=False)
    ranked = made.rank("user-0", now=NOW + 100, n=10)
    assert len(ranked) == len(set(ranked)) == 10


def test_what_the_user_had_is_not_named_again() -> None:
    made = engine()
    walk(made, people(5), ask=False)
    assert not set(WAY) & set(made.rank("user-0", now=NOW + 100, n=len(ITEMS)))


def test_what_the_user_had_is_named_again_where_repeats_count() -> None:
    made = engine()
    walk(made, people(5), ask=False)
    assert set(WAY) & set(made.rank("user-0", now=NOW + 100, n=len(ITEMS), repeats=True))


def test_who_begins_the_way_of_the_others_is_shown_its_end() -> None:
    made = engine()
    walk(made, people(8), ask=False)
    made.learn(Observation("newcomer", "dune", NOW + 100))
    assert made.rank("newcomer", now=NOW + 101, n=1)[0] in ("emma", "moby")


def test_asking_changes_nothing() -> None:
    made = engine()
    walk(made, people(3), ask=False)
    ranked = [made.rank(user, now=NOW + 100, n=5) for user in ("user-0", "stranger", "user-0")]
    assert ranked[0] == ranked[2]
    assert made.ranker.lessons == engine_after(people(3)).ranker.lessons


def engine_after(users: Sequence[str]) -> Engine:
    made = engine()
    walk(made, users, ask=False)
    return made


def test_an_item_that_no_file_names_can_be_ranked_after_its_first_event() -> None:
    made = engine()
    for user in people(5):
        made.learn(Observation(user, "brand-new", NOW))
    assert "brand-new" in made.rank("stranger", now=NOW + 1, n=3)


def test_without_texts_all_items_can_be_ranked_too() -> None:
    made = Engine(Settings(), None)
    made.announce(ITEMS)
    walk(made, people(5), ask=False)
    made.learn(Observation("newcomer", "dune", NOW + 100))
    assert made.rank("newcomer", now=NOW + 101, n=1)[0] in ("emma", "moby")


# What it learns


def test_an_event_is_in_profile_and_trend() -> None:
    made = engine_after(people(2))
    trend = made.catalogue.trend("emma")
    assert (trend.interactions, trend.supporters) == (2, 2)
    assert made.catalogue.crowd.supporters("dune", "emma") == 2


def test_a_repeated_visit_is_one_supporter() -> None:
    made = engine()
    for at in (0.0, 1.0, 2.0):
        made.learn(Observation("ann", "dune", NOW + at))
        made.learn(Observation("ann", "emma", NOW + at + 0.5))
    assert made.catalogue.trend("emma").interactions == 3
    assert made.catalogue.crowd.supporters("dune", "emma") == 1


def test_what_was_taught_changes_the_weights_that_are_ranked_with() -> None:
    made = engine()
    walk(made, people(6), ask=True)
    assert made.ranker.weights["onward"] > START["onward"]
    assert made.catalogue.weights("hybrid") == made.ranker.weights


def test_every_first_visit_that_was_asked_for_is_a_lesson() -> None:
    made = engine()
    walk(made, people(6), ask=True)
    before = made.ranker.lessons
    walk(made, ["newcomer"], ask=True, at=NOW + 500)
    assert made.ranker.lessons == before + len(WAY)


def test_a_repeated_visit_teaches_nothing() -> None:
    made = engine()
    walk(made, people(6), ask=True)
    before = made.ranker
    made.rank("user-0", now=NOW + 500, n=5)
    made.learn(Observation("user-0", "dune", NOW + 500))
    assert made.ranker is before


def test_of_events_that_nobody_asked_for_one_in_some_teaches() -> None:
    made = engine()
    for n in range(3 * UNASKED):
        made.learn(Observation(f"user-{n}", "dune", NOW + n))
    assert 1 <= made.ranker.lessons <= 3


def test_a_ranking_for_somebody_else_is_not_taken_for_that_of_the_event() -> None:
    made = engine()
    walk(made, people(4), ask=False)
    before = made.ranker.lessons
    made.rank("somebody", now=NOW + 100, n=5)
    made.learn(Observation("user-0", "other-1", NOW + 100))  # the 13th event: no turn of its own
    assert made.ranker.lessons == before


@pytest.mark.parametrize(("value", "liked"), [(5.0, True), (1.0, False)])
def test_stars_say_how_an_item_was_liked_and_that_somebody_came(value: float, liked: bool) -> None:
    made = engine()
    made.learn(Observation("ann", "dune", NOW, value=value))
    made.learn(Observation("ann", "emma", NOW + 1, value=5.0))
    assert (made.catalogue.trend("dune").popularity > 0) == liked
    assert made.catalogue.crowd.supporters("dune", "emma") == 1


def test_the_same_stream_gives_the_same_engine() -> None:
    one, other = engine(), engine()
    for made in (one, other):
        walk(made, people(5), ask=True)
    assert one.ranker == other.ranker
    assert one.rank("user-1", now=NOW + 99, n=9) == other.rank("user-1", now=NOW + 99, n=9)
