"""How much a worker has still to read is known without asking the broker."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from agents.safety.reading import LoopReader


def reader(states: dict[TopicPartition, Any]) -> LoopReader:
    """A reader whose consumer has these partitions, in these states."""
    assignment = SimpleNamespace(state_value=states.get)
    consumer = SimpleNamespace(
        assignment=lambda: set(states),
        _subscription=SimpleNamespace(subscription=SimpleNamespace(assignment=assignment)),
    )
    made = object.__new__(LoopReader)
    made._consumer = consumer
    return made


def state(*, highwater: int | None, position: int | None) -> Any:
    return SimpleNamespace(
        highwater=highwater, position=position, has_valid_position=position is not None
    )


def test_what_is_left_of_all_partitions_of_the_topic_is_unread() -> None:
    states = {
        TopicPartition("events", 0): state(highwater=10, position=7),
        TopicPartition("events", 1): state(highwater=5, position=1),
        TopicPartition("items", 0): state(highwater=100, position=0),
    }
    assert reader(states).unread("events") == 7


@pytest.mark.parametrize(
    "unknown",
    [
        None,
        state(highwater=None, position=4),
        state(highwater=4, position=None),
        state(highwater=4, position=6),
    ],
)
def test_a_partition_that_says_nothing_useful_counts_as_read(unknown: Any) -> None:
    assert reader({TopicPartition("events", 0): unknown}).unread("events") == 0


def test_without_partitions_nothing_is_unread() -> None:
    made = object.__new__(LoopReader)
    made._consumer = SimpleNamespace(assignment=set)
    assert made.unread("events") == 0
