"""
Write a snapshot in a forked child, so that the event loop stands still for milliseconds only.

`save_index` keeps the interpreter to itself for 120 to 460 ms; a fork takes 6 (EVIDENCE.md).  The
child owns a copy of the index as it was, writes it with low priority, says how it went and exits;
whatever becomes of it, the parent and the former snapshot are unharmed.
"""

import gc
import os
import signal
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeAlias

from indexes.images import Snapshottable
from indexes.snapshots import write

REPORT_LIMIT = 2_000
"""Bytes of a child's report; a pipe takes 4,096 in one piece without a reader."""

DONE = "done"
"""The report of a child that has written everything."""

PATIENCE = 300.0
"""Seconds before a silent child is killed; 50,000 items take it 0.2 to 0.5."""


@dataclass(frozen=True, slots=True)
class Done:
    """The snapshot is on the disk."""

    seconds: float
    """From `start` until `poll` noticed."""
    stalled: float
    """Seconds that `start` took: for so long its thread, and changes to the index, stood still."""


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no new snapshot; the former one is as it was."""

    reason: str


Outcome: TypeAlias = Done | Failed


@dataclass(slots=True)
class _Child:
    pid: int
    report: int
    """Read end of the pipe, not blocking."""
    started: float
    stalled: float
    overdue: bool = False


class SnapshotWriter:
    """At most one child at a time, for one directory; to be used by one thread."""

    def __init__(
        self,
        directory: Path,
        *,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Begin nothing yet.

        Args:
            directory: As for `snapshots.save`.
            patience: Seconds a child may take.
            clock: Seconds from any origin.
        """
        self._directory = directory
        self._patience = patience
        self._clock = clock
        self._child: _Child | None = None
        self._refused: Failed | None = None

    @property
    def busy(self) -> bool:
        """Is there an outcome that `poll` has not given yet?"""
        return self._child is not None or self._refused is not None

    def start(
        self, *, index: Snapshottable, offsets: Mapping[str, int], facts: bytes, fingerprint: str
    ) -> None:
        """
        Fork a child that does what `snapshots.save` does with these arguments.

        Raises:
            RuntimeError: `busy`; poll first.
        """
        self._require_idle()
        started = self._clock()
        with index.frozen() as image:
            self._begin(
                partial(
                    write,
                    self._directory,
                    image,
                    offsets=offsets,
                    facts=facts,
                    fingerprint=fingerprint,
                ),
                started,
            )

    def start_job(self, job: Callable[[], None]) -> None:
        """
        Fork a child that does a job, with everything as it is now, and takes no lock.

        Raises:
            RuntimeError: `busy`; poll first.
        """
        self._require_idle()
        self._begin(job, self._clock())

    def _require_idle(self) -> None:
        if self.busy:
            raise RuntimeError(f"{self._directory}: the last snapshot is not finished")

    def _begin(self, job: Callable[[], None], started: float) -> None:
        try:
            pid, report = _fork(job)
        except OSError as exc:  # no process to be had, or no memory for one
            self._refused = Failed(f"no child: {exc}")
        else:
            self._child = _Child(pid, report, started, stalled=self._clock() - started)

    def poll(self) -> Outcome | None:
        """
        The outcome of the last `start`, once; None while there is none.  Never waits.

        A child that takes longer than `patience` is killed, and has failed at a later poll.
        """
        if self._refused is not None:
            refused, self._refused = self._refused, None
            return refused
        child = self._child
        if child is None:
            return None
        status = _reap(child.pid, flags=os.WNOHANG)
        if status is not None:
            self._child = None
            return self._outcome(child, status)
        if not child.overdue and self._clock() - child.started > self._patience:
            child.overdue = True
            os.kill(child.pid, signal.SIGKILL)
        return None

    def close(self) -> None:
        """Kill a child that is at work, and forget it; the former snapshot stays.  Idempotent."""
        self._refused = None
        child, self._child = self._child, None
        if child is not None:
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
            _reap(child.pid, flags=0)
            os.close(child.report)

    def _outcome(self, child: _Child, status: int) -> Outcome:
        report = _read_report(child.report)
        if report == DONE:
            return Done(seconds=self._clock() - child.started, stalled=child.stalled)
        if child.overdue:
            return Failed(f"killed: not done within {self._patience} s")
        if os.WIFSIGNALED(status):
            return Failed(f"the writing process was killed by signal {os.WTERMSIG(status)}")
        return Failed(report or "the writing process ended without a word")


def _fork(job: Callable[[], None]) -> tuple[int, int]:
    """
    Do a job in a forked child.

    Returns:
        The child's process id, and a pipe, not blocking, in which it will leave its report.

    Raises:
        OSError: There is no child.
    """
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        with warnings.catch_warnings():
            # Python 3.12 warns that another thread may hold a lock: the child takes none of ours.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            _live_and_die(job, report=writing, signals=unblocked)
    except OSError:
        os.close(reading)
        raise
    finally:
        os.close(writing)
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
    return pid, reading


def _live_and_die(
    job: Callable[[], None], *, report: int, signals: set[int] | set[signal.Signals]
) -> NoReturn:
    """The child's whole life; never returns into the parent's frames, nor runs its exit code."""
    message = DONE
    try:
        _part_from_parent(keep=report, signals=signals)
        job()
    except BaseException as exc:  # noqa: BLE001 -- reported, and the process ends here
        message = str(exc) if isinstance(exc, OSError) else repr(exc)
    finally:
        try:
            os.write(report, message.encode(errors="replace")[:REPORT_LIMIT])
        finally:
            os._exit(0)


def _part_from_parent(*, keep: int, signals: set[int] | set[signal.Signals]) -> None:
    """Give up what a fork shares with its parent and must not use, and let it go first."""
    gc.disable()  # no finaliser of the parent's objects runs here
    # A signal to the child must not wake the parent's loop, nor leave its number in our files.
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, signals)
    for name in os.listdir("/dev/fd"):  # sockets would stay open when the parent has closed them
        if int(name) not in (0, 1, 2, keep):
            with suppress(OSError):
                os.close(int(name))
    os.nice(10)


def _reap(pid: int, *, flags: int) -> int | None:
    """Exit status; None while the child lives; 0 when somebody else has taken it away."""
    try:
        reaped, status = os.waitpid(pid, flags)
    except ChildProcessError:
        return 0
    return status if reaped else None


def _read_report(pipe: int) -> str:
    try:
        return os.read(pipe, REPORT_LIMIT).decode(errors="replace")
    except BlockingIOError:  # nothing said, and another fork of the parent holds the pipe open
        return ""
    finally:
        os.close(pipe)
