"""Whoever waits longest is next, and one slate answers all that a user asked for meanwhile."""

from typing import Any

import pytest
from hypothesis import given

from agents.answering import Line, Waiting
from streams.requests import Trigger
from tests.support.desk import CURRENT, HISTORIES, LAW, NOW, asks, click, explicit

_CAME: dict[int, tuple[Waiting, list[int]]] = {}
"""By the identity of a place: the place, and the offsets of all requests that came to it."""


class Waiters:
    """A `Line`, and who is served by it."""

    def __init__(self) -> None:
        self.line = Line()

    def add(self, user: str, offset: int, **fields: Any) -> None:
        generation = fields.pop("generation", CURRENT)
        record, request = asks(user, offset, **fields)
        place = self.line.add(record._replace(generation=generation), request)
        _CAME.setdefault(id(place), (place, []))[1].append(record.offset)

    def served(self) -> list[Waiting]:
        """All that wait, in their order; nobody waits any more."""
        return [self.line.take() for _ in range(len(self.line))]


def offsets(place: Waiting) -> list[int]:
    """Of all requests that one slate will answer, oldest first."""
    return _CAME[id(place)][1]


def triggers(place: Waiting) -> list[str]:
    """All triggers that one slate will answer, oldest first."""
    assert place.request.trigger is not None
    return [*place.superseded, place.request.trigger.id]


def test_first_come_is_first_served() -> None:
    waiters = Waiters()
    for offset, user in enumerate(("ann", "eve", "bob")):
        waiters.add(user, offset)
    assert [place.request.user_id for place in waiters.served()] == ["ann", "eve", "bob"]


def test_who_asks_again_keeps_the_place() -> None:
    waiters = Waiters()
    for offset, user in enumerate(("ann", "eve", "ann")):
        waiters.add(user, offset)
    assert [place.request.user_id for place in waiters.served()] == ["ann", "eve"]


def test_who_asks_again_after_being_served_goes_to_the_end() -> None:
    waiters = Waiters()
    waiters.add("ann", 0)
    waiters.add("eve", 1)
    waiters.line.take()
    waiters.add("ann", 2)
    assert [place.request.user_id for place in waiters.served()] == ["eve", "ann"]


def test_the_newest_request_takes_the_place_of_the_older_ones() -> None:
    waiters = Waiters()
    for offset in range(3):
        waiters.add("ann", offset, n=offset + 1)
    (place,) = waiters.served()
    assert (place.record.offset, place.request.n, place.request.trigger) == (2, 3, click(2))


def test_superseded_triggers_are_named_oldest_first_and_all_events_are_kept() -> None:
    waiters = Waiters()
    for offset in range(3):
        waiters.add("ann", offset)
    (place,) = waiters.served()
    assert place.superseded == ["events-0-0", "events-0-1"]
    assert offsets(place) == [0, 1, 2]


def test_who_asks_once_supersedes_nothing() -> None:
    waiters = Waiters()
    waiters.add("ann", 0)
    (place,) = waiters.served()
    assert (place.superseded, offsets(place)) == ([], [0])


def test_an_explicit_request_is_neither_superseded_nor_supersedes() -> None:
    waiters = Waiters()
    waiters.add("ann", 0)
    waiters.add("ann", 1, trigger=explicit(1))
    waiters.add("ann", 2)
    waiters.add("ann", 3, trigger=explicit(3))
    assert [offsets(place) for place in waiters.served()] == [[0, 2], [1], [3]]


def test_users_of_the_same_name_in_other_partitions_do_not_mix() -> None:
    waiters = Waiters()
    waiters.add("ann", 0, partition=0)
    waiters.add("ann", 1, partition=1)
    places = waiters.served()
    assert [(place.record.partition, place.superseded) for place in places] == [(0, []), (1, [])]


def test_requests_read_again_after_a_rebalance_take_nothing_from_before_it() -> None:
    waiters = Waiters()
    for generation in (CURRENT, CURRENT + 1):
        for offset in (0, 1):
            waiters.add("ann", offset, generation=generation)
    (place,) = waiters.served()
    assert (triggers(place), offsets(place)) == (["events-0-0", "events-0-1"], [0, 1])


def test_a_trigger_that_comes_twice_is_named_once() -> None:
    waiters = Waiters()
    for offset, trigger in enumerate((0, 1, 0, 1)):
        waiters.add("ann", offset, trigger=click(trigger))
    (place,) = waiters.served()
    assert (triggers(place), offsets(place)) == (["events-0-0", "events-0-1"], [0, 1, 2, 3])


def test_a_request_without_a_name_of_its_own_is_not_superseded() -> None:
    waiters = Waiters()
    waiters.add("ann", 0, trigger=Trigger("", "request", NOW, NOW))
    waiters.add("ann", 1)
    assert len(waiters.line) == 2


def test_a_request_that_was_long_on_its_way_is_not_the_newest() -> None:
    waiters = Waiters()
    waiters.add("ann", 1, trigger=Trigger("newer", "click", NOW, NOW))
    waiters.add("ann", 2, trigger=Trigger("older", "click", NOW, NOW - 1))
    (place,) = waiters.served()
    assert (place.request.trigger, place.superseded) == (
        Trigger("newer", "click", NOW, NOW),
        ["older"],
    )


def test_who_wants_to_be_forgotten_takes_back_what_was_asked_for_and_goes_to_the_end() -> None:
    waiters = Waiters()
    waiters.add("ann", 0)
    waiters.add("eve", 1)
    waiters.add("ann", 2, forget=True)
    waiters.add("ann", 3)
    places = waiters.served()
    assert [offsets(place) for place in places] == [[1], [0, 2], [3]]
    assert [place.request.forget for place in places] == [False, True, False]


def test_who_is_to_be_forgotten_cannot_be_superseded() -> None:
    waiters = Waiters()
    waiters.add("ann", 0, trigger=Trigger("newer", "click", NOW, NOW))
    waiters.add("ann", 1, forget=True, trigger=Trigger("older", "forget", NOW, NOW - 1))
    (place,) = waiters.served()
    assert place.request.forget


def test_users_are_counted_and_not_their_requests() -> None:
    waiters = Waiters()
    for offset, user in enumerate(("ann", "eve", "ann")):
        waiters.add(user, offset)
    assert len(waiters.line) == 2


def test_nobody_can_be_taken_from_an_empty_line() -> None:
    with pytest.raises(KeyError, match="nobody waits"):
        Line().take()


@LAW
@given(history=HISTORIES)
def test_every_request_is_answered_once_and_the_oldest_first_whatever_the_order(
    history: list[tuple[str, int, bool] | None],
) -> None:
    waiters = Waiters()
    waiting: dict[int, tuple[str, int, bool]] = {}

    def take() -> None:
        place = waiters.line.take()
        oldest = min(waiting)
        theirs = [o for o, who in waiting.items() if who == waiting[oldest]]
        assert offsets(place) == (theirs[:1] if waiting[oldest][2] else theirs)
        names = [asked(offset, waiting[offset]).id for offset in offsets(place)]
        assert triggers(place) == names
        assert place.record.offset == offsets(place)[-1]
        for offset in offsets(place):
            del waiting[offset]

    def asked(offset: int, who: tuple[str, int, bool]) -> Trigger:
        return explicit(offset) if who[2] else click(offset)

    for offset, who in enumerate(history):
        if who is not None:
            waiting[offset] = who
            waiters.add(who[0], offset, partition=who[1], trigger=asked(offset, who))
        elif waiting:
            take()
    while waiting:
        take()
    assert not waiters.line
