"""Visits in any order, and what they fold to."""

import random

import msgspec
from hypothesis import strategies as st

from streams.predecessors import Before, Predecessors
from streams.trends import DAY, CoVisit, Trend, fold
from tests.support.laws import law

LAW = law(50)

WEEK = 7 * DAY

TREND_1 = Trend(
    version=1,
    popularity=1.5,
    at=DAY,
    interactions=3,
    supporters=2,
    days={0: 1, 1: 1},
    applied={0: 7, 3: 120},
)

TREND = msgspec.structs.replace(
    TREND_1,
    version=2,
    surge=0.25,
    visitors=4,
    predecessors=Predecessors(("dune", "emma"), (2, 0), (19_000, 8_100), (10_000, 5_000), 7),
)

VISIT = CoVisit(
    at=DAY,
    gain=2.0,
    first=True,
    partition=3,
    offset=120,
    before=(Before("dune", 60.0), Before("emma", 0.5)),
    is_visit=True,
)

VISITS = st.lists(
    st.tuples(
        st.floats(0, 30 * DAY),
        st.floats(-3, 3),
        st.booleans(),
        st.integers(0, 3),
        st.lists(st.sampled_from("abcde"), unique=True, max_size=3),
    ),
    max_size=25,
)

Drawn = list[tuple[float, float, bool, int, list[str]]]


def by_partition(drawn: Drawn) -> dict[int, list[CoVisit]]:
    """What each partition of `events` sends, at rising offsets."""
    sources: dict[int, list[CoVisit]] = {}
    for offset, (at, gain, first, partition, names) in enumerate(drawn):
        before = tuple(Before(name, 30.0) for name in names)
        visit = CoVisit(at, gain, first, partition, offset, before)
        sources.setdefault(partition, []).append(visit)
    return sources


def interleave(sources: dict[int, list[CoVisit]], *, seed: int) -> list[CoVisit]:
    """An order of arrival: of each source as sent, between sources any."""
    turns = [partition for partition, visits in sources.items() for _ in visits]
    random.Random(seed).shuffle(turns)
    left = {partition: iter(visits) for partition, visits in sources.items()}
    return [next(left[partition]) for partition in turns]


def fold_all(visits: list[CoVisit], start: Trend = Trend()) -> Trend:  # noqa: B008 (frozen)
    for visit in visits:
        start = fold(start, visit, half_life=WEEK)
    return start


def visit(at: float, *, offset: int, gain: float = 1.0, first: bool = True) -> CoVisit:
    return CoVisit(at, gain, first, 0, offset)
