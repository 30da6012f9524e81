"""A worker that is started again whenever it ends, as a supervisor does it, and its lives."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from agents.scraping import is_ready
from streams.errors import SetupError

START_PATIENCE = 300.0
STOP_PATIENCE = 60.0
RESTART_DELAY = 0.1
"""Seconds between an end and the next start; systemd's own default."""
READY_POLL = 0.1
LAST_WORDS = 3_000
"""Characters of its log that are shown when it does not start."""


@dataclass(slots=True)
class Life:
    """One process of the worker; times are seconds since 1970."""

    started: float
    ready: float | None = None
    """When `/readyz` said so; None while it does not."""
    told: float | None = None
    """When it was told to end; None where nobody did."""
    signal: str = ""
    """How it was told."""
    ended: float | None = None
    code: int | None = None
    """How it ended; -9 is a SIGKILL."""


class KeptWorker:
    """One worker after the other, with the same settings and the same state folder."""

    def __init__(self, settings: Mapping[str, str], *, port: int, home: Path) -> None:
        """
        Start nothing yet.

        Args:
            settings: `HEADWATER_…`; all others are as they come, whatever is set outside.
            port: Of its metrics.
            home: Its working folder, where its log and its state go.
        """
        self.state = home / "state"
        clean = {k: v for k, v in os.environ.items() if not k.startswith("HEADWATER_")}
        self.port = port
        self.lives: list[Life] = []
        own = {"HEADWATER_METRICS__PORT": str(port), "HEADWATER_STATE_DIR": str(self.state)}
        self._environment = {**clean, **settings, **own}
        self._home = home
        self._log = home / "worker.log"
        self._stopping = False
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        """
        Start, and wait until it is ready.

        Raises:
            SetupError: It ended before, or took too long; carries its last words.
        """
        await self._start()
        self._keeping = asyncio.create_task(self._keep())
        try:
            async with asyncio.timeout(START_PATIENCE):
                while self.lives[0].ready is None:
                    if self.lives[0].ended is not None:
                        raise SetupError(f"the worker ended at once:\n{self._last_words()}")
                    await asyncio.sleep(READY_POLL)
        except BaseException as error:
            await self._stop()
            if isinstance(error, TimeoutError):
                raise SetupError(f"the worker did not get ready:\n{self._last_words()}") from error
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    @property
    def pid(self) -> int | None:
        """Of the present process; None between two."""
        process = self._process
        return None if process is None or process.returncode is not None else process.pid

    def tell(self, how: signal.Signals) -> None:
        """Send it a signal that ends it; nothing where it has just ended by itself."""
        assert self._process is not None
        self.lives[-1].told, self.lives[-1].signal = time.time(), how.name
        with suppress(ProcessLookupError):
            self._process.send_signal(how)

    async def _start(self) -> None:
        self.lives.append(Life(started=time.time()))
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "agents", "worker", "--with-parent",
                env=self._environment, cwd=self._home, start_new_session=True,
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    async def _keep(self) -> None:
        while True:
            await self._live()
            if self._stopping:
                return
            await asyncio.sleep(RESTART_DELAY)
            if self._stopping:
                return
            await self._start()

    async def _live(self) -> None:
        """Wait until it is ready, and until it ends."""
        assert self._process is not None
        life = self.lives[-1]
        getting_ready = asyncio.create_task(self._note_ready(life))
        life.code = await self._process.wait()
        life.ended = time.time()
        getting_ready.cancel()
        await asyncio.gather(getting_ready, return_exceptions=True)

    async def _note_ready(self, life: Life) -> None:
        while not await asyncio.to_thread(is_ready, self.port):
            await asyncio.sleep(READY_POLL)
        life.ready = time.time()

    async def _stop(self) -> None:
        self._stopping = True
        if self._process is not None and self._process.returncode is None:
            self.tell(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_PATIENCE):
                    await self._process.wait()
            except TimeoutError:
                self.tell(signal.SIGKILL)
        await self._keeping

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-LAST_WORDS:]
