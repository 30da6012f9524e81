"""A child writes; whatever becomes of it, the parent and the former snapshot are unharmed."""

import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from indexes.images import Snapshottable
from indexes.items import HnswIndex
from indexes.misbehaving import Meddled
from indexes.parameters import HnswParameters
from indexes.snapshot_writer import Done, Failed, Outcome, SnapshotWriter
from indexes.snapshots import load, save
from indexes.testing import draw_vectors, named

DIM = 16
ROWS = draw_vectors(300, dim=DIM, seed=1)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[SnapshotWriter]:
    """A writer for a directory that holds a snapshot with offset 1."""
    save(tmp_path, index=meddled(_nothing), offsets={"t-0": 1}, facts=b"old", fingerprint="f")
    writer = SnapshotWriter(tmp_path)
    yield writer
    writer.close()


def meddled(meddle: Callable[[], object]) -> Meddled:
    index = Meddled(DIM, meddle=meddle)  # type: ignore[arg-type]
    index.upsert_many(named(ROWS[:50]))
    return index


def _nothing() -> None:
    pass


def start(writer: SnapshotWriter, index: Snapshottable, *, offset: int = 2) -> None:
    writer.start(index=index, offsets={"t-0": offset}, facts=b"new", fingerprint="f")


def children() -> set[int]:
    """Processes of ours that run, or have ended and were not reaped; other tests have some, too."""
    return {child.pid for child in psutil.Process().children()}


def outcome(writer: SnapshotWriter) -> Outcome:
    deadline = time.monotonic() + 10
    while (result := writer.poll()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return result


def offset_in(directory: Path) -> int:
    snapshot = load(directory, dim=DIM, fingerprint="f")
    assert snapshot is not None
    return snapshot.offsets["t-0"]


def failure(writer: SnapshotWriter, directory: Path) -> str:
    """Why the snapshot failed; the former one must be there still, and another must succeed."""
    failed = outcome(writer)
    assert isinstance(failed, Failed)
    assert offset_in(directory) == 1
    start(writer, meddled(_nothing), offset=3)
    assert isinstance(outcome(writer), Done)
    assert offset_in(directory) == 3
    return failed.reason


def test_the_snapshot_holds_what_the_index_held_at_the_fork(
    writer: SnapshotWriter, tmp_path: Path
) -> None:
    index = HnswIndex(DIM)
    index.upsert_many(named(ROWS[:100]))
    start(writer, index)
    index.upsert_many(named(ROWS))
    done = outcome(writer)
    assert isinstance(done, Done)
    assert 0 < done.stalled < done.seconds
    snapshot = load(tmp_path, dim=DIM, fingerprint="f")
    assert snapshot is not None
    assert len(snapshot.index) == 100
    assert (snapshot.offsets, snapshot.facts) == ({"t-0": 2}, b"new")


def test_an_outcome_is_told_once(writer: SnapshotWriter) -> None:
    assert writer.poll() is None
    start(writer, meddled(_nothing))
    assert writer.busy
    assert isinstance(outcome(writer), Done)
    assert not writer.busy
    assert writer.poll() is None


def test_there_is_one_child_at_a_time(writer: SnapshotWriter) -> None:
    start(writer, meddled(lambda: time.sleep(60)))
    with pytest.raises(RuntimeError, match="not finished"):
        start(writer, meddled(_nothing))


def test_a_full_disk_is_told_with_its_reason(writer: SnapshotWriter, tmp_path: Path) -> None:
    def fill() -> None:
        raise OSError(28, "No space left on device")

    start(writer, meddled(fill))
    assert failure(writer, tmp_path) == "[Errno 28] No space left on device"


def test_a_file_that_stops_growing_is_told_with_its_reason(
    writer: SnapshotWriter, tmp_path: Path
) -> None:
    limit = (20, resource.RLIM_INFINITY)
    start(writer, meddled(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit)))
    assert "File too large" in failure(writer, tmp_path)


def test_a_killed_child_is_told_with_its_signal(writer: SnapshotWriter, tmp_path: Path) -> None:
    start(writer, meddled(lambda: os.kill(os.getpid(), signal.SIGKILL)))
    assert failure(writer, tmp_path) == "the writing process was killed by signal 9"


def test_a_bug_in_the_child_is_told_and_does_not_spread(
    writer: SnapshotWriter, tmp_path: Path
) -> None:
    start(writer, meddled(lambda: {}["missing"]))
    assert failure(writer, tmp_path) == "KeyError('missing')"


