"""The approximate index: the contract, the traps of hnswlib, and rebuilds under way."""

import gc
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from indexes.exact import ExactIndex
from indexes.index import VectorIndex
from indexes.items import HnswIndex
from indexes.misbehaving import (
    BoastfulGraph,
    ConfusedGraph,
    GatedGraph,
    GhostGraph,
    Line,
    ShortGraph,
    StarvedGraph,
    WatchedGraph,
)
from indexes.parameters import HnswParameters
from indexes.testing import VectorIndexContract, draw_vectors, ids, named, recall

DIM = 16
BUSY = HnswParameters(capacity=24, min_tombstones=4)
"""A rebuild every few changes."""
SMALL = HnswParameters(capacity=400, min_tombstones=20)
"""Room for 300 items and a rebuild now and then."""
ROWS = draw_vectors(300, dim=DIM, seed=1)
OTHERS = draw_vectors(300, dim=DIM, seed=2)


class TestHnswIndex(VectorIndexContract):
    def new_index(self, *, dim: int) -> VectorIndex:
        return HnswIndex(dim)


class TestHnswIndexThatRebuildsAllTheTime(VectorIndexContract):
    def new_index(self, *, dim: int) -> VectorIndex:
        return HnswIndex(dim, parameters=HnswParameters(capacity=150, min_tombstones=4))


class TestHnswIndexWhoseGraphAlwaysComesBackShort(VectorIndexContract):
    def new_index(self, *, dim: int) -> VectorIndex:
        return Line(dim, ShortGraph, parameters=HnswParameters()).index


class TestHnswIndexWhoseCanaryAlwaysFails(VectorIndexContract):
    def new_index(self, *, dim: int) -> VectorIndex:
        return Line(dim, WatchedGraph, ShortGraph, parameters=HnswParameters(capacity=150)).index


@pytest.fixture
def index() -> Iterator[HnswIndex]:
    index = HnswIndex(DIM, parameters=SMALL)
    yield index
    index.close()


def churn(index: HnswIndex, *, rounds: int) -> None:
    """Move every item back and forth; leaves all of them at ROWS."""
    for _ in range(rounds):
        index.upsert_many(named(OTHERS))
        index.upsert_many(named(ROWS))


# Generations


def test_three_generations_of_churn_leave_no_ghost(index: HnswIndex) -> None:
    churn(index, rounds=3)
    for number in range(0, 300, 2):
        index.discard(f"item-{number}")
    index.settle()
    assert index.stats().generation > 3
    live = {f"item-{number}" for number in range(1, 300, 2)}
    for queries in (ROWS, OTHERS):
        for row, found in zip(queries, index.search(queries, n=10), strict=True):
            assert {*ids(found)} <= live
            true = index.vectors(ids(found)) @ row
            assert np.allclose([match.similarity for match in found], true, atol=2e-3)


def test_recall_is_as_good_after_churn_as_before(index: HnswIndex) -> None:
    oracle = ExactIndex(DIM)
    oracle.upsert_many(named(ROWS))
    churn(index, rounds=3)
    index.settle()
    assert recall(index, oracle, OTHERS, 10) >= 0.98


def test_tombstones_do_not_outgrow_their_share(index: HnswIndex) -> None:
    for _ in range(3):
        churn(index, rounds=1)
        index.settle()  # what was replayed into the new generation may have left tombstones there
        index.upsert("item-0", ROWS[0])
        index.settle()
        stats = index.stats()
        assert stats.live == 300
        assert stats.tombstones <= 0.25 * (stats.live + stats.tombstones)


def test_discarding_alone_leads_to_a_rebuild(index: HnswIndex) -> None:
    index.upsert_many(named(ROWS))
    for number in range(100):
        index.discard(f"item-{number}")
    index.settle()
    assert index.stats().generation == 2
    assert index.stats().rebuild_seconds > 0


def test_a_catalogue_may_outgrow_its_first_capacity_many_times() -> None:
    index = HnswIndex(DIM, parameters=BUSY)
    index.upsert_many(named(ROWS))
    assert len({*ids(index.search(ROWS[:1], n=300)[0])}) == 300
    index.close()


def test_few_tombstones_are_not_worth_a_rebuild() -> None:
    index = HnswIndex(DIM)
    index.upsert_many(named(ROWS[:100]))
    index.upsert_many(named(OTHERS[:100]))
    index.settle()
    assert index.stats().generation == 1
    assert index.stats().tombstones == 100


