"""Each feature alone prefers what has its merit, and more of it is never worse."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates import evidence as collaborative
from slates import own
from slates.config import DAY, SlateConfig
from slates.evidence import gather_evidence, visited
from slates.features import LEAST_SPREAD, NAMES, UNTRIED, Matrix, Measuring, standardise
from slates.own import habits_of
from slates.tastes import derive_tastes
from slates.testing import SmallKnowledge
from streams.items import ItemFacts
from streams.predecessors import WHOLE, Predecessors
from streams.profiles import Entry, Profile
from streams.trends import Trend
from tests.support.laws import law

LAW = law(50)
NOW = 100 * DAY
FAVOURITES = {
    "together": "companion",
    "onward": "companion",
    "back": "origin",
    "close": "companion",
    "lasting": "companion",
    "sitting": "companion",
    "popular": "popular",
    "surge": "rising",
    "visited": "visited",
    "similar": "near",
    "untried": "near",
    "leaning": "kin",
    "fresh": "new",
}
"""Each feature's own favourite on `shelf`; habits have none, nothing is shown twice there."""
SHELF = ("companion", "origin", "popular", "rising", "visited", "near", "kin", "new", "plain")


@pytest.fixture
def shelf() -> SmallKnowledge:
    """For whoever liked ``liked``: items that each have one merit, and one that has none."""
    knowledge = SmallKnowledge()
    knowledge.announce("liked", [1, 0, 0], ItemFacts("Liked", attributes={"by": "Herbert"}))
    knowledge.announce("near", [1, 0.1, 0], ItemFacts("Near"))
    knowledge.announce("kin", [0, 0, 1], ItemFacts("Kin", attributes={"by": "Herbert"}))
    knowledge.announce("new", [0, 0, 1], ItemFacts("New", published_at=NOW - DAY))
    for plain in ("companion", "origin", "popular", "rising", "visited", "plain"):
        knowledge.announce(plain, [0, 0, 1], ItemFacts(plain))
    knowledge.follow("companion", Trend(predecessors=one("liked", 5.0)))
    knowledge.follow("liked", Trend(predecessors=one("origin", 1.0)))
    knowledge.follow("popular", Trend(popularity=10.0, at=NOW))
    knowledge.follow("rising", Trend(popularity=1.0, surge=9.0, at=NOW))
    knowledge.follow("visited", Trend(interactions=99))
    return knowledge


def one(item_id: str, strength: float) -> Predecessors:
    weight = round(WHOLE * strength)
    return Predecessors((item_id,), (int(strength),), (weight,), (weight,))


def liking(*item_ids: str, gain: float = 1.0) -> Profile:
    return Profile(history=tuple(Entry(NOW - 60, i, "like", gain) for i in item_ids))


def measuring(
    knowledge: SmallKnowledge,
    profile: Profile,
    *,
    now: float = NOW,
    config: SlateConfig = SlateConfig(),  # noqa: B008 (frozen)
) -> Measuring:
    evidence = gather_evidence(visited(profile, SlateConfig().visits), knowledge.crowd, now=now)
    tastes = derive_tastes(profile, knowledge.index, config)
    return Measuring(evidence, tastes, habits_of(profile.history), knowledge, now, config)


def measure(
    knowledge: SmallKnowledge,
    *item_ids: str,
    liked: str | None = "liked",
    profile: Profile | None = None,
    now: float = NOW,
    config: SlateConfig = SlateConfig(),  # noqa: B008 (frozen)
) -> dict[str, list[float]]:
    """Feature to its value for each item."""
    known = profile or (Profile() if liked is None else liking(liked))
    rows = knowledge.crowd.rows(item_ids).astype(np.intp)
    vectors = knowledge.index.vectors(item_ids)
    found = measuring(knowledge, known, now=now, config=config).measure(item_ids, rows, vectors)
    assert found.shape == (len(item_ids), len(NAMES))
    return dict(zip(NAMES, found.T.tolist(), strict=True))


# Each feature


def test_every_feature_is_tested_here() -> None:
    assert {*FAVOURITES, *own.NAMES} == set(NAMES)
    assert len(NAMES) == len(set(NAMES))
    assert NAMES[: len(collaborative.NAMES)] == collaborative.NAMES