def test_even_an_exit_ends_the_child_alone(writer: SnapshotWriter, tmp_path: Path) -> None:
    start(writer, meddled(lambda: exit(3)))
    assert failure(writer, tmp_path) == "SystemExit(3)"


def test_a_child_that_dies_without_a_word_has_failed(
    writer: SnapshotWriter, tmp_path: Path
) -> None:
    start(writer, meddled(lambda: os._exit(0)))
    assert failure(writer, tmp_path) == "the writing process ended without a word"


def test_a_child_that_hangs_is_killed(tmp_path: Path) -> None:
    save(tmp_path, index=meddled(_nothing), offsets={"t-0": 1}, facts=b"", fingerprint="f")
    now = [0.0]
    writer = SnapshotWriter(tmp_path, patience=300, clock=lambda: now[0])
    start(writer, meddled(lambda: time.sleep(60)))
    now[0] = 299.0
    assert writer.poll() is None
    now[0] = 301.0
    assert failure(writer, tmp_path) == "killed: not done within 300 s"


def test_closing_kills_the_child_and_keeps_the_former_snapshot(
    writer: SnapshotWriter, tmp_path: Path
) -> None:
    others = children()
    start(writer, meddled(lambda: time.sleep(60)))
    assert len(children() - others) == 1
    writer.close()
    writer.close()
    assert writer.poll() is None
    assert offset_in(tmp_path) == 1
    assert not children() - others


def test_a_child_that_somebody_else_reaped_is_judged_by_its_report(
    writer: SnapshotWriter, tmp_path: Path
) -> None:
    others = children()
    start(writer, meddled(_nothing))
    (child,) = children() - others
    os.waitpid(child, 0)
    assert isinstance(writer.poll(), Done)
    assert offset_in(tmp_path) == 2


def test_the_child_lets_go_of_the_parents_sockets(writer: SnapshotWriter) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        start(writer, meddled(lambda: time.sleep(60)))
        theirs.close()
        ours.settimeout(5)
        assert ours.recv(1) == b""


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (signal.SIGTERM, "Failed(reason='the writing process was killed by signal 15')"),
        (signal.SIGWINCH, "Done"),
    ],
)
def test_a_signal_to_the_child_does_not_wake_the_parents_loop(
    writer: SnapshotWriter, capfd: pytest.CaptureFixture[str], number: signal.Signals, expected: str
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        former = signal.signal(number, lambda number, frame: None)
        wakeup = signal.set_wakeup_fd(theirs.fileno())
        try:
            start(writer, meddled(lambda: os.kill(os.getpid(), number)))
            told = outcome(writer)
        finally:
            signal.set_wakeup_fd(wakeup)
            signal.signal(number, former)
        assert str(told).startswith(expected)
        with pytest.raises(BlockingIOError):
            ours.recv(1)
    assert capfd.readouterr().err == ""


def test_the_index_stands_still_while_the_child_is_forked(
    writer: SnapshotWriter, tmp_path: Path
) -> None:
    def change() -> None:
        thread = threading.Thread(target=index.discard, args=("item-1",), daemon=True)
        thread.start()
        thread.join(0.1)
        if not thread.is_alive():  # the child's copy of the lock was not held
            raise OSError("changed while it was written")

    index = meddled(change)
    start(writer, index)
    assert isinstance(outcome(writer), Done)
    assert index.discard("item-1")


def test_snapshots_taken_amid_writes_and_rebuilds_are_sound(
    writer: SnapshotWriter, tmp_path: Path
) -> None:
    index = HnswIndex(DIM, parameters=HnswParameters(capacity=400, min_tombstones=20))
    index.upsert_many(named(ROWS))
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            index.upsert_many(named(ROWS))

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(5):
            start(writer, index)
            assert isinstance(outcome(writer), Done)
            snapshot = load(tmp_path, dim=DIM, fingerprint="f")
            assert snapshot is not None
            names = [name for name, _ in named(ROWS)]
            assert np.allclose(snapshot.index.vectors(names), ROWS, atol=1e-3)
            assert {len(found) for found in snapshot.index.search(ROWS, n=10)} == {10}
            snapshot.index.close()
    finally:
        stop.set()
        thread.join()
        index.close()
    assert index.stats().generation > 1
