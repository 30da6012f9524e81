"""Real programs, started as a user would and always ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from agents.commands.processes import free_port
from agents.scraping import Figures, is_ready, scrape

PATIENCE = 180.0
"""Seconds of the wall clock, for what takes some seconds where nothing else runs."""
HEADWATER: Sequence[str] = ("-m", "agents")
HASHING: Sequence[str] = ("-m", "tests.support.hashing_worker")
ROOT = Path(__file__).parents[2]


class Program:
    """One `headwater` command as a process."""

    def __init__(
        self,
        *arguments: str,
        settings: Mapping[str, str],
        log: Path,
        program: Sequence[str] = HEADWATER,
    ) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("HEADWATER_")}
        self.log = log
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, *program, *arguments],
                env={**clean, **settings},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def wait_until(
        self, done: Callable[[], bool], *, what: str, patience: float = PATIENCE
    ) -> None:
        """Look until it is so; fail with what the program wrote when it has ended or takes long."""
        try:
            wait_until(lambda: done() or not self.runs, what=what, patience=patience)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self._told()}") from None
        assert self.runs, f"no {what}: it has ended with {self.process.returncode}; {self._told()}"

    @property
    def runs(self) -> bool:
        """Has it not ended?"""
        return self.process.poll() is None

    def _told(self) -> str:
        return f"it wrote: …{self.log.read_text(errors='replace')[-4_000:]}"

    def wait(self) -> int:
        """Its exit code, once it has ended by itself."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it goes on after {PATIENCE:g} s; {self._told()}") from None

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

    def __init__(
        self, *, settings: Mapping[str, str], log: Path, roles: str = "", hashing: bool = False
    ) -> None:
        """`hashing` where nothing depends on what the encoder makes of a text."""
        self.port = free_port(0)
        arguments = ("worker", "--roles", roles) if roles else ("worker",)
        super().__init__(
            *arguments,
            settings={**settings, "HEADWATER_METRICS__PORT": str(self.port)},
            log=log,
            program=HASHING if hashing else HEADWATER,
        )

    def wait_ready(self) -> WorkerProgram:
        """Until `/readyz` says so."""
        self.wait_until(lambda: is_ready(self.port), what="a ready worker")
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
