"""The ledger adds up, outlives its process, and takes entries of several."""

import subprocess
import sys
from pathlib import Path

import pytest

from slates.ledger import Ledger, Saved, Spent, read_ledger
from slates.model import Message, Question, Usage
from slates.money import Prices, price
from streams.errors import SetupError

QUESTION = Question("rerank", "rerank/1", (Message("user", "x"),), 5)
PRICES = Prices({"small": price(prompt=1.0, cached=0.5, completion=2.0)})
NOON = 1_764_504_000.0  # 2025-11-30 12:00 UTC


def call(ledger: Ledger, usage: Usage, *, model: str = "small", outcome: str = "answered") -> None:
    ledger.called(QUESTION, model=model, usage=usage, outcome=outcome, seconds=0.5)


def test_calls_add_up_by_day_strategy_and_model(tmp_path: Path) -> None:
    path = tmp_path / "state" / "ledger.sqlite"
    now = [NOON]
    ledger = Ledger(path, prices=PRICES, now=lambda: now[0])
    call(ledger, Usage(100, 60, 10))
    call(ledger, Usage(50, 0, 0), model="", outcome="timeout")
    call(ledger, Usage(100, 0, 10))
    call(ledger, Usage(7, 0, 1), model="own")
    now[0] += 86_400
    call(ledger, Usage(1, 0, 0))
    assert read_ledger(path)[0] == [
        Spent("2025-12-01", "rerank", "small", 1, 0, 1, 0, 0, 1_000, 0),
        Spent("2025-11-30", "rerank", "", 1, 1, 50, 0, 0, 0, 50),
        Spent("2025-11-30", "rerank", "own", 1, 0, 7, 0, 1, 0, 8),
        Spent("2025-11-30", "rerank", "small", 2, 0, 200, 60, 20, 210_000, 0),
    ]
    assert ledger.cost_of("2025-11-30") == 210_000


def test_savings_add_up_by_cause(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(path, now=lambda: NOON)
    ledger.saved("rerank", cause="batching", tokens=10)
    ledger.saved("rerank", cause="batching", tokens=5)
    ledger.saved("rerank", cause="ids", tokens=1)
    assert read_ledger(path)[1] == [
        Saved("2025-11-30", "rerank", "batching", 15),
        Saved("2025-11-30", "rerank", "ids", 1),
    ]


def test_a_process_that_is_killed_loses_no_entry(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    program = (
        "import os, signal, sys; from pathlib import Path; from slates.ledger import Ledger\n"
        "ledger = Ledger(Path(sys.argv[1]))\n"
        "for _ in range(100): ledger.saved('s', cause='ids', tokens=1)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert sum(row.tokens for row in read_ledger(path)[1]) == 100


def test_several_processes_write_to_one_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    ledgers = [Ledger(path) for _ in range(3)]
    for at in range(30):
        ledgers[at % 3].saved("s", cause="ids", tokens=1)
    assert sum(row.tokens for row in read_ledger(path)[1]) == 30


def test_where_there_is_no_file_nothing_was_spent(tmp_path: Path) -> None:
    assert read_ledger(tmp_path / "none.sqlite") == ([], [])


def test_a_file_that_is_no_ledger_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_text("something else, and long enough to be looked at as a header " * 5)
    with pytest.raises(SetupError, match=r"ledger\.sqlite.*remove it"):
        read_ledger(path)
    with pytest.raises(SetupError, match=r"ledger\.sqlite.*remove it"):
        Ledger(path)


def test_an_entry_that_cannot_be_written_is_counted_and_ends_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.close()
    ledger.saved("s", cause="ids", tokens=1)
    assert ledger.lost == 1
