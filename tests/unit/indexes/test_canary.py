"""The canary names what is wrong with a generation, and passes a sound one."""

import re

import numpy as np
import pytest
from numpy.typing import NDArray

from indexes.canary import examine, find_fault
from indexes.generations import Generation, Hits
from indexes.misbehaving import (
    BoastfulGraph,
    ConfusedGraph,
    GhostGraph,
    ShortGraph,
    WatchedGraph,
)
from indexes.parameters import HnswParameters
from indexes.testing import draw_vectors

DIM = 16
PARAMETERS = HnswParameters()
ROWS = draw_vectors(300, dim=DIM, seed=1).astype(np.float16)


class ShyGraph(WatchedGraph):
    """Leaves out the best."""

    def search(self, queries: NDArray[np.float32], k: int) -> Hits | None:
        hits = self.graph.search(queries, k + 1)
        return None if hits is None else (hits[0][:, 1:], hits[1][:, 1:])


class SkippingGraph(WatchedGraph):
    """Finds the best, then every other."""

    def search(self, queries: NDArray[np.float32], k: int) -> Hits | None:
        hits = self.graph.search(queries, 2 * k)
        return None if hits is None else (hits[0][:, ::2], hits[1][:, ::2])


def generation(kind: type[WatchedGraph], *, rows: NDArray[np.float16] = ROWS) -> Generation:
    made = Generation(kind(DIM, 1000, PARAMETERS), dim=DIM, capacity=1000)
    made.add([f"item-{number}" for number in range(len(rows))], rows)
    return made


def fault(made: Generation) -> str | None:
    return find_fault(made, parameters=PARAMETERS, seed=1)


def test_a_sound_generation_passes() -> None:
    assert fault(generation(WatchedGraph)) is None


def test_the_recall_is_told_whether_or_not_it_will_do() -> None:
    sound = examine(generation(WatchedGraph), parameters=PARAMETERS, seed=1)
    assert sound.recall is not None
    assert 0.98 <= sound.recall <= 1.0
    skipping = examine(generation(SkippingGraph), parameters=PARAMETERS, seed=1)
    assert skipping.recall is not None
    assert skipping.recall < 0.9
    blind = examine(generation(ShortGraph), parameters=PARAMETERS, seed=1)
    assert blind.recall is None


@pytest.mark.parametrize("live", [0, 1, 9])
def test_a_sound_generation_of_few_items_passes(live: int) -> None:
    made = generation(WatchedGraph)
    for number in range(live, 300):
        made.discard(f"item-{number}")
    assert fault(made) is None


@pytest.mark.parametrize(
    ("kind", "finding"),
    [
        (ShortGraph, "a search for 10 of 300 live items came back short"),
        (ConfusedGraph, "similarities that are not those of the items"),
        (BoastfulGraph, "similarities that are not those of the items"),
        (ShyGraph, "200 of 200 items do not find themselves"),
        (SkippingGraph, r"recall@10 0\.\d\d\d, expected 0\.98"),
    ],
)
def test_a_fault_is_named(kind: type[WatchedGraph], finding: str) -> None:
    assert re.search(finding, str(fault(generation(kind))))


def test_tombstones_that_are_found_are_named() -> None:
    made = generation(GhostGraph)
    for number in range(0, 300, 2):
        made.discard(f"item-{number}")
    assert "found tombstones" in str(fault(made))


def test_twins_may_stand_in_for_each_other() -> None:
    assert fault(generation(WatchedGraph, rows=np.repeat(ROWS[:12], 25, axis=0))) is None
