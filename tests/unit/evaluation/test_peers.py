"""What every contender keeps, and what makes each peer itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.contender import Contender, Observation
from evaluation.lineup import ENGINE, MAKERS, make_contender
from evaluation.peers.implicit_als import ImplicitAls
from evaluation.peers.item_knn import CoOccurrence
from evaluation.peers.ledger import MOST_ITEMS, check_size, top
from evaluation.peers.options import Options
from evaluation.peers.popularity import Counts
from evaluation.peers.river_mf import RiverFactorisation
from streams.errors import CapacityExceeded
from streams.items import Item

PEERS = [name for name in MAKERS if name != ENGINE]


def taught(name: str, *, users: int = 30) -> Contender:
    """Even users like the items a0 to a4, odd ones b0 to b4, each all but one of them."""
    contender = make_contender(name, Options(events=users * 4))
    contender.announce([Item(item_id="new", title="New")])
    for number, event in enumerate(tastes(users)):
        contender.learn(event)
        if number % 10 == 0:
            contender.rank(event.user_id, now=event.at, n=1)
    return contender


def tastes(users: int) -> list[Observation]:
    return [
        Observation(f"u{user}", f"{'ab'[user % 2]}{(user + k) % 5}", at=3600.0 * (4 * user + k))
        for user in range(users)
        for k in range(4)
    ]


@pytest.fixture(params=PEERS)
def peer(request: pytest.FixtureRequest) -> Contender:
    return taught(request.param)


def test_it_has_the_name_it_is_called_by(peer: Contender) -> None:
    assert peer.name in PEERS


def test_what_the_user_has_had_is_left_out(peer: Contender) -> None:
    ranked = peer.rank("u0", now=1e6, n=20)
    assert not set(ranked) & {"a0", "a1", "a2", "a3"}


def test_everything_else_is_ranked_once(peer: Contender) -> None:
    ranked = peer.rank("u0", now=1e6, n=20)
    assert sorted(ranked) == ["a4", "b0", "b1", "b2", "b3", "b4", "new"]


def test_with_repeats_everything_is_ranked(peer: Contender) -> None:
    assert len(peer.rank("u0", now=1e6, n=20, repeats=True)) == 11


def test_it_names_as_many_as_it_is_asked_for(peer: Contender) -> None:
    assert len(peer.rank("u0", now=1e6, n=3)) == 3


def test_a_shorter_list_is_the_beginning_of_a_longer_one(peer: Contender) -> None:
    assert list(peer.rank("u0", now=1e6, n=3)) == list(peer.rank("u0", now=1e6, n=6))[:3]


def test_a_new_user_is_answered(peer: Contender) -> None:
    assert len(peer.rank("nobody", now=1e6, n=5)) == 5


@pytest.mark.parametrize("name", PEERS)
def test_the_same_seed_gives_the_same_answers(name: str) -> None:
    answers = [taught(name).rank("u1", now=1e6, n=7) for _ in range(2)]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("name", ["item-knn", "skip-markov", "numpy-sum", "river-mf"])
def test_it_learns_whose_taste_is_whose(name: str) -> None:
    contender = taught(name, users=200)
    for number, item in enumerate(("b0", "b1", "b2", "b3")):
        contender.learn(Observation("eve", item, at=1e7 + number))
    assert contender.rank("eve", now=1e8, n=1) == ["b4"]


def test_als_learns_whose_taste_is_whose() -> None:
    als = ImplicitAls(least_new=10, factors=2)
    for event in tastes(60):
        als.learn(event)
    als.learn(Observation("eve", "b0", at=1e7))
    assert {item[0] for item in als.rank("eve", now=1e8, n=4)} == {"b"}


def test_decayed_popularity_forgets() -> None:
    counts = Counts(half_life=2.0)
    for item in (0, 0, 0, 1, 1):
        counts.add(item)
    assert counts.scores(2)[1] > counts.scores(2)[0]


def test_an_event_counts_half_after_the_half_life() -> None:
    counts = Counts(half_life=3.0)
    for item in (0, 1, 1, 1):
        counts.add(item)
    assert counts.scores(2)[0] == pytest.approx(0.5)


def test_counts_stay_finite_for_ever() -> None:
    counts = Counts(half_life=0.01)
    for _ in range(100):
        counts.add(0)
    assert counts.scores(1).tolist() == [1.0]


def test_neighbours_met_by_more_users_are_nearer() -> None:
    knn = CoOccurrence()
    for other in (1, 1, 2):
        knn.learn([], 0)
        knn.learn([0], other)
    scores = knn.scores([0], items=3)
    assert scores[1] > scores[2] > 0


def test_what_was_had_lately_counts_more() -> None:
    knn = CoOccurrence()
    for item, other in ((0, 2), (1, 3)):
        knn.learn([], item)
        knn.learn([item], other)
    scores = knn.scores([0, 1], items=4)
    assert scores[3] > scores[2]


def test_river_is_ranked_as_river_would() -> None:
    contender = RiverFactorisation(seed=1)
    for event in tastes(20):
        contender.learn(event)
    items = contender.rank("u3", now=1e6, n=20, repeats=True)
    places = {item: k for k, item in enumerate(contender._ledger.items)}
    predicted = [contender.model.predict_one(user="u3", item=places[item]) for item in items]
    assert predicted == sorted(predicted, reverse=True)
    assert len(set(predicted)) > 1


def test_als_is_fitted_again_after_an_hour_and_enough_events() -> None:
    als = ImplicitAls(least_new=10)
    for number, event in enumerate(tastes(20)):
        als.learn(event)
        if number in (20, 21, 79):
            als.rank(event.user_id, now=event.at, n=1)
    assert als.fits == 2


def test_als_answers_for_items_newer_than_its_fit() -> None:
    als = ImplicitAls(least_new=10)
    for event in tastes(20):
        als.learn(event)
    als.rank("u0", now=1e6, n=1)
    als.learn(Observation("u0", "newest", at=1e6))
    assert "newest" in als.rank("u1", now=1e6, n=20)


@given(st.lists(st.integers(0, 3), max_size=12), st.integers(0, 15))
def test_the_best_are_those_of_a_full_sort(values: list[int], n: int) -> None:
    expected = sorted(range(len(values)), key=lambda i: (-values[i], i))[:n]
    assert top(np.array(values, dtype=float), n) == expected


def test_a_matrix_of_too_many_items_is_refused_with_what_to_do() -> None:
    with pytest.raises(CapacityExceeded, match="--peers"):
        check_size(MOST_ITEMS + 1)
