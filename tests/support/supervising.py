"""A worker that is started again whenever it ends, as systemd would do it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from threading import Event, RLock, Thread

from agents.scraping import Figures, is_ready
from tests.support.processes import PATIENCE, WorkerProgram, wait_until

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
        """Until `/readyz` of the present one says so."""
        try:
            wait_until(lambda: is_ready(self.program.port), what="a ready worker")
        except AssertionError as error:
            log = self.program.log.read_text(errors="replace")
            raise AssertionError(f"{error}; it wrote: …{log[-4_000:]}") from None

    def figures(self) -> Figures:
        """Metrics of the present one; empty while it does not answer."""
        return self.program.figures()

    def kill(self) -> None:
        """As the kernel does when memory runs out."""
        self.program.process.kill()

    def redeploy(self) -> None:
        """End it in order, as soon as it is ready: a SIGTERM before that just kills it."""
        self.wait_ready()
        process = self.program.process
        process.terminate()
        process.wait(PATIENCE)

    def freeze(self) -> None:
        """As a hypervisor does that moves the machine."""
        self.program.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.program.process.send_signal(signal.SIGCONT)

    def lose(self) -> None:
        """Kill it for good, as when its machine is gone."""
        with self._changing:
            self._stopping.set()
        self.program.kill()

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