@pytest.mark.parametrize(("name", "favourite"), FAVOURITES.items())
def test_a_feature_alone_prefers_what_has_its_merit(
    shelf: SmallKnowledge, name: str, favourite: str
) -> None:
    found = dict(zip(SHELF, measure(shelf, *SHELF)[name], strict=True))
    assert max(found, key=found.__getitem__) == favourite
    assert found[favourite] > found["plain"]


def test_what_has_no_merit_measures_nothing(shelf: SmallKnowledge) -> None:
    found = measure(shelf, "plain")
    assert {name: value for name, (value,) in found.items() if abs(value) > 1e-6} == {}


def test_of_a_stranger_only_what_all_know_is_measured(shelf: SmallKnowledge) -> None:
    found = measure(shelf, *SHELF, liked=None)
    assert {name for name, values in found.items() if any(values)} == {
        "popular",
        "surge",
        "visited",
        "fresh",
    }


def test_all_is_finite_however_far_the_clock_is_behind_the_trends(shelf: SmallKnowledge) -> None:
    shelf.follow("popular", Trend(popularity=10.0, surge=10.0, at=50_000 * DAY))
    found = measure(shelf, *SHELF, now=0.0)
    assert all(np.isfinite(values).all() for values in found.values())
    assert max(found["popular"]) == found["popular"][SHELF.index("popular")]


def test_old_popularity_counts_less(shelf: SmallKnowledge) -> None:
    shelf.follow("plain", Trend(popularity=10.0, at=NOW - 7 * DAY))
    new, old = measure(shelf, "popular", "plain")["popular"]
    assert (new, old) == pytest.approx((np.log1p(10), np.log1p(5)))


def test_a_surge_is_over_before_the_popularity(shelf: SmallKnowledge) -> None:
    later = measure(shelf, "rising", now=NOW + 7 * DAY)
    assert later["surge"][0] == pytest.approx(np.log1p(9 / 2**8))
    assert later["popular"][0] == pytest.approx(np.log1p(0.5))


def test_freshness_halves_with_the_days_of_the_setting(shelf: SmallKnowledge) -> None:
    found = measure(shelf, "new", config=SlateConfig(fresh_days=1.0))
    assert found["fresh"] == pytest.approx([0.5])


def test_an_item_still_to_come_is_not_fresh(shelf: SmallKnowledge) -> None:
    shelf.announce("soon", [0, 0, 1], ItemFacts("Soon", published_at=NOW + 1))
    assert measure(shelf, "soon")["fresh"] == [0.0]


def test_text_counts_less_once_the_crowd_has_come(shelf: SmallKnowledge) -> None:
    before = measure(shelf, "near")
    assert before["untried"] == pytest.approx(before["similar"])
    shelf.follow("near", Trend(interactions=int(UNTRIED)))
    after = measure(shelf, "near")
    assert after["similar"] == pytest.approx(before["similar"])
    assert after["untried"] == pytest.approx([before["untried"][0] / 2])


def test_a_dislike_makes_kin_lean_less_than_strangers(shelf: SmallKnowledge) -> None:
    kin, plain = measure(shelf, "kin", "plain", profile=liking("liked", gain=-2.0))["leaning"]
    assert kin < plain == 0.0


def test_words_are_not_looked_up_where_nothing_weighs_them(shelf: SmallKnowledge) -> None:
    for feature, leans in (("popular", False), ("leaning", True)):
        config = SlateConfig(ranker={feature: 1.0})
        assert any(measure(shelf, "kin", config=config)["leaning"]) == leans


def test_similarity_is_half_the_recent_taste_and_half_the_best_of_all() -> None:
    knowledge = SmallKnowledge()
    for name, row in {"east": [1, 0], "north": [0, 1], "x": [1, 0]}.items():
        knowledge.announce(name, row, ItemFacts(name))
    tastes = derive_tastes(liking("east", "north"), knowledge.index, SlateConfig())
    recent = float(tastes.vectors[0] @ [1, 0])
    found = measure(knowledge, "x", profile=liking("east", "north"))
    assert found["similar"] == pytest.approx([0.5 * recent + 0.5])


def test_what_the_user_had_before_is_measured_where_it_may_be_shown_again(
    shelf: SmallKnowledge,
) -> None:
    entries = (Entry(NOW - 2 * DAY, "near", "like", 1.0), Entry(NOW - DAY, "near", "like", 1.0))
    found = measure(shelf, "near", "plain", profile=Profile(history=entries))
    for name in own.NAMES:
        had, never = found[name]
        assert had > never == 0.0


# Monotone


