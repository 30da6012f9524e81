"""Somebody who reads a document and types what stands there."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from agents.commands.processes import free_port
from tests.support.documents import ROOT, Block, fits

PATIENCE = 240.0
"""Seconds; most of it is the encoder, on a busy machine."""
LASTING = re.compile(
    r"headwater (broker|worker|gateway)\b(?!-)|headwater tail(?!.* -n)|/stream|headwater up(?!.*--for)"
)
"""Commands that go on until they are told to stop."""
ONCE = re.compile(r"ingest|forget|--set|--delete| -[dX] |gateway-keys|export|--out")
"""Commands that are not tried again when their answer does not fit yet."""
READY = re.compile(r"tables: .*|profiles: \d+ keys|gateway: http|embedded broker on|caught up")


class Reader:
    """A folder, a shell whose variables last, and programs that were left running."""

    def __init__(self, folder: Path, *, settings: Mapping[str, str], broker: str = "") -> None:
        self.folder = folder
        self._broker = broker
        self._port = free_port(0)
        self._running: list[tuple[str, subprocess.Popen[bytes], Path]] = []
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
            _, process, _ = self._running.pop()
            _end(process)

    def _make_folder(self) -> None:
        bins = self.folder / ".venv" / "bin"
        bins.mkdir(parents=True)
        program = bins / "headwater"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m agents "$@"\n')
        program.chmod(0o755)
        (bins / "activate").write_text("")
        (self.folder / ".session").write_text("")
        shutil.copy(ROOT / "examples/books.jsonl", self.folder / "books.jsonl")

    def read(self, block: Block) -> None:
        """
        Do what a block says: save a file, or run commands and look at what they print.

        Raises:
            AssertionError: A command failed, or has not printed what it should.
        """
        if block.title:
            (self.folder / block.title).write_text(f"{block.text}\n", encoding="utf-8")
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
        """Start it and wait until it prints what it should; it goes on until the page is read."""
        log = self.folder / f"{len(self._running)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                ["bash", "-c", f". ./.session\nexec {command}"],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append((command, process, log))
        until = time.monotonic() + PATIENCE
        while not self._is_there(command, log, printed):
            assert process.poll() is None, f"{block.name}: {command}\n{log.read_text()}"
            assert time.monotonic() < until, f"{block.name}: {command}\n{log.read_text()}"
            time.sleep(0.2)
        return log.read_text(encoding="utf-8", errors="replace")

    def _is_there(self, command: str, log: Path, printed: str) -> bool:
        seen = log.read_text(encoding="utf-8", errors="replace")
        if printed:
            return fits(printed, seen)
        return bool(READY.search(seen)) or "tail" in command or "curl" in command

    def _logs(self) -> str:
        return "".join(f"\n{command}:\n{log.read_text()[-3000:]}" for command, _, log in self._running)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
