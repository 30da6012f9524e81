"""Tastes are directions made from what a user liked, newest first."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slates.config import SlateConfig
from slates.tastes import Tastes, derive_tastes
from slates.testing import SmallIndex
from streams.profiles import Entry, Profile
from tests.support.laws import law

LAW = law(50)
CONFIG = SlateConfig()
AXES = {"sea": [1, 0, 0], "love": [0, 1, 0], "war": [0, 0, 1], "sea-war": [1, 0, 1]}


@pytest.fixture
def index() -> SmallIndex:
    return index_of(AXES)


def index_of(rows: dict[str, list[int]]) -> SmallIndex:
    index = SmallIndex()
    for item_id, row in rows.items():
        index.put(item_id, row)
    return index


def history(*acts: tuple[str, float]) -> Profile:
    """Items and gains in the order of time."""
    return Profile(history=tuple(Entry(float(t), i, "act", g) for t, (i, g) in enumerate(acts)))


def toward(tastes: Tastes, name: str, item_id: str) -> float:
    """Cosine of a taste with an item."""
    axis = np.array(AXES[item_id], np.float32)
    return float(tastes.vectors[tastes.names.index(name)] @ axis / np.linalg.norm(axis))


# Who has none


@pytest.mark.parametrize(
    "profile",
    [Profile(), history(("unheard-of", 1.0)), history(("sea", -2.0)), history(("sea", 0.0))],
    ids=["stranger", "only unknown items", "only dislikes", "only neutral"],
)
def test_who_liked_nothing_known_has_no_taste(index: SmallIndex, profile: Profile) -> None:
    tastes = derive_tastes(profile, index, CONFIG)
    assert (tastes.names, tastes.liked) == ((), ())
    assert len(tastes.vectors) == len(tastes.liked_vectors) == 0


# What there is


def test_a_single_like_points_there_in_every_view(index: SmallIndex) -> None:
    tastes = derive_tastes(history(("sea", 1.0)), index, CONFIG)
    assert tastes.names == ("recent", "last-1", "long-term")
    for name in tastes.names:
        assert toward(tastes, name, "sea") == pytest.approx(1)


def test_the_last_liked_items_are_tastes_of_their_own_newest_first(index: SmallIndex) -> None:
    tastes = derive_tastes(history(("sea", 1.0), ("love", 1.0), ("war", 1.0)), index, CONFIG)
    assert tastes.names == ("recent", "last-1", "last-2", "long-term")
    for name, item_id in zip(("last-1", "last-2"), ("war", "love"), strict=True):
        assert toward(tastes, name, item_id) == pytest.approx(1)


@pytest.mark.parametrize("last_items", [0, 1, 2])
def test_no_more_last_items_than_asked_for_are_tastes(index: SmallIndex, last_items: int) -> None:
    profile = history(("sea", 1.0), ("love", 1.0), ("war", 1.0))
    names = derive_tastes(profile, index, SlateConfig(last_items=last_items)).names
    assert len([name for name in names if name.startswith("last-")]) == last_items


def test_the_newer_weighs_more_in_the_recent_taste_and_not_in_the_long_run(
    index: SmallIndex,
) -> None:
    tastes = derive_tastes(history(("sea", 1.0), ("love", 1.0)), index, CONFIG)
    assert toward(tastes, "recent", "love") > toward(tastes, "recent", "sea")
    assert toward(tastes, "long-term", "love") == pytest.approx(toward(tastes, "long-term", "sea"))


def test_an_interaction_counts_half_after_the_recency(index: SmallIndex) -> None:
    profile = history(("sea", 1.0), ("love", 1.0))
    tastes = derive_tastes(profile, index, SlateConfig(recency=1.0))
    older, newer = toward(tastes, "recent", "sea"), toward(tastes, "recent", "love")
    assert older == pytest.approx(newer / 2)


def test_only_the_newest_interactions_make_the_recent_taste(index: SmallIndex) -> None:
    profile = history(("sea", 1.0), ("love", 1.0), ("war", 1.0))
    tastes = derive_tastes(profile, index, SlateConfig(recent=2))
    assert toward(tastes, "recent", "sea") == pytest.approx(0)
    assert toward(tastes, "long-term", "sea") > 0


def test_a_stronger_gain_pulls_more(index: SmallIndex) -> None:
    tastes = derive_tastes(history(("sea", 3.0), ("love", 1.0)), index, CONFIG)
    assert toward(tastes, "long-term", "sea") > toward(tastes, "long-term", "love")


def test_a_dislike_pulls_the_recent_taste_away_and_no_other(index: SmallIndex) -> None:
    tastes = derive_tastes(history(("sea", 1.0), ("war", -1.0)), index, CONFIG)
    assert toward(tastes, "recent", "war") < 0 < toward(tastes, "recent", "sea")
    assert toward(tastes, "long-term", "war") == pytest.approx(0)
    assert "war" not in [entry.item_id for entry in tastes.liked]


def test_of_an_item_the_newest_action_counts(index: SmallIndex) -> None:
    assert derive_tastes(history(("sea", 2.0), ("sea", -2.0)), index, CONFIG).names == ()
    regained = derive_tastes(history(("sea", -2.0), ("sea", 2.0)), index, CONFIG)
    assert [entry.gain for entry in regained.liked] == [2.0]


def test_an_unknown_item_waits_its_turn(index: SmallIndex) -> None:
    profile = history(("sea", 1.0), ("later", 1.0))
    assert [e.item_id for e in derive_tastes(profile, index, CONFIG).liked] == ["sea"]
    index.put("later", [0, 1, 0])
    assert [e.item_id for e in derive_tastes(profile, index, CONFIG).liked] == ["later", "sea"]


def test_an_item_liked_again_is_the_newest_but_once(index: SmallIndex) -> None:
    tastes = derive_tastes(history(("sea", 1.0), ("love", 1.0), ("sea", 1.0)), index, CONFIG)
    assert sorted(entry.item_id for entry in tastes.liked) == ["love", "sea"]


def test_an_item_liked_again_comes_first(index: SmallIndex) -> None:
    tastes = derive_tastes(history(("sea", 1.0), ("love", 1.0), ("sea", 1.0)), index, CONFIG)
    assert [entry.item_id for entry in tastes.liked] == ["sea", "love"]
    assert [entry.at for entry in tastes.known] == [2.0, 1.0]
    assert toward(tastes, "last-1", "sea") == pytest.approx(1)


def test_a_recent_taste_that_cancels_out_is_left_out() -> None:
    index = index_of({"twin-1": [1, 0, 0], "twin-2": [1, 0, 0]})
    profile = history(("twin-1", 2.0), ("twin-2", -1.0))
    tastes = derive_tastes(profile, index, SlateConfig(recency=1.0))
    assert tastes.names == ("last-1", "long-term")


def test_opposites_liked_alike_still_give_directions() -> None:
    index = index_of({"here": [1, 0, 0], "there": [-1, 0, 0]})
    tastes = derive_tastes(history(("here", 1.0), ("there", 1.0)), index, CONFIG)
    assert np.allclose(np.linalg.norm(tastes.vectors, axis=1), 1)


# Laws

ACTS = st.lists(
    st.tuples(st.sampled_from([*AXES, "unheard-of"]), st.floats(-3, 3, width=16)), max_size=12
)


@LAW
@given(acts=ACTS)
def test_tastes_are_directions_and_each_liked_item_comes_once(
    acts: list[tuple[str, float]],
) -> None:
    index = index_of(AXES)
    tastes = derive_tastes(history(*acts), index, CONFIG)
    newest = dict(acts)
    liked = [entry.item_id for entry in tastes.liked]
    assert sorted(liked) == sorted(i for i, gain in newest.items() if i in AXES and gain > 0)
    assert sorted(e.item_id for e in tastes.known) == sorted(i for i in newest if i in AXES)
    assert len(tastes.names) == len(tastes.vectors) == len(set(tastes.names))
    assert bool(tastes.names) == bool(liked)
    assert np.allclose(np.linalg.norm(tastes.vectors, axis=1), 1, atol=1e-5)
    if liked:
        assert np.array_equal(tastes.liked_vectors, index.vectors(liked))
