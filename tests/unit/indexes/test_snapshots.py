"""A snapshot is whole or not there, whatever happens while it is written or to its files."""

import stat
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from indexes.images import Snapshottable
from indexes.index import VectorIndex
from indexes.items import HnswIndex
from indexes.misbehaving import ConfusedGraph, Line, WatchedGraph
from indexes.parameters import HnswParameters
from indexes.snapshots import load, save
from indexes.testing import VectorIndexContract, draw_vectors, ids, named
from streams.errors import DimensionMismatch, EncoderMismatch
from tests.support.images import DIM, ROWS, both, exact, filled, hnsw, must_read, read, write

# Python 3.12 warns that a child may inherit a held lock, and counts numpy's threads: ours exits.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

QUERIES = draw_vectors(20, dim=DIM, seed=2)


# What comes back
class TestRestoredHnswIndex(VectorIndexContract):
    @pytest.fixture(autouse=True)
    def _directory(self, tmp_path: Path) -> None:
        self.directory = tmp_path

    def new_index(self, *, dim: int) -> VectorIndex:
        empty = HnswIndex(dim)
        save(self.directory, index=empty, offsets={}, facts=b"", fingerprint="")
        snapshot = load(self.directory, dim=dim, fingerprint="")
        assert snapshot is not None
        return snapshot.index


@both
def test_a_restored_index_answers_as_the_saved_one(
    new_index: Callable[[], Snapshottable], tmp_path: Path
) -> None:
    index = filled(new_index)
    write(tmp_path, index)
    restored = must_read(tmp_path).index
    assert type(restored) is type(index)
    assert sorted(restored.item_ids()) == sorted(index.item_ids())
    assert np.array_equal(restored.vectors(index.item_ids()), index.vectors(index.item_ids()))
    for n in (1, 10, 500):
        assert restored.search(QUERIES, n=n) == index.search(QUERIES, n=n)


@both
def test_offsets_and_facts_come_back_as_they_were(
    new_index: Callable[[], Snapshottable], tmp_path: Path
) -> None:
    write(tmp_path, filled(new_index))
    snapshot = must_read(tmp_path)
    assert snapshot.offsets == {"item-vectors-0": 7, "item-vectors-1": 0}
    assert snapshot.facts == b"trends\x00\xff"
    assert snapshot.fingerprint == "minilm"


@both
def test_a_restored_index_goes_on_changing(
    new_index: Callable[[], Snapshottable], tmp_path: Path
) -> None:
    write(tmp_path, filled(new_index))
    index = must_read(tmp_path).index
    for number in range(200):
        index.upsert(f"item-{number}", -ROWS[number])
    index.close()
    assert [ids(found) for found in index.search(-ROWS, n=1)] == [[f"item-{n}"] for n in range(200)]


def test_tombstones_are_counted_as_before(tmp_path: Path) -> None:
    write(tmp_path, filled(hnsw))
    assert must_read(tmp_path).index.stats().tombstones == 22


def test_the_number_of_the_generation_comes_back(tmp_path: Path) -> None:
    index = filled(hnsw)
    index.upsert_many(named(ROWS))
    assert isinstance(index, HnswIndex)
    index.settle()
    write(tmp_path, index)
    assert must_read(tmp_path).index.stats().generation == index.stats().generation >= 2


@both
def test_the_generation_of_an_index_built_apart_and_the_time_it_took_come_back(
    new_index: Callable[[], Snapshottable], tmp_path: Path
) -> None:
    index = new_index()
    index.count_from(7, seconds=2.5)
    write(tmp_path, index)
    stats = must_read(tmp_path).index.stats()
    assert (stats.generation, stats.rebuild_seconds) == (7, 2.5)


def test_a_generation_that_was_not_trusted_is_not_trusted_after_a_restart(tmp_path: Path) -> None:
    line = Line(DIM, WatchedGraph, ConfusedGraph, parameters=HnswParameters(capacity=24))
    line.index.upsert_many(named(ROWS[:30]))
    line.index.settle()
    write(tmp_path, line.index)
    restored = must_read(tmp_path).index
    assert isinstance(restored, HnswIndex)
    restored.discard("item-0")  # the next change sees that a rebuild is due
    restored.settle()
    assert restored.stats().generation == line.index.stats().generation + 1
    line.index.close()


