"""A slate is a pure function: as long as asked for, each item once, none that was ruled out."""

import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.building import Built, build
from slates.config import DAY, SlateConfig
from slates.exploring import explore
from slates.features import NAMES
from slates.testing import SmallKnowledge
from streams.items import ItemFacts
from streams.predecessors import WHOLE, Predecessors
from streams.profiles import Entry, Profile
from streams.requests import Range, SlateRequest
from streams.trends import Trend
from tests.support.laws import law

LAW = law(50)
FEW = law(25)
NOW = 100 * DAY
CONFIG = SlateConfig(retrieve=10)
ITEMS = 60
WORDS = ["sea", "war", "love", "sand"]


def world(seed: int, *, items: int = ITEMS) -> SmallKnowledge:
    """A catalogue with every kind of item: old, new, unborn, loved, unknown."""
    drawn = random.Random(seed)
    knowledge = SmallKnowledge()
    for n in range(items):
        facts = ItemFacts(
            f"Title {n}",
            attributes={"subject": drawn.choice(WORDS), "year": float(1900 + n)},
            published_at=drawn.choice([None, NOW - drawn.uniform(-1, 30) * DAY]),
        )
        knowledge.announce(name(n), [drawn.gauss(0, 1) for _ in range(4)], facts)
        if drawn.random() < 0.6:
            trend = Trend(
                popularity=drawn.uniform(0, 9),
                at=NOW - drawn.uniform(0, 20) * DAY,
                supporters=drawn.randrange(12),
                visitors=drawn.randrange(20),
                days={99: drawn.randrange(1, 12)},
            )
            knowledge.follow(name(n), trend)
    return knowledge


def name(n: int) -> str:
    return f"item-{n:02}"


def somebody(seed: int, *, acts: int = 15) -> Profile:
    drawn = random.Random(seed)
    history = tuple(
        Entry(float(t), name(drawn.randrange(ITEMS)), "click", drawn.choice([1.0, 2.0, -1.0]))
        for t in range(acts)
    )
    return Profile(history=history, seen=tuple(dict.fromkeys(e.item_id for e in history)))


def built(
    knowledge: SmallKnowledge,
    profile: Profile = Profile(),  # noqa: B008 (frozen)
    *,
    config: SlateConfig = CONFIG,
    **asked: Any,
) -> Built:
    request = SlateRequest(user_id="ann", **asked)
    return build(request, profile, knowledge, now=NOW, config=config)


def shown(slate: Built) -> list[str]:
    return [item.item_id for item in slate.items]


# Laws

SEEDS = st.integers(0, 10_000)
SIZES = st.integers(1, 30)
FILTERS = st.sampled_from(
    [{}, {"subject": "sea"}, {"subject": ("war", "love")}, {"year": Range(min=1950)}, {"x": "y"}]
)


@FEW
@given(seed=SEEDS, n=SIZES, filters=FILTERS)
def test_a_slate_keeps_its_promises(seed: int, n: int, filters: Any) -> None:
    knowledge, profile = world(seed), somebody(seed + 1)
    exclude = (name(seed % ITEMS), "unheard-of")
    slate = built(knowledge, profile, n=n, filters=filters, exclude=exclude)
    ids = shown(slate)
    assert len(ids) == len(set(ids)) <= n
    assert [item.rank for item in slate.items] == list(range(len(ids)))
    assert not {*profile.seen, *exclude} & set(ids)
    assert set(ids) <= knowledge.matching(filters)
    assert bool(slate.note) == (not ids)
    for item in slate.items:
        facts = knowledge.facts(item.item_id)
        assert facts is not None
        assert item.title == facts.title
        assert item.sources
        assert item.reasons
        assert math.isfinite(item.score)


@FEW
@given(seed=SEEDS, n=SIZES, filters=FILTERS)
def test_the_same_inputs_give_the_same_slate(seed: int, n: int, filters: Any) -> None:
    once, again = (built(world(seed), somebody(seed + 1), n=n, filters=filters) for _ in range(2))
    assert once.items == again.items


@FEW
@given(seed=SEEDS, n=st.integers(1, 10))
def test_without_diversity_and_exploring_a_slate_is_the_best_by_score(seed: int, n: int) -> None:
    plain = SlateConfig(retrieve=10, diversity=0, explore_share=0)
    slate = built(world(seed), somebody(seed), n=n, config=plain)
    best = sorted(slate.shortlist.scores, reverse=True)[:n]
    assert [item.score for item in slate.items] == pytest.approx(best, abs=1e-6)


# How many


def test_the_setting_says_how_many_where_the_request_does_not() -> None:
    assert len(built(world(1), config=SlateConfig(size=7)).items) == 7


@pytest.mark.parametrize("source", ["popular", "similar", "trending"])
def test_a_single_source_fills_a_slate_that_is_longer_than_what_it_mostly_gives(
    source: str,
) -> None:
    knowledge = SmallKnowledge()
    for n in range(ITEMS):
        knowledge.announce(name(n), [1.0, n / ITEMS], ItemFacts(f"Title {n}"))
        knowledge.follow(name(n), Trend(popularity=1.0, surge=1.0, at=NOW - n))
    config = SlateConfig(candidates=(source,), retrieve=10)
    assert len(built(knowledge, somebody(1, acts=2), config=config, n=40).items) == 40


