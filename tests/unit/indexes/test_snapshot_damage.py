"""A damaged snapshot is noticed, and a death while one is written costs nothing."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from indexes.images import Snapshottable
from indexes.misbehaving import Meddled
from streams.errors import SnapshotCorrupt
from tests.support.images import DIM, both, exact, filled, hnsw, must_read, read, write

# Python 3.12 warns that a child may inherit a held lock, and counts numpy's threads: ours exits.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


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