# Changes and searches while a rebuild is under way


def begin_rebuild() -> tuple[Line, GatedGraph]:
    """An index whose next generation waits at the gate."""
    line = Line(DIM, WatchedGraph, GatedGraph, WatchedGraph, parameters=SMALL)
    line.index.upsert_many(named(ROWS[:150]))
    line.index.upsert_many(named(OTHERS[:60]))
    gated = _second(line)
    assert isinstance(gated, GatedGraph)
    assert gated.reached.wait(5)
    return line, gated


def _second(line: Line) -> WatchedGraph:
    deadline = time.monotonic() + 5
    while len(line.graphs) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    return line.graphs[1]


def test_changes_during_a_rebuild_are_in_both_generations() -> None:
    line, gated = begin_rebuild()
    index, oracle = line.index, ExactIndex(DIM)
    oracle.upsert_many([*named(ROWS[:150]), *named(OTHERS[:60])])
    for either in (index, oracle):
        either.upsert("new", OTHERS[200])
        either.upsert("item-149", OTHERS[201])
        either.discard("item-3")
        either.upsert("brief", OTHERS[202])
        either.discard("brief")
        either.discard("item-4")
        either.upsert("item-4", OTHERS[203])
    assert index.stats().generation == 1
    before = [{*ids(found)} for found in index.search(OTHERS, n=5)]
    gated.gate.set()
    index.settle()
    assert index.stats().generation == 2
    after = [{*ids(found)} for found in index.search(OTHERS, n=5)]
    assert before == after == [{*ids(found)} for found in oracle.search(OTHERS, n=5)]
    assert np.allclose(
        index.vectors(oracle.item_ids()), oracle.vectors(oracle.item_ids()), atol=1e-3
    )
    assert line.alarms == []
    index.close()


def test_more_changes_than_one_hold_allows_are_replayed_in_order() -> None:
    line, gated = begin_rebuild()
    for row in OTHERS[:150]:
        line.index.upsert("restless", row)
    gated.gate.set()
    line.index.settle()
    assert ids(line.index.search(OTHERS[149:150], n=1)[0]) == ["restless"]
    assert line.index.stats().live == 151
    line.index.close()


def test_closing_does_not_wait_for_the_rebuild_to_finish() -> None:
    line, gated = begin_rebuild()
    threading.Timer(0.05, gated.gate.set).start()
    line.index.close()
    assert line.index.stats().generation == 1
    assert line.index.stats().rebuild_failures == 0
    assert line.alarms == []
    assert sum(gated.adds) < 150


def test_after_closing_no_rebuild_begins(index: HnswIndex) -> None:
    index.close()
    with pytest.raises(RuntimeError, match="no room in 400 labels"):
        churn(index, rounds=2)
    assert index.stats().generation == 1


def test_a_reader_misses_no_item_while_a_writer_replaces_it_and_generations_change() -> None:
    line = Line(DIM, WatchedGraph, parameters=SMALL)
    line.index.upsert_many(named(ROWS))
    faults, stop = [], threading.Event()

    def read() -> None:
        while not stop.is_set():
            for n in (10, 300):
                found = [ids(one) for one in line.index.search(ROWS[::60], n=n)]
                names = [f"item-{number}" for number in range(0, 300, 60)]
                faults.extend(
                    name
                    for name, one in zip(names, found, strict=True)
                    if name not in one or len({*one}) != n
                )

    reader = threading.Thread(target=read)
    reader.start()
    deadline = time.monotonic() + 0.8
    while time.monotonic() < deadline:
        line.index.upsert_many(named(ROWS))
        line.index.discard("passing")
        line.index.upsert("passing", -ROWS[7])
        line.index.discard("passing")
    stop.set()
    reader.join()
    line.index.close()
    assert faults == []
    assert line.index.stats().generation > 2
    assert [graph.overlaps for graph in line.graphs] == [0] * len(line.graphs)


def test_the_lock_is_never_held_for_more_than_four_adds() -> None:
    line = Line(DIM, WatchedGraph, parameters=SMALL)
    line.index.upsert_many(named(ROWS))
    assert max(line.graphs[0].adds) == 4
    line.index.close()


# When the next generation is no good


