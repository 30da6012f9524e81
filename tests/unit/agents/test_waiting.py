"""What slates, lessons and words for items give way to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from agents.waiting import MANY
from agents.wiring.sockets import Sockets
from streams.topics import Topics


def sockets(**waiting: list[int]) -> Sockets:
    """As of a worker in whose queues so many records of a topic wait."""
    index = {
        name.replace("_", "-"): [
            SimpleNamespace(queue=SimpleNamespace(qsize=lambda n=n: n)) for n in counts
        ]
        for name, counts in {"events": [], "co_visits": [], **waiting}.items()
    }
    nothing = cast("Any", None)
    app = SimpleNamespace(topics=SimpleNamespace(_topic_name_index=index))
    return Sockets(nothing, nothing, Topics("", 4), app, *[nothing] * 5)


@pytest.mark.parametrize(
    ("waiting", "expected"),
    [
        ({}, 0),
        ({"events": [3, 4]}, 7),
        ({"co_visits": [MANY]}, 0),
        ({"events": [2], "co_visits": [MANY, 9]}, 11),
    ],
)
def test_events_count_and_of_co_visits_those_beyond_many(
    waiting: dict[str, list[int]], expected: int
) -> None:
    assert sockets(**waiting).unfolded() == expected
