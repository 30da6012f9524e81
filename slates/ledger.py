"""
What models cost, by strategy, model and day, and what was saved and why; it outlives the process.

One SQLite file in the state folder.  Each entry is a transaction of its own: a process that is
killed loses none, and several may write to one file.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from slates.books import Cause, Looked
from slates.model import Question, Usage
from slates.money import FREE, Prices
from streams.errors import SetupError

log = logging.getLogger("headwater")

FILE = "ledger.sqlite"
_PATIENCE = 5.0
"""Seconds to wait for another process that writes."""
_TABLES = """
    CREATE TABLE IF NOT EXISTS spent (
        day TEXT, strategy TEXT, model TEXT, calls INTEGER, failed INTEGER,
        prompt INTEGER, cached INTEGER, completion INTEGER, cost INTEGER, unpriced INTEGER,
        PRIMARY KEY (day, strategy, model)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS saved (
        day TEXT, strategy TEXT, cause TEXT, tokens INTEGER,
        PRIMARY KEY (day, strategy, cause)) WITHOUT ROWID;
"""
_SPEND = """
    INSERT INTO spent VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET calls = calls + 1, failed = failed + excluded.failed,
        prompt = prompt + excluded.prompt, cached = cached + excluded.cached,
        completion = completion + excluded.completion, cost = cost + excluded.cost,
        unpriced = unpriced + excluded.unpriced
"""
_READ = "SELECT * FROM {} ORDER BY 1 DESC, 2, 3"
_SAVE = """
    INSERT INTO saved VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET tokens = tokens + excluded.tokens
"""


@dataclass(frozen=True, slots=True)
class Spent:
    """A row: a strategy's calls to a model on a day."""

    day: str
    """Of UTC, as 2026-11-30."""
    strategy: str
    model: str
    """Empty where no model answered."""
    calls: int
    failed: int
    prompt: int
    cached: int
    completion: int
    cost: int
    """Billionths of the currency."""
    unpriced: int
    """Tokens of a model that has no price."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A row: tokens that a strategy did not spend on a day, and why."""

    day: str
    strategy: str
    cause: str
    tokens: int


class Ledger:
    """
    The books that last, see `slates.books.Books`.

    Args:
        path: The file; it is made where there is none.
        prices: What tokens cost.
        now: Seconds since 1970; says which day it is, and nothing else.

    Raises:
        SetupError: The file cannot be written, or is no ledger.
    """

    def __init__(
        self, path: Path, *, prices: Prices = FREE, now: Callable[[], float] = time.time
    ) -> None:
        self._prices = prices
        self._now = now
        self.lost = 0
        """Entries that could not be written."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                path, isolation_level=None, timeout=_PATIENCE, check_same_thread=False
            )
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_TABLES)
        except (OSError, sqlite3.Error) as exc:
            raise SetupError(
                f"ledger {path}: {exc}; remove it to begin a new one, or set HEADWATER_STATE_DIR"
            ) from exc

    def called(
        self,
        question: Question,
        *,
        model: str,
        usage: Usage,
        outcome: str,
        seconds: float,  # noqa: ARG002 - for the metrics
    ) -> None:
        """Add a call."""
        cost = self._prices.of(model, usage)
        unpriced = 0 if self._prices.knows(model) else usage.total
        failed = int(outcome != "answered")
        row = (self.today(), question.strategy, model, failed)
        tokens = (usage.prompt, usage.cached, usage.completion)
        self._write(_SPEND, (*row, *tokens, cost, unpriced))

    def saved(self, strategy: str, *, cause: Cause, tokens: int) -> None:
        """Add tokens that were not spent."""
        self._write(_SAVE, (self.today(), strategy, cause, tokens))

    def _write(self, statement: str, row: tuple[object, ...]) -> None:
        """A full disk must cost the entry, not the slate that it is about."""
        try:
            self._db.execute(statement, row)
        except sqlite3.Error as error:
            self.lost += 1
            log.error("ledger: an entry is lost, %d until now: %s", self.lost, error)

    def looked_up(self, outcome: Looked) -> None:
        """Metrics count that."""

    def cost_of(self, day: str) -> int:
        """Billionths of the currency."""
        found = self._db.execute("SELECT SUM(cost) FROM spent WHERE day = ?", (day,)).fetchone()
        return int(found[0] or 0)

    def today(self) -> str:
        """The day it is, in UTC."""
        return datetime.fromtimestamp(self._now(), UTC).date().isoformat()

    def close(self) -> None:
        """Write no more."""
        self._db.close()


def read_ledger(path: Path) -> tuple[list[Spent], list[Saved]]:
    """
    All rows, the newest day first; none where there is no file.

    Raises:
        SetupError: The file is no ledger.
    """
    if not path.exists():
        return [], []
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            spent = [Spent(*row) for row in db.execute(_READ.format("spent"))]
            saved = [Saved(*row) for row in db.execute(_READ.format("saved"))]
    except sqlite3.Error as exc:
        raise SetupError(f"ledger {path}: {exc}; remove it to begin a new one") from exc
    return spent, saved