@pytest.mark.parametrize("kind", [ShortGraph, ConfusedGraph, BoastfulGraph, StarvedGraph])
def test_a_faulty_generation_does_not_go_live(kind: type[WatchedGraph]) -> None:
    line = Line(DIM, WatchedGraph, kind, parameters=SMALL)
    line.index.upsert_many(named(ROWS[:150]))
    line.index.upsert_many(named(OTHERS[:60]))
    line.index.settle()
    stats = line.index.stats()
    assert (stats.generation, stats.rebuild_failures, stats.live) == (1, 1, 150)
    assert len(line.alarms) == 1
    assert ids(line.index.search(OTHERS[5:6], n=1)[0]) == ["item-5"]
    line.index.close()


def test_the_canary_sees_a_graph_that_finds_tombstones() -> None:
    line, gated = begin_rebuild()
    line.graphs[1].hide = GhostGraph.hide.__get__(line.graphs[1])  # type: ignore[method-assign]
    for number in range(60, 150):
        line.index.discard(f"item-{number}")
    gated.gate.set()
    line.index.settle()
    assert "tombstones" in line.alarms[0]
    line.index.close()


def test_an_alarm_says_which_generation_and_why() -> None:
    line = Line(DIM, WatchedGraph, ShortGraph, parameters=SMALL)
    line.index.upsert_many(named(ROWS[:150]))
    line.index.upsert_many(named(OTHERS[:60]))
    line.index.settle()
    [alarm] = line.alarms
    assert alarm.startswith("rebuild after index generation 1 failed: a search for 10 of 150")
    line.index.close()


def test_a_failed_rebuild_is_tried_again_only_after_many_more_changes() -> None:
    line = Line(DIM, WatchedGraph, ShortGraph, parameters=SMALL)
    line.index.upsert_many(named(ROWS[:150]))
    line.index.upsert_many(named(OTHERS[:60]))  # due at the 50th: up to 10 come after the failure
    line.index.settle()
    line.index.upsert_many(named(OTHERS[60:64]))
    line.index.settle()
    assert line.index.stats().rebuild_failures == 1
    line.index.upsert_many(named(OTHERS[64:84]))
    line.index.settle()
    assert line.index.stats().rebuild_failures == 2
    line.index.close()


def test_a_full_index_whose_rebuilds_fail_goes_on_exactly() -> None:
    line = Line(DIM, WatchedGraph, ConfusedGraph, parameters=BUSY)
    line.index.upsert_many(named(ROWS))
    assert line.alarms
    for number, found in enumerate(line.index.search(ROWS, n=1)):
        assert ids(found) == [f"item-{number}"]
    line.index.close()


def test_an_index_recovers_trust_with_the_next_sound_generation() -> None:
    line = Line(DIM, WatchedGraph, ConfusedGraph, WatchedGraph, parameters=BUSY)
    line.index.upsert_many(named(ROWS))
    line.index.settle()
    failures = line.index.stats().rebuild_failures
    line.index.upsert_many(named(OTHERS))
    line.index.settle()
    assert 1 <= failures == line.index.stats().rebuild_failures
    line.index.close()


def test_a_full_index_without_memory_for_another_is_an_error_not_a_loss() -> None:
    line = Line(DIM, WatchedGraph, StarvedGraph, parameters=BUSY)
    with pytest.raises(RuntimeError, match="no room in 24 labels"):
        line.index.upsert_many(named(ROWS))
    assert "MemoryError" in line.alarms[0]
    assert len({*ids(line.index.search(ROWS[:1], n=50)[0])}) == len(line.index)
    line.index.close()


def test_twins_do_not_alarm_the_canary(index: HnswIndex) -> None:
    index.upsert_many([(f"twin-{number}", ROWS[number % 10]) for number in range(300)])
    index.upsert_many([(f"twin-{number}", ROWS[number % 10]) for number in range(150)])
    index.settle()
    assert index.stats().generation == 2
    assert index.stats().rebuild_failures == 0


def test_nothing_is_left_behind_by_former_generations() -> None:
    line = Line(DIM, WatchedGraph, parameters=SMALL)
    churn(line.index, rounds=3)
    line.index.settle()
    old = line.graphs[0]
    line.graphs.clear()
    gc.collect()
    assert not [one for one in gc.get_referrers(old) if type(one).__name__ == "Generation"]
    line.index.close()
