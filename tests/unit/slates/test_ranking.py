"""A score is a weighted sum in which every weight counts and more is never worse."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from slates.candidates import Candidate
from slates.config import DAY, SlateConfig
from slates.ranking import score
from slates.tastes import Tastes, derive_tastes
from slates.testing import SmallKnowledge
from streams.items import ItemFacts
from streams.profiles import Entry, Profile
from streams.trends import Trend

LAW = settings(max_examples=50, deadline=None, derandomize=True, database=None)
NOW = 100 * DAY
WEIGHTS = [name for name in SlateConfig.model_fields if name.startswith("weight_")]
NOTHING: dict[str, Any] = dict.fromkeys(WEIGHTS, 0.0)
SOMETHING = {"similarity": "near", "attributes": "kin", "popularity": "popular", "freshness": "new"}
"""Each weight's own favourite on `shelf`."""


def only(name: str, weight: float = 1.0) -> SlateConfig:
    return SlateConfig(**{**NOTHING, f"weight_{name}": weight})


@pytest.fixture
def shelf() -> SmallKnowledge:
    """For whoever liked ``liked``: four items, each with one merit, and one with none."""
    knowledge = SmallKnowledge()
    knowledge.announce("liked", [1, 0, 0], ItemFacts("Liked", attributes={"by": "Herbert"}))
    knowledge.announce("near", [1, 0.1, 0], ItemFacts("Near"))
    knowledge.announce("kin", [0, 0, 1], ItemFacts("Kin", attributes={"by": "Herbert"}))
    knowledge.announce("popular", [0, 0, 1], ItemFacts("Popular"))
    knowledge.follow("popular", Trend(popularity=10.0, at=NOW))
    knowledge.announce("new", [0, 0, 1], ItemFacts("New", published_at=NOW - DAY))
    knowledge.announce("plain", [0, 0, 1], ItemFacts("Plain"))
    return knowledge


def scores(
    knowledge: SmallKnowledge, *item_ids: str, config: SlateConfig, liked: str | None = "liked"
) -> dict[str, float]:
    given_ids = item_ids or ("near", "kin", "popular", "new", "plain")
    total = score(
        [Candidate(item_id) for item_id in given_ids],
        knowledge.index.vectors(given_ids),
        tastes(knowledge, liked),
        knowledge,
        now=NOW,
        config=config,
    )
    return dict(zip(given_ids, total.tolist(), strict=True))


def tastes(knowledge: SmallKnowledge, liked: str | None, gain: float = 1.0) -> Tastes:
    history = () if liked is None else (Entry(1.0, liked, "like", gain),)
    return derive_tastes(Profile(history=history), knowledge.index, SlateConfig())


# Each weight


def test_every_weight_is_tested_here() -> None:
    assert {f"weight_{name}" for name in SOMETHING} == set(WEIGHTS)


@pytest.mark.parametrize(("name", "favourite"), SOMETHING.items())
def test_a_weight_alone_prefers_what_has_its_merit(
    shelf: SmallKnowledge, name: str, favourite: str
) -> None:
    found = scores(shelf, config=only(name))
    assert max(found, key=found.__getitem__) == favourite
    assert found[favourite] > found["plain"]


@pytest.mark.parametrize(("name", "favourite"), SOMETHING.items())
def test_twice_the_weight_is_twice_the_merit(
    shelf: SmallKnowledge, name: str, favourite: str
) -> None:
    once, twice = (scores(shelf, config=only(name, weight)) for weight in (1.0, 2.0))
    assert twice[favourite] == pytest.approx(2 * once[favourite])


def test_without_weights_all_are_alike(shelf: SmallKnowledge) -> None:
    assert set(scores(shelf, config=SlateConfig(**NOTHING)).values()) == {0.0}


def test_the_weights_add_up(shelf: SmallKnowledge) -> None:
    weights = {"similarity": 0.5, "attributes": 0.3, "popularity": 0.2, "freshness": 0.1}
    together = scores(shelf, config=SlateConfig(**{f"weight_{n}": w for n, w in weights.items()}))
    apart = [scores(shelf, config=only(name, weight)) for name, weight in weights.items()]
    for item_id, total in together.items():
        assert total == pytest.approx(sum(one[item_id] for one in apart))


def test_every_term_is_between_minus_one_and_one(shelf: SmallKnowledge) -> None:
    for name in SOMETHING:
        found = scores(shelf, config=only(name)).values()
        assert all(-1 - 1e-6 <= one <= 1 + 1e-6 for one in found)


def test_a_stranger_is_ranked_by_popularity_and_freshness_alone(shelf: SmallKnowledge) -> None:
    found = scores(shelf, config=SlateConfig(), liked=None)
    assert found["popular"] == pytest.approx(SlateConfig().weight_popularity)
    assert found["new"] > found["plain"] == found["near"] == found["kin"] == 0.0