def test_a_catalogue_smaller_than_the_slate_is_shown_whole() -> None:
    assert sorted(shown(built(world(1, items=3), n=10))) == [name(0), name(1), name(2)]


# Nothing to show


def test_an_empty_catalogue_gives_an_empty_slate_that_says_why() -> None:
    slate = built(SmallKnowledge())
    assert slate.items == ()
    assert slate.note == "the catalogue has no item that was not seen or excluded"


def test_filters_nothing_matches_give_an_empty_slate_that_says_why() -> None:
    slate = built(world(1), filters={"subject": "cooking"})
    assert slate.items == ()
    assert slate.note == "no item has the attributes asked for"


def test_filters_that_leave_only_what_was_seen_say_so() -> None:
    knowledge = world(1)
    sea = tuple(knowledge.matching({"subject": "sea"}))
    slate = built(knowledge, Profile(seen=sea), filters={"subject": "sea"})
    assert slate.items == ()
    assert slate.note == "every item with the attributes asked for was seen or excluded"


def test_who_has_seen_everything_is_told() -> None:
    everything = Profile(seen=tuple(name(n) for n in range(ITEMS)))
    assert built(world(1), everything).note.startswith("the catalogue has no item")


def test_a_slate_with_items_needs_no_note() -> None:
    assert built(world(1)).note == ""


# Who gets what


def test_a_stranger_gets_popular_and_fresh_items() -> None:
    slate = built(world(2))
    sources = [set(item.sources) for item in slate.items]
    assert all(one <= {"popular", "fresh"} for one in sources)
    assert {"popular", "fresh"} <= set().union(*sources)


def test_who_liked_the_sea_gets_the_sea_first() -> None:
    knowledge = SmallKnowledge()
    for n in range(20):
        subject = "sea" if n % 2 else "love"
        facts = ItemFacts(f"Title {n}", attributes={"subject": subject})
        knowledge.announce(name(n), [n % 2, 1 - n % 2, 0.01 * n], facts)
    liked = Profile(history=(Entry(1.0, name(1), "like", 2.0),), seen=(name(1),))
    plain = SlateConfig(explore_share=0)
    assert all(int(i[-2:]) % 2 for i in shown(built(knowledge, liked, n=5, config=plain)))


def test_an_item_without_a_vector_is_never_shown() -> None:
    knowledge = world(1)
    knowledge.announce("bodiless", None, ItemFacts("Bodiless", published_at=NOW))
    knowledge.follow("bodiless", Trend(popularity=99.0, at=NOW))
    slate = built(knowledge, n=100, config=SlateConfig(retrieve=100))
    assert len(slate.items) == ITEMS
    assert "bodiless" not in shown(slate)


def test_an_item_without_facts_is_never_shown() -> None:
    knowledge = world(1)
    knowledge.announce("nameless", [1, 0, 0, 0], None)
    liked = Profile(history=(Entry(1.0, "nameless", "like", 2.0),))
    slate = built(knowledge, liked, n=100, config=SlateConfig(retrieve=100))
    assert len(slate.items) == ITEMS
    assert "nameless" not in shown(slate)


def test_an_excluded_item_is_missing_and_the_rest_is_there() -> None:
    knowledge = world(1, items=5)
    assert sorted(shown(built(knowledge, n=10, exclude=(name(2),)))) == [
        name(n) for n in (0, 1, 3, 4)
    ]


def test_the_parts_of_building_are_timed() -> None:
    slate = built(world(1))
    assert slate.retrieved > 0
    assert slate.ranked > 0


# What was learned


def test_a_slate_goes_by_what_its_ranker_has_learned() -> None:
    knowledge, profile = world(3), somebody(3)
    plain = SlateConfig(retrieve=10, diversity=0, explore_share=0, calibration=0, caps={})
    knowledge.learned["hybrid"] = {**dict.fromkeys(NAMES, 0.0), "popular": 1.0}
    popular = [k.item_id for k in built(knowledge, profile, config=plain).items]
    standings = [knowledge.standing(item_id) for item_id in popular]
    assert standings == sorted(standings, reverse=True)
    knowledge.learned["hybrid"] = {**dict.fromkeys(NAMES, 0.0), "popular": -1.0}
    assert popular != shown(built(knowledge, profile, config=plain))


def test_companions_of_the_history_are_shown_first_where_the_crowd_knows_them() -> None:
    knowledge = world(4)
    liked = Profile(history=(Entry(NOW - 60, name(1), "like", 2.0),), seen=(name(1),))
    after = Predecessors((name(1),), (50,), (50 * WHOLE,), (50 * WHOLE,))
    knowledge.follow(name(7), Trend(interactions=50, predecessors=after))
    plain = SlateConfig(retrieve=10, explore_share=0)
    assert shown(built(knowledge, liked, config=plain))[0] == name(7)


