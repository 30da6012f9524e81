"""
A lock that is handed over in the order it was asked for.

A writer that takes and gives back a `threading.Lock` in a loop usually gets it again before a
waiting reader has woken: under a busy writer search p99 was 99 ms, and 1.3 ms in line
(EVIDENCE.md).
"""

import threading
from collections import deque
from types import TracebackType


class FairLock:
    """
    First come, first served; not re-entrant.

    >>> lock = FairLock()
    >>> with lock:
    ...     lock.waiting
    0
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._held = False
        self._line: deque[threading.Lock] = deque()

    @property
    def waiting(self) -> int:
        """How many threads stand in line."""
        return len(self._line)

    def __enter__(self) -> None:
        with self._mutex:
            if not self._held:
                self._held = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._line.append(turn)
        try:
            turn.acquire()
        except BaseException:  # an interrupt must not leave a turn that nobody takes
            self._leave(turn)
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._hand_over()

    def _hand_over(self) -> None:
        with self._mutex:
            if self._line:
                self._line.popleft().release()  # still held: by the one whose turn it now is
            else:
                self._held = False

    def _leave(self, turn: threading.Lock) -> None:
        with self._mutex:
            standing = turn in self._line
            if standing:
                self._line.remove(turn)
        if not standing:
            self._hand_over()
