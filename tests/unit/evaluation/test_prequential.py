"""Each event is asked for before it is learned, and only what can be asked is scored."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.contender import Observation
from evaluation.metrics import NAMES
from evaluation.prequential import prequential
from evaluation.replaying import Rules, Stream, in_order
from evaluation.scores import Scores
from evaluation.testing import Scripted, clairvoyant
from streams.items import Item

ALL = Rules(warm=0.0)


def stream(*chosen: str) -> list[Observation]:
    """ "ann dune" is what ann chose; the times are 0, 1, 2, …"""
    pairs = (text.split() for text in chosen)
    return [Observation(user, item, at=float(k)) for k, (user, item) in enumerate(pairs)]


def hit_rate(scores: Scores) -> float:
    return float(np.mean([row[NAMES.index("hr@5")] for row in scores.figures]))


many = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from([f"i{k}" for k in range(30)])), min_size=5
).map(lambda pairs: [Observation(u, i, at=float(k)) for k, (u, i) in enumerate(pairs)])


@given(many)
def test_who_knows_the_future_always_hits(events: list[Observation]) -> None:
    scores = prequential(clairvoyant(events), Stream(events), rules=ALL)
    assert hit_rate(scores) == 1.0


@given(many)
def test_every_event_is_scored_or_a_repeat(events: list[Observation]) -> None:
    scores = prequential(Scripted(lambda user, now: []), Stream(events), rules=ALL)
    assert len(scores.users) + scores.not_scored == len(events)


@given(many)
def test_every_event_is_learned_once_in_order(events: list[Observation]) -> None:
    contender = Scripted(lambda user, now: [])
    prequential(contender, Stream(events), rules=Rules(sample=0.3))
    assert contender.learned == events


def test_an_event_is_not_known_when_it_is_asked_for() -> None:
    events = stream("ann dune", "bob emma", "ann emma")
    contender = Scripted(lambda user, now: [])
    prequential(contender, Stream(events), rules=ALL)
    assert [len(question.known) for question in contender.asked] == [0, 1, 2]


def test_the_warm_part_is_learned_and_not_scored() -> None:
    events = stream(*(f"ann i{k}" for k in range(10)))
    scores = prequential(Scripted(lambda user, now: []), Stream(events), rules=Rules(warm=0.2))
    assert len(scores.users) == 8


def test_what_the_user_had_is_learned_and_not_scored() -> None:
    events = stream("ann dune", "ann dune", "bob dune")
    contender = Scripted(lambda user, now: [])
    scores = prequential(contender, Stream(events), rules=ALL)
    assert (scores.users, len(contender.learned), scores.not_scored) == (["ann", "bob"], 3, 1)


def test_an_item_that_comes_twice_in_a_list_counts_once() -> None:
    scores = prequential(
        Scripted(lambda user, now: ["dune"] * 20), Stream(stream("ann dune")), rules=ALL
    )
    assert scores.figures[0].max() <= 1.0
    assert scores.exposures == {"dune": 1}


def test_a_sample_asks_less_and_learns_all() -> None:
    events = stream(*(f"ann i{k}" for k in range(1000)))
    contender = Scripted(lambda user, now: [])
    scores = prequential(contender, Stream(events), rules=Rules(warm=0.0, sample=0.3))
    assert 200 < len(scores.users) < 400
    assert len(contender.learned) == 1000


def test_every_contender_is_asked_the_same_sample() -> None:
    events = stream(*(f"ann i{k}" for k in range(100)))
    one, other = Scripted(lambda user, now: []), Scripted(lambda user, now: ["i5"])
    for contender in (one, other):
        prequential(contender, Stream(events), rules=Rules(sample=0.5, seed=7))
    assert [q.now for q in one.asked] == [q.now for q in other.asked]


def test_a_sample_prefers_none_of_those_at_the_same_time() -> None:
    pairs = [(f"{k}", item) for k in range(4000) for item in ("early", "late")]
    events = in_order((Observation(k, i, at=float(k)) for k, i in pairs), seed=0)
    answer = Scripted(lambda user, now: ["early"])
    scores = prequential(answer, Stream(events), rules=Rules(sample=0.3))
    assert hit_rate(scores) == pytest.approx(hit_rate(whole(events)), abs=0.04)


def whole(events: Sequence[Observation]) -> Scores:
    return prequential(Scripted(lambda user, now: ["early"]), Stream(events), rules=Rules())


def test_the_history_and_a_new_item_are_told_as_they_were_before() -> None:
    events = stream("ann dune", "bob dune", "bob emma")
    scores = prequential(Scripted(lambda user, now: []), Stream(events), rules=ALL)
    assert scores.lengths == [0, 0, 1]
    assert scores.item_is_new == [True, False, True]


def test_the_catalogue_is_announced_before_anything_is_asked() -> None:
    dune = Item(item_id="dune", title="Dune")
    contender = Scripted(lambda user, now: [])
    prequential(contender, Stream(stream("ann dune"), [dune]), rules=ALL)
    assert contender.announced == [dune]


def test_genres_of_the_list_are_held_against_those_of_the_history() -> None:
    films = [
        Item(item_id=name, title=name, attributes={"genres": (genre,)})
        for name, genre in (("dune", "sand"), ("mars", "sand"), ("emma", "love"))
    ]
    events = stream("ann dune", "ann emma")
    true = prequential(Scripted(lambda user, now: ["mars"]), Stream(events, films), rules=ALL)
    false = prequential(Scripted(lambda user, now: ["emma"]), Stream(events, films), rules=ALL)
    assert true.divergences == [pytest.approx((0.0, 0.0))]
    assert false.divergences[0][1] == pytest.approx(1.0)


def test_steps_end_at_the_length_of_the_stream() -> None:
    steps: list[int] = []
    events = stream("ann dune", "bob emma")
    prequential(Scripted(lambda user, now: []), Stream(events), rules=ALL, on_step=steps.append)
    assert steps == [1, 2]