def test_what_nobody_has_told_the_crowd_of_yet_is_no_error() -> None:
    """The profile may be ahead of the replicas: its newest item has neither trend nor text."""
    knowledge = world(4)
    after = Predecessors((name(1),), (5,), (5 * WHOLE,), (5 * WHOLE,))
    knowledge.follow(name(7), Trend(interactions=5, predecessors=after))
    acts = (Entry(NOW - 9, name(1), "like", 2.0), Entry(NOW, "brand-new", "like", 2.0))
    assert shown(built(knowledge, Profile(history=acts, seen=(name(1), "brand-new"))))


# A place for the unknown


@pytest.fixture
def famous() -> SmallKnowledge:
    """Twenty items that many people know, none of them new."""
    knowledge = SmallKnowledge()
    for n in range(20):
        knowledge.announce(name(n), [1, n], ItemFacts("x"))
        knowledge.follow(name(n), Trend(popularity=50.0, at=NOW, supporters=50))
    return knowledge


ALMOST_OLD = ItemFacts("x", published_at=NOW - 6.9 * DAY)
BY_FAME = SlateConfig(retrieve=40, ranker={"popular": 1.0})
"""Whoever is on the slate without being famous is there to be explored."""


def test_one_place_of_ten_goes_to_a_fresh_item_few_people_know(famous: SmallKnowledge) -> None:
    famous.announce("unknown", [1, 0], ALMOST_OLD)
    assert shown(built(famous, n=10, config=BY_FAME))[-1] == "unknown"
    never = BY_FAME.model_copy(update={"explore_share": 0.0})
    assert "unknown" not in shown(built(famous, n=10, config=never))


def test_an_old_item_few_people_know_has_the_place_where_there_is_no_new_one(
    famous: SmallKnowledge,
) -> None:
    famous.announce("old", [1, 0], ItemFacts("x", published_at=NOW - 90 * DAY))
    assert shown(built(famous, n=10, config=BY_FAME))[-1] == "old"
    famous.announce("new", [1, 0], ALMOST_OLD)
    slate = built(famous, n=10, config=BY_FAME)
    assert "old" in slate.shortlist.candidates.item_ids
    assert shown(slate)[-1] == "new"


def test_a_fresh_item_that_enough_people_know_is_no_exploration(famous: SmallKnowledge) -> None:
    famous.announce("known", [1, 0], ALMOST_OLD)
    famous.follow("known", Trend(supporters=5))
    assert "known" not in shown(built(famous, n=10, config=BY_FAME))
    famous.follow("known", Trend(supporters=4))
    assert "known" in shown(built(famous, n=10, config=BY_FAME))


BEST = st.lists(st.integers(0, 60), unique=True, max_size=40)
UNKNOWN = st.lists(st.integers(0, 60), unique=True, max_size=40)
SHARES = st.floats(0, 0.5)


@LAW
@given(best=BEST, unknown=UNKNOWN, n=st.integers(1, 40), share=SHARES)
def test_exploring_gives_no_more_than_its_share_away(
    best: list[int], unknown: list[int], n: int, share: float
) -> None:
    best = best[:n]
    rows = explore(best, unknown, n=n, share=share)
    added = [row for row in rows if row not in best]
    assert len(rows) == len(set(rows)) <= n
    assert len(rows) >= len(best)
    assert len(added) <= max(math.floor(n * share), 1 if share else 0)
    assert set(added) <= set(unknown)
    assert rows[len(rows) - len(added) :] == added == [r for r in unknown if r in added]
    assert rows[: len(rows) - len(added)] == best[: len(rows) - len(added)]


@LAW
@given(best=BEST.filter(len), unknown=UNKNOWN.filter(len), share=SHARES.filter(bool))
def test_somebody_unknown_always_has_a_place(
    best: list[int], unknown: list[int], share: float
) -> None:
    assert set(explore(best, unknown, n=len(best), share=share)) & set(unknown)


def test_an_unknown_that_is_on_the_slate_anyway_counts() -> None:
    assert explore([4, 2, 9], [2, 3], n=3, share=0.1) == [4, 2, 9]
    assert explore([2, 4, 6, 9], [2, 3, 5], n=4, share=0.5) == [2, 4, 6, 3]


@LAW
@given(best=BEST, unknown=UNKNOWN, n=st.integers(1, 40))
def test_no_share_changes_nothing(best: list[int], unknown: list[int], n: int) -> None:
    assert explore(best[:n], unknown, n=n, share=0.0) == best[:n]


def test_an_unknown_that_is_there_already_stays() -> None:
    assert explore([4, 7, 9, 2], [2, 3], n=4, share=0.5) == [4, 7, 2, 3]


def test_a_share_that_comes_out_even_is_not_rounded_down() -> None:
    rows = explore(list(range(100)), list(range(100, 200)), n=100, share=0.29)
    assert sum(row >= 100 for row in rows) == 29
