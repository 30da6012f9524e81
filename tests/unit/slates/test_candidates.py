"""Candidates come from every source with its own scores, and never out of bounds."""

import math
from collections.abc import Iterator, Set
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from slates.candidates import Bounds, Candidate, age_days, gather
from slates.config import DAY, SlateConfig
from slates.evidence import gather_evidence, visited
from slates.features import Measuring
from slates.own import habits_of
from slates.tastes import derive_tastes
from slates.testing import SmallIndex, SmallKnowledge
from streams.items import ItemFacts
from streams.predecessors import WHOLE, Predecessors
from streams.profiles import Entry, Profile
from streams.trends import Trend

NOW = 100 * DAY
ANYTHING = Bounds(frozenset(), None)
CONFIG = SlateConfig(retrieve=5)


class CountingIndex(SmallIndex):
    """Remembers how wide each search was."""

    def __init__(self) -> None:
        super().__init__()
        self.widths: list[int] = []

    def search(self, queries: NDArray[np.float32], *, n: int, within: Any = None) -> Any:
        self.widths.append(n)
        return super().search(queries, n=n, within=within)


class Ordered(Set[str]):
    """A set that says in which order it is read; that of a real one changes with the process."""

    def __init__(self, items: Any) -> None:
        self._items = list(items)

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


@pytest.fixture
def fan() -> SmallKnowledge:
    """Items ``item-00`` … ``item-59``, each a little further from the first."""
    knowledge = SmallKnowledge()
    knowledge.index = CountingIndex()
    for n in range(60):
        angle = n * math.pi / 120
        knowledge.announce(name(n), [math.cos(angle), math.sin(angle)], ItemFacts(f"Item {n}"))
    return knowledge


def name(n: int) -> str:
    return f"item-{n:02}"


def measuring(knowledge: SmallKnowledge, *liked: str, config: SlateConfig = CONFIG) -> Measuring:
    """What is known of somebody who liked these items, in this order."""
    history = tuple(Entry(float(t), item_id, "like", 1.0) for t, item_id in enumerate(liked))
    profile = Profile(history=history)
    evidence = gather_evidence(visited(profile, SlateConfig().visits), knowledge.crowd, now=NOW)
    tastes = derive_tastes(profile, knowledge.index, config)
    return Measuring(evidence, tastes, habits_of(history), knowledge, NOW, config)


def found(
    knowledge: SmallKnowledge,
    *liked: str,
    bounds: Bounds = ANYTHING,
    config: SlateConfig = CONFIG,
) -> dict[str, Candidate]:
    pool = gather(measuring(knowledge, *liked, config=config), bounds)
    gathered = pool.at(range(len(pool)))
    assert len({candidate.item_id for candidate in gathered}) == len(gathered)
    return {candidate.item_id: candidate for candidate in gathered}


def of(candidates: dict[str, Candidate], source: str) -> list[str]:
    return [i for i, candidate in candidates.items() if source in candidate.sources]


def best(candidates: dict[str, Candidate], source: str) -> list[str]:
    """Those of a source, the highest by its own score first."""
    return sorted(of(candidates, source), key=lambda i: -candidates[i].sources[source])


def after(*item_ids: str, near: int = 1) -> Trend:
    """Somebody has come to these before."""
    count = len(item_ids)
    weights = (WHOLE * near,) * count
    predecessors = Predecessors(item_ids, (1,) * count, weights, weights)
    return Trend(interactions=count, predecessors=predecessors)


# Sources


def test_the_nearest_items_of_each_taste_are_candidates(fan: SmallKnowledge) -> None:
    candidates = found(fan, name(0), name(50))
    assert of(candidates, "last-2") == [name(n) for n in range(5)]
    assert sorted(of(candidates, "last-1")) == [name(n) for n in range(48, 53)]


def test_a_stranger_gets_the_popular_and_the_fresh(fan: SmallKnowledge) -> None:
    fan.follow(name(30), Trend(popularity=2.0, at=NOW))
    fan.announce("new", [1, 0], ItemFacts("New", published_at=NOW - DAY))
    candidates = found(fan)
    assert name(30) in of(candidates, "popular")
    assert of(candidates, "fresh") == ["new"]
    assert set().union(*(c.sources for c in candidates.values())) == {"popular", "fresh"}


RISING = SlateConfig(retrieve=2, candidates=("trending",))


