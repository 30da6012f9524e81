"""A worker that is started again whenever it ends, as systemd would do it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from threading import Event, RLock, Thread

from agents.scraping import Figures
from tests.support.processes import WorkerProgram

RESTART_DELAY = 0.1
"""Seconds between an end and the next start; systemd's own default."""


class Supervised:
    """One worker after the other; whatever is done to it is done to the present one."""

    def __init__(self, start: Callable[[], WorkerProgram]) -> None:
        self._start = start
        self._stopping = Event()
        self._changing = RLock()
        self.program = start()
        self.exits: list[int] = []
        """How it ended when nobody had called `stop`; -9 is a SIGKILL."""
        self._watcher = Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        while True:
            code = self.program.process.wait()
            if self._stopping.is_set():
                return
            self.exits.append(code)
            time.sleep(RESTART_DELAY)
            with self._changing:
                if self._stopping.is_set():
                    return
                self.program = self._start()

    def wait_ready(self) -> None:
        """Until `/readyz` says so."""
        self.program.wait_ready()

    def figures(self) -> Figures:
        """Metrics of the present one; empty while it does not answer."""
        return self.program.figures()

    def kill(self) -> None:
        """As the kernel does when memory runs out."""
        self.program.process.kill()

    def terminate(self) -> None:
        """As a deploy does: it ends in order, and is started again."""
        self.program.process.terminate()

    def freeze(self) -> None:
        """As a hypervisor does that moves the machine."""
        self.program.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.program.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it in order, for good; an end that is not in order counts among the exits."""
        with self._changing:
            if self._stopping.is_set():
                return
            self._stopping.set()
        self.thaw()
        if code := self.program.end():
            self.exits.append(code)
        self._watcher.join()
