"""Order by time, ties by the seed, and nothing is learned before it could be known."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.contender import Observation
from evaluation.prequential import prequential
from evaluation.replaying import FROZEN, Rules, Stream, in_order
from evaluation.testing import Scripted

ANN = [Observation("ann", f"i{k}", at=10.0 * k) for k in range(10)]
events = st.lists(
    st.builds(
        Observation,
        user_id=st.sampled_from("ab"),
        item_id=st.sampled_from("xyz"),
        at=st.sampled_from([1.0, 2.0]),
    ),
    max_size=12,
)


def asked(contender: Scripted, *, delay: float, warm: float = 0.2) -> list[tuple[float, int]]:
    """When it was asked, and how much it knew."""
    prequential(contender, Stream(ANN), rules=Rules(warm=warm, delay=delay))
    return [(question.now, len(question.known)) for question in contender.asked]


@given(events, st.randoms())
def test_the_order_of_the_file_does_not_matter(
    stream: list[Observation], rng: random.Random
) -> None:
    shuffled = stream.copy()
    rng.shuffle(shuffled)
    assert in_order(shuffled, seed=3) == in_order(stream, seed=3)


@given(events)
def test_time_never_goes_back(stream: list[Observation]) -> None:
    assert all(a.at <= b.at for a, b in itertools.pairwise(in_order(stream, seed=0)))


def test_another_seed_orders_equal_times_otherwise() -> None:
    same = [Observation("ann", f"i{k}", at=1.0) for k in range(20)]
    assert in_order(same, seed=1) != in_order(same, seed=2)


def test_equal_times_are_not_in_the_order_of_their_ids() -> None:
    same = [Observation("ann", f"i{k:02}", at=1.0) for k in range(20)]
    assert in_order(same, seed=0) != tuple(same)


def test_without_delay_everything_before_is_known() -> None:
    known = asked(Scripted(lambda user, now: []), delay=0.0)
    assert known == [(10.0 * k, k) for k in range(2, 10)]


def test_a_delay_keeps_what_is_younger_from_it() -> None:
    known = asked(Scripted(lambda user, now: []), delay=25.0)
    assert known == [(10.0 * k, k - 2) for k in range(2, 10)]


def test_what_is_exactly_as_old_as_the_delay_is_known() -> None:
    known = asked(Scripted(lambda user, now: []), delay=20.0)
    assert known[0] == (20.0, 1)


def test_frozen_it_knows_the_warm_part_for_ever() -> None:
    known = asked(Scripted(lambda user, now: []), delay=FROZEN)
    assert [count for _, count in known] == [2] * 8


def test_with_a_delay_it_is_asked_for_as_many_more_as_are_kept_from_it() -> None:
    contender = Scripted(lambda user, now: [])
    asked(contender, delay=FROZEN)
    assert [question.n for question in contender.asked] == [20 + k for k in range(8)]


def test_what_the_user_had_is_no_answer_even_if_the_contender_does_not_know() -> None:
    contender = Scripted(lambda user, now: [f"i{k}" for k in range(10)])
    scores = prequential(contender, Stream(ANN), rules=Rules(delay=FROZEN))
    assert [row[0] for row in scores.figures] == [1.0] * 8
    assert "i0" not in scores.exposures


@pytest.mark.parametrize("delay", [0.0, 15.0, FROZEN])
def test_nothing_known_is_later_than_the_question(delay: float) -> None:
    contender = Scripted(lambda user, now: [])
    asked(contender, delay=delay)
    assert all(k.at <= question.now for question in contender.asked for k in question.known)