def test_what_rises_is_what_was_visited_of_late_whoever_visits(fan: SmallKnowledge) -> None:
    fan.follow("item-10", Trend(popularity=90.0, surge=1.0, at=NOW))
    for n in range(11, 14):
        fan.follow(name(n), Trend(popularity=1.0, surge=float(n), at=NOW))
    fan.follow("item-14", Trend(popularity=90.0, surge=90.0, at=NOW - 30 * DAY))
    candidates = found(fan, bounds=Bounds(frozenset({"item-13"}), None), config=RISING)
    assert best(candidates, "trending") == ["item-12", "item-11"]
    assert candidates["item-12"].sources["trending"] == pytest.approx(12.0)


def of_genres(**items: tuple[str, ...]) -> SmallKnowledge:
    """Items of some genres, each more popular than the one before."""
    knowledge = SmallKnowledge()
    for place, (item_id, genres) in enumerate(items.items(), 1):
        knowledge.announce(item_id, [1, place], ItemFacts(item_id, attributes={"genre": genres}))
        knowledge.follow(item_id, Trend(popularity=float(place), at=NOW))
    return knowledge


TOPICAL = SlateConfig(retrieve=6, candidates=("topical",))


def test_the_popular_of_what_one_leans_to_are_topical() -> None:
    sea, war, both = ("sea",), ("war",), ("sea", "war")
    shop = of_genres(liked=sea, least=sea, more=both, none=war, most=sea, last=war)
    candidates = found(shop, "liked", config=TOPICAL, bounds=Bounds(frozenset({"liked"}), None))
    assert best(candidates, "topical") == ["most", "more"]
    assert candidates["most"].sources["topical"] == pytest.approx(5.0)


def test_filters_and_what_nobody_has_come_to_bound_topics() -> None:
    shop = of_genres(liked=("sea",), one=("sea",), two=("sea",), three=("war",))
    shop.announce("untouched", [1, 9], ItemFacts("x", attributes={"genre": ("sea",)}))
    within = Bounds(frozenset({"liked"}), frozenset({"one", "three", "untouched"}))
    assert of(found(shop, "liked", config=TOPICAL, bounds=within), "topical") == ["one"]
    assert found(shop, config=TOPICAL) == {}  # a stranger leans to nothing


def test_an_item_found_in_several_ways_keeps_all_scores(fan: SmallKnowledge) -> None:
    fan.announce(name(0), [1, 0], ItemFacts("Item 0", published_at=NOW - 2 * DAY))
    fan.follow(name(0), Trend(popularity=4.0, at=NOW - 7 * DAY))
    sources = found(fan, name(0), name(1))[name(0)].sources
    assert set(sources) == {"recent", "last-1", "last-2", "long-term", "popular", "fresh"}
    assert sources["last-2"] == pytest.approx(1.0)
    assert sources["last-1"] == pytest.approx(math.cos(math.pi / 120))
    assert sources["popular"] == pytest.approx(2.0)
    assert sources["fresh"] == pytest.approx(2.0)


def test_the_popular_are_as_many_as_wanted_and_the_best(fan: SmallKnowledge) -> None:
    for n in range(20):
        fan.follow(name(n), Trend(popularity=1.0 + n, at=NOW))
    assert best(found(fan), "popular") == [name(n) for n in (19, 18, 17, 16, 15)]


def test_an_item_is_fresh_for_as_long_as_the_setting_says(fan: SmallKnowledge) -> None:
    for age in (0, 6, 8):
        facts = ItemFacts("x", published_at=NOW - age * DAY)
        fan.announce(f"aged-{age}", [1, 0], facts)
    fan.announce("unborn", [1, 0], ItemFacts("x", published_at=NOW + 1))
    assert of(found(fan), "fresh") == ["aged-0", "aged-6"]
    wide = SlateConfig(retrieve=5, fresh_days=9)
    assert of(found(fan, config=wide), "fresh") == ["aged-0", "aged-6", "aged-8"]


def test_nothing_known_gives_no_candidates() -> None:
    assert found(SmallKnowledge()) == {}


# Companions


def test_what_people_came_to_after_and_before_is_a_candidate(fan: SmallKnowledge) -> None:
    fan.follow(name(40), after(name(0)))
    fan.follow(name(0), after(name(50)))
    assert set(of(found(fan, name(0)), "companions")) == {name(40), name(50)}


