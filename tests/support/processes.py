"""Real programs, started as a user would and always ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from agents.commands.processes import free_port
from agents.scraping import Figures, is_ready, scrape

PATIENCE = 60.0


class Program:
    """One `headwater` command as a process."""

    def __init__(self, *arguments: str, settings: Mapping[str, str], log: Path) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("HEADWATER_")}
        self.log = log
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "agents", *arguments],
                env={**clean, **settings},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def kill(self) -> None:
        """As a power cut would."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def end(self) -> int:
        """As a supervisor would."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode


class WorkerProgram(Program):
    """`headwater worker`, with its metrics."""

    def __init__(self, *, settings: Mapping[str, str], log: Path, roles: str = "") -> None:
        self.port = free_port(0)
        arguments = ("worker", "--roles", roles) if roles else ("worker",)
        super().__init__(
            *arguments, settings={**settings, "HEADWATER_METRICS__PORT": str(self.port)}, log=log
        )

    def wait_ready(self) -> WorkerProgram:
        """Until `/readyz` says so."""
        wait_until(
            lambda: is_ready(self.port) or self.process.poll() is not None, what="a ready worker"
        )
        assert self.process.poll() is None, self.log.read_text()
        return self

    def figures(self) -> Figures:
        """Its metrics as of now."""
        return scrape(self.port)


def wait_until(done: Callable[[], bool], *, what: str, patience: float = PATIENCE) -> None:
    """Look until it is so."""
    deadline = time.monotonic() + patience
    while not done():
        assert time.monotonic() < deadline, f"no {what} within {patience:g} s"
        time.sleep(0.05)