def test_tombstones_stay_hidden(tmp_path: Path) -> None:
    index = filled(hnsw)
    write(tmp_path, index)
    restored = must_read(tmp_path).index
    assert "item-5" not in ids(restored.search(ROWS[5:6], n=20)[0])
    assert "item-10" not in ids(restored.search(ROWS[10:11], n=20)[0])


def test_the_breadth_of_search_is_not_forgotten(tmp_path: Path) -> None:
    rows = np.random.default_rng(3).standard_normal((3000, 64)).astype(np.float32)
    index = HnswIndex(64, parameters=HnswParameters(ef=400))
    index.upsert_many(named(rows))
    save(tmp_path, index=index, offsets={}, facts=b"", fingerprint="")
    same = load(tmp_path, dim=64, fingerprint="")
    narrow = load(tmp_path, dim=64, fingerprint="", parameters=HnswParameters(ef=10))
    assert same is not None
    assert narrow is not None
    expected = index.search(rows[:50] + rows[50:100], n=10)
    assert same.index.search(rows[:50] + rows[50:100], n=10) == expected
    assert narrow.index.search(rows[:50] + rows[50:100], n=10) != expected


@both
def test_strange_ids_survive(new_index: Callable[[], Snapshottable], tmp_path: Path) -> None:
    names = ["", "Dune – Der Wüstenplanet", "\x00\n", "砂丘", "\ud800", "item-1 "]
    index = new_index()
    index.upsert_many(list(zip(names, ROWS, strict=False)))
    write(tmp_path, index)
    assert sorted(must_read(tmp_path).index.item_ids()) == sorted(names)


@both
def test_an_empty_index_is_a_snapshot_too(
    new_index: Callable[[], Snapshottable], tmp_path: Path
) -> None:
    write(tmp_path, new_index())
    index = must_read(tmp_path).index
    index.upsert("dune", ROWS[0])
    assert ids(index.search(ROWS[:1], n=3)[0]) == ["dune"]


# The directory
def test_without_a_snapshot_there_is_nothing_to_load(tmp_path: Path) -> None:
    assert read(tmp_path) is None
    assert read(tmp_path / "never" / "made") is None


def test_the_newest_snapshot_is_the_one_that_counts_and_the_only_one_kept(tmp_path: Path) -> None:
    index = filled(exact)
    for offset in range(3):
        write(tmp_path, index, offset=offset)
    assert must_read(tmp_path).offsets["item-vectors-0"] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["current", "version-00000003"]


def test_folders_are_for_the_owner_only(tmp_path: Path) -> None:
    directory = tmp_path / "var" / "index"
    write(directory, filled(exact))
    folders = [directory.parent, directory, *(p for p in directory.iterdir() if p.is_dir())]
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in folders] == [0o700] * 3


def test_other_files_in_the_directory_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "version-of-mine").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    write(tmp_path, filled(exact))
    write(tmp_path, filled(exact))
    assert (tmp_path / "version-of-mine").is_dir()
    assert (tmp_path / "notes.txt").read_text() == "mine"


# Somebody else's snapshot
@both
def test_vectors_of_another_length_are_refused(
    new_index: Callable[[], Snapshottable], tmp_path: Path
) -> None:
    write(tmp_path, filled(new_index))
    with pytest.raises(DimensionMismatch, match="dim 16, expected 384"):
        load(tmp_path, dim=384, fingerprint="minilm")


@both
def test_vectors_of_another_encoder_are_refused(
    new_index: Callable[[], Snapshottable], tmp_path: Path
) -> None:
    write(tmp_path, filled(new_index))
    with pytest.raises(EncoderMismatch, match="'minilm', expected 'other'"):
        load(tmp_path, dim=DIM, fingerprint="other")


@both
def test_a_frozen_index_does_not_change(new_index: Callable[[], Snapshottable]) -> None:
    index = filled(new_index)
    change = threading.Thread(target=index.upsert, args=("late", ROWS[0]))
    with index.frozen():
        change.start()
        change.join(0.05)
        assert "late" not in index
    change.join()
    assert "late" in index