def test_companions_are_as_many_as_wanted_and_the_strongest(fan: SmallKnowledge) -> None:
    for n in range(20, 30):
        fan.follow(name(n), after(name(0), near=n))
    config = CONFIG.model_copy(update={"companions": 3})
    companions = best(found(fan, name(0), config=config), "companions")
    assert companions == [name(n) for n in (29, 28, 27)]


def test_a_companion_out_of_bounds_is_no_candidate_and_takes_no_place(fan: SmallKnowledge) -> None:
    for n in range(20, 30):
        fan.follow(name(n), after(name(0), near=n))
    config = CONFIG.model_copy(update={"companions": 2})
    for bounds in (
        Bounds(frozenset({name(29), name(28)}), None),
        Bounds(frozenset(), {name(n) for n in range(28)}),
    ):
        candidates = found(fan, name(0), bounds=bounds, config=config)
        assert set(of(candidates, "companions")) == {name(27), name(26)}


def test_a_companion_that_is_gone_is_no_candidate(fan: SmallKnowledge) -> None:
    fan.follow(name(40), after(name(0)))
    fan.discard(name(40))
    fan.follow("unheard-of", after(name(0)))
    assert of(found(fan, name(0)), "companions") == []


def test_the_crowd_says_nothing_of_a_history_it_does_not_know(fan: SmallKnowledge) -> None:
    fan.follow(name(40), after(name(0)))
    candidates = found(fan, "brand-new", name(0))
    assert of(candidates, "companions") == [name(40)]


# What the strategy says


def test_only_the_sources_of_the_strategy_are_asked(fan: SmallKnowledge) -> None:
    fan.follow(name(40), after(name(0)))
    config = CONFIG.model_copy(update={"candidates": ("companions",)})
    candidates = found(fan, name(0), config=config)
    assert {i: set(c.sources) for i, c in candidates.items()} == {name(40): {"companions"}}


def test_what_the_user_had_is_a_source_of_its_own(fan: SmallKnowledge) -> None:
    config = CONFIG.model_copy(update={"candidates": ("own",)})
    candidates = found(fan, name(3), name(5), name(3), config=config)
    assert {i: c.sources["own"] for i, c in candidates.items()} == {name(3): 2.0, name(5): 1.0}


def test_an_item_that_is_in_the_index_but_not_announced_yet_is_no_candidate(
    fan: SmallKnowledge,
) -> None:
    """Replicas write vectors in a thread, and announce what they have written."""
    fan.index.put("early", [1, 0])
    assert "early" not in found(fan, name(0))


def test_a_place_of_the_pool_has_the_sources_that_came_up_with_it(fan: SmallKnowledge) -> None:
    fan.follow(name(1), Trend(popularity=2.0, at=NOW))
    pool = gather(measuring(fan, name(0)), ANYTHING)
    assert [candidate.item_id for candidate in pool.at([2, 1])] == [
        pool.item_ids[2],
        pool.item_ids[1],
    ]
    assert [c.item_id for c in pool.at(pool.places_of("popular").tolist())] == of(
        found(fan, name(0)), "popular"
    )
    assert pool.places_of("nowhere").tolist() == []


# Bounds


def test_what_is_barred_is_never_a_candidate_of_any_source(fan: SmallKnowledge) -> None:
    barred = {name(n) for n in range(0, 60, 2)}
    for item_id in barred:
        fan.follow(item_id, Trend(popularity=9.0, at=NOW))
        fan.announce(item_id, [1, 0], ItemFacts("x", published_at=NOW))
    candidates = found(fan, name(1), bounds=Bounds(barred, None))
    assert candidates
    assert not barred & set(candidates)


def test_the_popular_are_as_many_although_the_most_popular_are_barred(fan: SmallKnowledge) -> None:
    for n in range(20):
        fan.follow(name(n), Trend(popularity=1.0 + n, at=NOW))
    barred = frozenset(name(n) for n in range(5, 20))
    assert best(found(fan, bounds=Bounds(barred, None)), "popular") == [
        name(n) for n in (4, 3, 2, 1, 0)
    ]


