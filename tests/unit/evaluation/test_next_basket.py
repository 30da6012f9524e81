"""A basket is asked for as a whole, repeats included, before any of it is known."""

import pytest

from evaluation.contender import Observation
from evaluation.metrics import NAMES
from evaluation.next_basket import next_basket
from evaluation.replaying import Rules, Stream
from evaluation.testing import Scripted
from streams.errors import SetupError

ALL = Rules(warm=0.0)


def basket(user: str, name: str, *items: str, at: float) -> list[Observation]:
    return [Observation(user, item, at=at, basket=name) for item in items]


EVENTS = [*basket("ann", "1", "milk", "tea", at=1.0), *basket("ann", "2", "milk", "rum", at=2.0)]


def test_the_first_basket_of_a_user_is_only_learned() -> None:
    contender = Scripted(lambda user, now: [])
    scores = next_basket(contender, Stream(EVENTS), rules=ALL)
    assert (len(contender.asked), scores.not_scored) == (1, 1)


def test_nothing_of_a_basket_is_known_when_it_is_asked_for() -> None:
    contender = Scripted(lambda user, now: [])
    next_basket(contender, Stream(EVENTS), rules=ALL)
    assert [event.basket for event in contender.asked[0].known] == ["1", "1"]


def test_repeats_are_asked_for_and_count() -> None:
    contender = Scripted(lambda user, now: ["milk"])
    scores = next_basket(contender, Stream(EVENTS), rules=ALL)
    assert contender.asked[0].repeats
    assert scores.figures[0][NAMES.index("recall@10")] == 0.5


def test_an_item_twice_in_a_basket_is_one_to_find() -> None:
    events = [*basket("ann", "1", "milk", at=1.0), *basket("ann", "2", "milk", "milk", at=2.0)]
    scores = next_basket(Scripted(lambda user, now: ["milk"]), Stream(events), rules=ALL)
    assert scores.figures[0][NAMES.index("recall@10")] == 1.0


def test_baskets_of_the_warm_part_are_only_learned() -> None:
    events = [event for k in range(10) for event in basket("ann", str(k), "milk", at=float(k))]
    scores = next_basket(Scripted(lambda user, now: []), Stream(events), rules=Rules(warm=0.5))
    assert len(scores.users) == 5


def test_the_same_basket_id_of_two_users_is_two_baskets() -> None:
    events = [*basket("ann", "1", "milk", at=1.0), *basket("bob", "1", "tea", at=2.0)]
    scores = next_basket(Scripted(lambda user, now: []), Stream(events), rules=ALL)
    assert (scores.users, scores.not_scored) == ([], 2)


def test_events_without_baskets_are_refused() -> None:
    with pytest.raises(SetupError, match="basket_id"):
        next_basket(
            Scripted(lambda user, now: []), Stream([Observation("ann", "tea", at=1.0)]), rules=ALL
        )