@LAW
@given(popularities=st.lists(st.floats(0, 1e6), min_size=2, max_size=6))
def test_the_more_popular_never_measures_less(popularities: list[float]) -> None:
    knowledge = SmallKnowledge()
    ids = [f"{n}" for n in range(len(popularities))]
    for item_id, popularity in zip(ids, popularities, strict=True):
        knowledge.announce(item_id, [1, 0], ItemFacts("x"))
        knowledge.follow(item_id, Trend(popularity=popularity, surge=popularity, at=NOW))
    found = measure(knowledge, *ids, liked=None)
    assert_same_order(popularities, found["popular"])
    assert_same_order(popularities, found["surge"])


@LAW
@given(ages=st.lists(st.floats(0, 60), min_size=2, max_size=6))
def test_the_newer_never_measures_less(ages: list[float]) -> None:
    knowledge = SmallKnowledge()
    ids = [f"{n}" for n in range(len(ages))]
    for item_id, age in zip(ids, ages, strict=True):
        knowledge.announce(item_id, [1, 0], ItemFacts("x", published_at=NOW - age * DAY))
    assert_same_order([-age for age in ages], measure(knowledge, *ids, liked=None)["fresh"])


@LAW
@given(cosines=st.lists(st.floats(-1, 1), min_size=2, max_size=6))
def test_the_nearer_to_the_taste_never_measures_less(cosines: list[float]) -> None:
    knowledge = SmallKnowledge()
    knowledge.announce("liked", [1, 0], ItemFacts("Liked"))
    ids = [f"{n}" for n in range(len(cosines))]
    for item_id, cosine in zip(ids, cosines, strict=True):
        knowledge.announce(item_id, [cosine, (1 - cosine**2) ** 0.5], ItemFacts("x"))
    assert_same_order(cosines, measure(knowledge, *ids)["similar"])


@LAW
@given(strengths=st.lists(st.integers(0, 50), min_size=2, max_size=6))
def test_the_better_companion_never_measures_less(strengths: list[int]) -> None:
    knowledge = SmallKnowledge()
    knowledge.announce("liked", [1, 0], ItemFacts("Liked"))
    ids = [f"{n}" for n in range(len(strengths))]
    for item_id, strength in zip(ids, strengths, strict=True):
        knowledge.announce(item_id, [0, 1], ItemFacts("x"))
        knowledge.follow(item_id, Trend(predecessors=one("liked", float(strength))))
    found = measure(knowledge, *ids)
    for name in ("together", "onward", "close", "lasting", "sitting"):
        assert_same_order([float(strength) for strength in strengths], found[name])


def assert_same_order(merits: Sequence[float], measured: Sequence[float]) -> None:
    for merit, value in zip(merits, measured, strict=True):
        for other, its_value in zip(merits, measured, strict=True):
            assert merit <= other or value >= its_value - 1e-6


# Z-scores

MATRICES = st.lists(
    st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), min_size=1, max_size=12
).map(np.array)


@LAW
@given(raw=MATRICES)
def test_columns_have_mean_zero_and_deviation_one_or_less(raw: Matrix) -> None:
    z = standardise(raw)
    assert np.isfinite(z).all()
    assert z.mean(axis=0) == pytest.approx([0.0] * 3, abs=1e-6)
    for before, after in zip(raw.std(axis=0), z.std(axis=0), strict=True):
        assert after == pytest.approx(min(before / LEAST_SPREAD, 1.0), abs=1e-6)


@LAW
@given(raw=MATRICES, shift=st.floats(-100, 100), scale=st.sampled_from([0.25, 4.0, 1024.0]))
def test_units_do_not_matter(raw: Matrix, shift: float, scale: float) -> None:
    spread = raw.std(axis=0) > LEAST_SPREAD / 0.25
    ours, theirs = standardise(raw), standardise(scale * (raw + shift))
    assert ours[:, spread] == pytest.approx(theirs[:, spread], abs=1e-3)


def test_a_difference_that_is_none_does_not_make_a_candidate_stand_out() -> None:
    hardly = np.array([[0.0]] * 20 + [[0.0001]])
    assert abs(standardise(hardly)).max() < 0.01


def test_where_all_are_alike_a_feature_decides_nothing() -> None:
    assert standardise(np.full((4, 2), 0.1)).tolist() == [[0.0, 0.0]] * 4


def test_one_candidate_is_no_division_by_zero() -> None:
    assert standardise(np.array([[5.0, -3.0]])).tolist() == [[0.0, 0.0]]