def test_nobody_popular_is_no_division_by_zero(shelf: SmallKnowledge) -> None:
    assert scores(shelf, "near", "plain", config=only("popularity")) == {"near": 0.0, "plain": 0.0}


def test_nothing_to_score_is_no_error(shelf: SmallKnowledge) -> None:
    nothing = np.zeros((0, 3), np.float32)
    for liked in ("liked", None):
        total = score([], nothing, tastes(shelf, liked), shelf, now=NOW, config=SlateConfig())
        assert total.shape == (0,)


# Monotone

POPULARITIES = st.lists(st.floats(0, 1e6), min_size=2, max_size=6)


@LAW
@given(popularities=POPULARITIES)
def test_the_more_popular_never_scores_less(popularities: list[float]) -> None:
    knowledge = SmallKnowledge()
    for n, popularity in enumerate(popularities):
        knowledge.announce(f"{n}", [1, 0], ItemFacts("x"))
        knowledge.follow(f"{n}", Trend(popularity=popularity, at=NOW))
    ids = [f"{n}" for n in range(len(popularities))]
    found = scores(knowledge, *ids, config=only("popularity"), liked=None)
    assert_same_order(popularities, [found[i] for i in ids])


@LAW
@given(ages=st.lists(st.floats(0, 60), min_size=2, max_size=6))
def test_the_newer_never_scores_less(ages: list[float]) -> None:
    knowledge = SmallKnowledge()
    for n, age in enumerate(ages):
        knowledge.announce(f"{n}", [1, 0], ItemFacts("x", published_at=NOW - age * DAY))
    ids = [f"{n}" for n in range(len(ages))]
    found = scores(knowledge, *ids, config=only("freshness"), liked=None)
    assert_same_order([-age for age in ages], [found[i] for i in ids])


@LAW
@given(cosines=st.lists(st.floats(-1, 1), min_size=2, max_size=6))
def test_the_nearer_to_the_taste_never_scores_less(cosines: list[float]) -> None:
    knowledge = SmallKnowledge()
    knowledge.announce("liked", [1, 0], ItemFacts("Liked"))
    for n, cosine in enumerate(cosines):
        knowledge.announce(f"{n}", [cosine, (1 - cosine**2) ** 0.5], ItemFacts("x"))
    ids = [f"{n}" for n in range(len(cosines))]
    found = scores(knowledge, *ids, config=only("similarity"))
    assert_same_order(cosines, [found[i] for i in ids])


def assert_same_order(merits: list[float], totals: list[float]) -> None:
    for merit, total in zip(merits, totals, strict=True):
        for other, its_total in zip(merits, totals, strict=True):
            assert merit <= other or total >= its_total - 1e-6


# What the terms are


def test_freshness_halves_with_the_days_of_the_setting(shelf: SmallKnowledge) -> None:
    config = SlateConfig(**{**NOTHING, "weight_freshness": 1.0, "fresh_days": 1.0})
    assert scores(shelf, config=config)["new"] == pytest.approx(0.5)


def test_an_item_still_to_come_is_not_fresh(shelf: SmallKnowledge) -> None:
    shelf.announce("soon", [0, 0, 1], ItemFacts("Soon", published_at=NOW + 1))
    assert scores(shelf, "soon", config=only("freshness")) == {"soon": 0.0}


def test_a_clock_far_behind_the_trends_gives_finite_scores(shelf: SmallKnowledge) -> None:
    shelf.follow("popular", Trend(popularity=10.0, at=50_000 * DAY))
    ids = ("popular", "plain")
    candidates, vectors = [Candidate(i) for i in ids], shelf.index.vectors(ids)
    config = only("popularity")
    total = score(candidates, vectors, tastes(shelf, None), shelf, now=0.0, config=config)
    assert total.tolist() == [1.0, 0.0]


def test_old_popularity_counts_less(shelf: SmallKnowledge) -> None:
    shelf.follow("plain", Trend(popularity=10.0, at=NOW - 7 * DAY))
    found = scores(shelf, config=only("popularity"))
    assert found["popular"] == 1.0
    assert found["plain"] == pytest.approx(np.log1p(5) / np.log1p(10))


def test_a_dislike_makes_kin_score_less_than_strangers(shelf: SmallKnowledge) -> None:
    ids = ("kin", "plain")
    vectors: NDArray[np.float32] = shelf.index.vectors(ids)
    total = score(
        [Candidate(i) for i in ids],
        vectors,
        tastes(shelf, "liked", gain=-2.0),
        shelf,
        now=NOW,
        config=only("attributes"),
    )
    assert total[0] < total[1] == 0.0
