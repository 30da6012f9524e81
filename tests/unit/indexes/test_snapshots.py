"""A snapshot is whole or not there, whatever happens while it is written or to its files."""

import os
import shutil
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from indexes.exact import ExactIndex
from indexes.images import Snapshottable
from indexes.index import VectorIndex
from indexes.items import HnswIndex
from indexes.misbehaving import ConfusedGraph, Line, Meddled, WatchedGraph
from indexes.parameters import HnswParameters
from indexes.snapshots import Snapshot, load, save
from indexes.testing import VectorIndexContract, draw_vectors, ids, named
from streams.errors import DimensionMismatch, EncoderMismatch, SnapshotCorrupt

# Python 3.12 warns that a child may inherit a held lock, and counts numpy's threads: ours exits.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

DIM = 16
ROWS = draw_vectors(200, dim=DIM, seed=1)
QUERIES = draw_vectors(20, dim=DIM, seed=2)
SMALL = HnswParameters(capacity=1000, min_tombstones=20)


def exact() -> Snapshottable:
    return ExactIndex(DIM)


def hnsw() -> Snapshottable:
    return HnswIndex(DIM, parameters=SMALL)


both = pytest.mark.parametrize("new_index", [exact, hnsw])


def filled(new_index: Callable[[], Snapshottable]) -> Snapshottable:
    """200 items, of which every tenth was replaced and two are gone."""
    index = new_index()
    index.upsert_many(named(ROWS))
    index.upsert_many([(f"item-{number}", -ROWS[number]) for number in range(0, 200, 10)])
    index.discard("item-5")
    index.discard("item-6")
    return index


def write(directory: Path, index: Snapshottable, *, offset: int = 7) -> None:
    save(
        directory,
        index=index,
        offsets={"item-vectors-0": offset, "item-vectors-1": 0},
        facts=b"trends\x00\xff",
        fingerprint="minilm",
    )


def read(directory: Path) -> Snapshot | None:
    return load(directory, dim=DIM, fingerprint="minilm")


def must_read(directory: Path) -> Snapshot:
    snapshot = read(directory)
    assert snapshot is not None
    return snapshot


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


# Damage

EXACT_FILES = ["vectors.npy", "ids.json", "facts.bin", "manifest.json"]
HNSW_FILES = [*EXACT_FILES, "graph.bin"]
each_file = pytest.mark.parametrize(
    ("new_index", "name"),
    [(exact, name) for name in EXACT_FILES] + [(hnsw, name) for name in HNSW_FILES],
)


def damaged(tmp_path: Path, new_index: Callable[[], Snapshottable], name: str) -> Path:
    write(tmp_path, filled(new_index))
    return tmp_path / "version-00000001" / name


