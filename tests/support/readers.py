"""Somebody who reads a document and types what stands there."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agents.commands.processes import free_port
from tests.support.documents import ROOT, Block, fits

PATIENCE = 240.0
"""Seconds; most of it is the encoder, on a busy machine."""
LASTING = re.compile(r"headwater (broker|worker|gateway)\b(?!-)|headwater tail(?!.* -n)|/stream")
"""Commands that go on until they are told to stop."""
ONCE = re.compile(r"ingest|forget|--set|--delete| -[dX] |gateway-keys|export|--out")
"""Commands that are not tried again when their answer does not fit yet."""
SILENT = re.compile("tail|curl")
"""Of those, the ones that print nothing until there is something."""
READY = re.compile(r"worker: .* broker|gateway: http|embedded broker on|^(?!Traceback)\S")
"""What the others print when they have begun, and an example in Python when it has something."""


@dataclass(frozen=True, slots=True)
class Lasting:
    """A command that was left running."""

    command: str
    process: subprocess.Popen[bytes]
    log: Path
    printed: str
    """What it is to print before the page is read."""

    def output(self) -> str:
        """What it has printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")


class Reader:
    """
    A folder, a shell whose variables last, and programs that were left running.

    Args:
        folder: Empty.
        settings: Variables of all commands.
        broker: What stands for `localhost:9092`.
        port: What stands for the port of a gateway that runs already.
    """

    def __init__(
        self, folder: Path, *, settings: Mapping[str, str], broker: str = "", port: int = 0
    ) -> None:
        self.folder = folder
        self._broker = broker
        self._port = port or free_port(0)
        self._running: list[Lasting] = []
        self._make_folder()
        clean = {k: v for k, v in os.environ.items() if not k.startswith("HEADWATER_")}
        self._environment = {
            **clean,
            "PATH": f"{folder}/.venv/bin:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "120",
            "HEADWATER_STALL_TIMEOUT": "600",
            "HEADWATER_GATEWAY__PORT": str(self._port),
            "HEADWATER_METRICS__PORT": str(free_port(0)),
            **settings,
        }

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        while self._running:
            _end(self._running.pop().process)

    def finish(self) -> None:
        """
        See that what was left running has printed what it should, and still runs.

        Raises:
            AssertionError: It has not.
        """
        for one in self._running:
            _wait(lambda one=one: fits(one.printed, one.output()), one)
            assert one.process.poll() is None, f"{one.command}\n{one.output()}"

    def _make_folder(self) -> None:
        bins = self.folder / ".venv" / "bin"
        bins.mkdir(parents=True)
        for name, module in (("headwater", "-m agents"), ("python", "")):
            program = bins / name
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
            program.chmod(0o755)
        (bins / "activate").write_text("")
        (self.folder / ".session").write_text("")

    def read(self, block: Block) -> None:
        """
        Do what a block says: save a file, or run commands and look at what they print.

        Raises:
            AssertionError: A command failed, or has not printed what it should.
        """
        if block.title:
            (self.folder / block.title).write_text(f"{block.text}\n", encoding="utf-8")
        if block.language == "python":
            (self.folder / "example.py").write_text(self._here(block.text), encoding="utf-8")
            self._start(block, "python -u example.py", printed="")
        if block.language != "sh" or block.skipped:
            return
        *before, last = block.commands()
        output = "".join(self._run(block, command, "") for command in before)
        self._run(block, last, "" if fits(block.printed, output) else block.printed)

    def _run(self, block: Block, command: str, printed: str) -> str:
        typed = self._here(command)
        if LASTING.search(typed):
            return self._start(block, typed, printed)
        until = time.monotonic() + PATIENCE
        while True:
            done = self._shell(typed)
            good = done.returncode == 0 and fits(printed, done.stdout)
            if good or ONCE.search(typed) or time.monotonic() > until:
                shown = f"{block.name}: {typed}\n{done.returncode}\n{done.stdout}{self._logs()}"
                assert good, shown
                return done.stdout
            time.sleep(1)

    def _here(self, command: str) -> str:
        """The same with the addresses of this test."""
        command = command.replace("localhost:9092", self._broker or "localhost:9092")
        return re.sub(r"(localhost|127\.0\.0\.1):8080", f"127.0.0.1:{self._port}", command)

    def _shell(self, command: str) -> subprocess.CompletedProcess[str]:
        script = f"set -e\n. ./.session\n{command}\nexport -p > .session"
        return subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def _start(self, block: Block, command: str, printed: str) -> str:
        """Start it and wait until it does its work; it goes on until the page is read."""
        log = self.folder / f"{len(self._running)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                ["bash", "-c", f". ./.session\n{command}"],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        one = Lasting(f"{block.name}: {command}", process, log, printed)
        self._running.append(one)
        if not printed and not SILENT.search(command):
            _wait(lambda: bool(READY.search(one.output())), one)
        return ""

    def _logs(self) -> str:
        return "".join(f"\n{one.command}:\n{one.output()[-3000:]}" for one in self._running)


def _wait(done: Callable[[], bool], one: Lasting) -> None:
    until = time.monotonic() + PATIENCE
    while not done():
        assert one.process.poll() is None, f"{one.command} has ended\n{one.output()}"
        assert time.monotonic() < until, f"{one.command}\n{one.output()}"
        time.sleep(0.2)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