def test_only_what_the_filters_leave_is_a_candidate(fan: SmallKnowledge) -> None:
    within = {name(n) for n in range(52, 60)}
    candidates = found(fan, name(0), bounds=Bounds(frozenset({name(52)}), within))
    assert set(candidates) <= within - {name(52)}
    assert of(candidates, "recent")[0] == name(53)


def test_what_is_barred_takes_no_place_among_the_popular_of_a_filter(fan: SmallKnowledge) -> None:
    fan.follow(name(40), Trend(popularity=9.0, at=NOW))
    bounds = Bounds(frozenset({name(40)}), {name(n) for n in range(40, 50)})
    assert len(of(found(fan, bounds=bounds), "popular")) == 5


def test_the_popular_within_a_filter_are_its_best(fan: SmallKnowledge) -> None:
    for n in range(60):
        fan.follow(name(n), Trend(popularity=1.0 + n, at=NOW))
    within = {name(n) for n in range(20)}
    assert best(found(fan, bounds=Bounds(frozenset(), within)), "popular") == [
        name(n) for n in (19, 18, 17, 16, 15)
    ]


@pytest.mark.parametrize("within", [set(), {"unheard-of"}])
def test_filters_that_leave_nothing_leave_no_candidate_with_facts(
    fan: SmallKnowledge, within: set[str]
) -> None:
    candidates = found(fan, name(0), bounds=Bounds(frozenset(), within))
    assert [i for i in candidates if fan.facts(i)] == []


@pytest.mark.parametrize(
    ("barred", "within", "allowed"),
    [(set(), None, True), ({"x"}, None, False), (set(), {"x"}, True), (set(), {"y"}, False)],
)
def test_bounds_allow_what_is_inside_and_not_barred(
    barred: set[str], within: set[str] | None, allowed: bool
) -> None:
    assert Bounds(barred, within).allow("x") == allowed


def test_the_popular_within_a_filter_do_not_depend_on_the_order_of_a_set(
    fan: SmallKnowledge,
) -> None:
    names = [name(n) for n in range(60)]
    one = found(fan, bounds=Bounds(frozenset(), Ordered(names)))
    other = found(fan, bounds=Bounds(frozenset(), Ordered(reversed(names))))
    assert set(one) == set(other)


@pytest.mark.parametrize("way", ["seen", "filtered"])
def test_the_fresh_are_found_although_the_newest_are_out_of_bounds(
    fan: SmallKnowledge, way: str
) -> None:
    for n in range(20):
        facts = ItemFacts("x", published_at=NOW - n * 3600)
        fan.announce(f"new-{n:02}", [1, 0], facts)
    newest = frozenset(f"new-{n:02}" for n in range(5))
    older = {f"new-{n:02}" for n in range(5, 20)}
    bounds = Bounds(newest, None) if way == "seen" else Bounds(frozenset(), older)
    assert len(of(found(fan, bounds=bounds), "fresh")) == 5


# Wider


def test_a_first_search_that_finds_more_than_is_wanted_is_the_only_one(fan: SmallKnowledge) -> None:
    assert len(of(found(fan, name(0)), "recent")) == CONFIG.retrieve
    assert fan.index.widths == [10]


def test_the_search_is_wider_once_when_most_were_seen(fan: SmallKnowledge) -> None:
    seen = frozenset(name(n) for n in range(20))
    candidates = found(fan, name(0), bounds=Bounds(seen, None))
    assert fan.index.widths == [10, 50]
    assert of(candidates, "recent")[0] == name(20)


def test_it_is_not_wider_than_that_even_when_all_were_seen(fan: SmallKnowledge) -> None:
    everything = frozenset(name(n) for n in range(60))
    assert found(fan, name(0), bounds=Bounds(everything, None)) == {}
    assert fan.index.widths == [10, 50]


def test_without_a_taste_nothing_is_searched(fan: SmallKnowledge) -> None:
    found(fan)
    assert fan.index.widths == []


# Ages


@pytest.mark.parametrize(
    ("published_at", "age"), [(NOW, 0.0), (NOW - DAY / 2, 0.5), (NOW + 1, None), (None, None)]
)
def test_an_age_is_known_once_the_item_is_out(
    published_at: float | None, age: float | None
) -> None:
    knowledge = SmallKnowledge()
    knowledge.announce("x", [1, 0], ItemFacts("x", published_at=published_at))
    assert age_days(knowledge, "x", NOW) == age
    assert age_days(knowledge, "unheard-of", NOW) is None