@each_file
def test_a_flipped_bit_is_noticed_and_the_file_named(
    new_index: Callable[[], Snapshottable], name: str, tmp_path: Path
) -> None:
    path = damaged(tmp_path, new_index, name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(SnapshotCorrupt, match=rf"{name}: altered"):
        read(tmp_path)


@each_file
def test_a_truncated_file_is_noticed_and_named(
    new_index: Callable[[], Snapshottable], name: str, tmp_path: Path
) -> None:
    path = damaged(tmp_path, new_index, name)
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(SnapshotCorrupt, match=rf"{name}: (\d+ bytes, expected \d+|altered)"):
        read(tmp_path)


@each_file
def test_a_missing_file_is_noticed_and_named(
    new_index: Callable[[], Snapshottable], name: str, tmp_path: Path
) -> None:
    damaged(tmp_path, new_index, name).unlink()
    with pytest.raises(SnapshotCorrupt, match=rf"{name}: No such file"):
        read(tmp_path)


@pytest.mark.parametrize("content", [b"", b"version-00000001", b"\xff" * 87, b"version-00000009 "])
def test_a_damaged_pointer_is_noticed_and_replaced_by_the_next_snapshot(
    content: bytes, tmp_path: Path
) -> None:
    write(tmp_path, filled(exact))
    (tmp_path / "current").write_bytes(content)
    with pytest.raises(SnapshotCorrupt, match="current"):
        read(tmp_path)
    write(tmp_path, filled(exact), offset=8)
    assert must_read(tmp_path).offsets["item-vectors-0"] == 8


def test_any_flipped_bit_of_the_pointer_is_noticed(tmp_path: Path) -> None:
    write(tmp_path, filled(exact))
    path = tmp_path / "current"
    good = path.read_bytes()
    for position in range(len(good)):
        bad = bytearray(good)
        bad[position] ^= 1
        path.write_bytes(bad)
        with pytest.raises(SnapshotCorrupt):
            read(tmp_path)


# Death while writing


@both
def test_death_at_any_moment_leaves_the_former_snapshot_or_the_new_one(
    new_index: Callable[[], Snapshottable], tmp_path: Path
) -> None:
    index = filled(new_index)
    before = tmp_path / "before"
    write(before, index, offset=1)
    survivors = []
    for moment in range(200):
        directory = tmp_path / f"moment-{moment}"
        shutil.copytree(before, directory)
        died = _save_and_die(directory, index, at=moment)
        survivors.append(must_read(directory).offsets["item-vectors-0"])
        if moment % 4 == 0:
            write(directory, index, offset=3)
            assert must_read(directory).offsets["item-vectors-0"] == 3
            assert len([*directory.iterdir()]) == 2
        shutil.rmtree(directory)
        if not died:
            break
    assert len(survivors) > 20
    assert survivors == sorted(survivors)  # the former one up to some moment, then the new one
    assert survivors[0] == 1
    assert survivors[-2:] == [2, 2]


def _save_and_die(directory: Path, index: Snapshottable, *, at: int) -> bool:
    """Save with offset 2 in a child that kills itself at a file operation; did it die?"""
    child = os.fork()
    if child == 0:
        left = [at]

        def watch(event: str, arguments: tuple[object, ...]) -> None:
            if event == "open" or event.startswith(("os.", "shutil.", "fcntl.")):
                if left[0] == 0:
                    os._exit(9)
                left[0] -= 1

        sys.addaudithook(watch)  # for good, but only in the child
        try:
            write(directory, index, offset=2)
        finally:
            left[0] = -1
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_an_error_while_writing_leaves_the_former_snapshot_and_nothing_else(
    tmp_path: Path,
) -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    write(tmp_path, filled(exact), offset=1)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path, Meddled(DIM, meddle=fail), offset=2)
    assert must_read(tmp_path).offsets["item-vectors-0"] == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["current", "version-00000001"]


def test_a_graph_cut_short_by_a_full_disk_is_noticed(tmp_path: Path) -> None:
    index = filled(hnsw)
    write(tmp_path, index, offset=1)
    child = os.fork()
    if child == 0:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
        try:
            write(tmp_path, index, offset=2)
        except OSError as exc:
            os._exit(7 if "graph.bin: 20000 of" in str(exc) else 8)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert must_read(tmp_path).offsets["item-vectors-0"] == 1


def test_a_snapshot_that_is_replaced_while_it_is_read_gives_way_to_the_newer(
    tmp_path: Path,
) -> None:
    index = filled(exact)
    write(tmp_path, index, offset=1)
    child = os.fork()
    if child == 0:
        replaced = []

        def watch(event: str, arguments: tuple[object, ...]) -> None:
            if event == "open" and "ids.json" in str(arguments[0]) and not replaced:
                replaced.append(True)
                write(tmp_path, index, offset=2)

        sys.addaudithook(watch)  # for good, but only in the child
        try:
            os._exit(must_read(tmp_path).offsets["item-vectors-0"])
        finally:
            os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    index = filled(exact)
    meeting = Meddled(DIM, meddle=lambda: write(tmp_path, index))
    with pytest.raises(OSError, match="another process is writing"):
        write(tmp_path, meeting)


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
