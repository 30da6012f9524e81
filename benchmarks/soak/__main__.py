"""
`make soak`: half an hour of load with two restarts on Apache Kafka, and docs/soak.md.

    python -m benchmarks.soak --minutes 30 --rate 1000 --workers 2

It ends with exit code 1 where a promise was not kept.  Ctrl-C ends all it has started and writes
nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil
from rich.console import Console

from benchmarks.apache_kafka import VERSION, ApacheKafka
from benchmarks.soak.crowd import USERS
from benchmarks.soak.measured import Measured, verdicts
from benchmarks.soak.page import Setting, page
from benchmarks.soak.running import soak
from benchmarks.soak.showing import Screen
from streams.errors import HeadwaterError
from streams.items import Item
from streams.movielens import load_catalogue

PAGE = Path("docs/soak.md")
SYNTHETIC_ITEMS = 10_000
GENRES = ("comedy", "drama", "crime", "romance", "war", "western", "horror", "fantasy", "musical")
WORDS = ("river", "winter", "stranger", "garden", "machine", "island", "letter", "shadow", "market")


def main() -> None:
    """Run the command line described above."""
    options = _parser().parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT, too: who starts it with & has it off
        signal.signal(number, signal.default_int_handler)
    try:
        run, setting = _measure(options)
    except HeadwaterError as error:
        sys.exit(f"soak: {error}")
    except KeyboardInterrupt:
        print("soak: stopped; nothing was written", file=sys.stderr)
        sys.exit(130)
    text = page(run, setting)
    options.page.write_text(text, encoding="utf-8")
    print(text)
    if not all(verdict.kept for verdict in verdicts(run)):
        sys.exit(1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak", description="Load, two restarts, and the sums."
    )
    parser.add_argument("--minutes", type=_above_zero, default=30.0, help="of load (30)")
    parser.add_argument("--rate", type=_above_zero, default=1000.0, help="events a second (1000)")
    parser.add_argument("--workers", type=int, choices=range(1, 5), default=2, help="(2)")
    parser.add_argument("--page", type=Path, default=PAGE, help=f"what is written ({PAGE})")
    return parser


def _above_zero(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}, expected more than 0")
    return value


def _measure(options: argparse.Namespace) -> tuple[Measured, Setting]:
    name, items = _catalogue()
    seconds = options.minutes * 60
    with (
        _home() as home,
        Screen(Console(stderr=True), seconds=seconds) as screen,
        ApacheKafka(home / "kafka") as kafka,
    ):
        began = datetime.now(UTC)
        run = asyncio.run(
            soak(
                kafka,
                items,
                rate=options.rate,
                seconds=seconds,
                workers=options.workers,
                home=home,
                screen=screen,
            )
        )
    setting = Setting(
        day=f"{began:%Y-%m-%d}",
        machine=_machine(),
        software=f"Python {platform.python_version()}, faust-streaming "
        f"{version('faust-streaming')}, Apache Kafka {VERSION}",
        catalogue=f"{name}, {len(items):,} items",
        command=f"python -m benchmarks.soak --minutes {options.minutes:g} "
        f"--rate {options.rate:g} --workers {options.workers}",
        users=USERS,
        workers=options.workers,
    )
    return run, setting


@contextmanager
def _home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="headwater-soak-"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _machine() -> str:
    memory = psutil.virtual_memory().total / 2**30
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB"


def _catalogue() -> tuple[str, Sequence[Item]]:
    """MovieLens where there is one, else films that nobody has made."""
    folder = os.environ.get("HEADWATER_DATA_DIR")
    if folder:
        return "movielens-small", load_catalogue(Path(folder) / "movielens-small").records
    rng = random.Random(1)
    return "synthetic", [_film(n, rng) for n in range(SYNTHETIC_ITEMS)]


def _film(number: int, rng: random.Random) -> Item:
    return Item(
        item_id=str(number),
        title=f"{' '.join(rng.sample(WORDS, 3))} {number}",
        attributes={"genres": tuple(rng.sample(GENRES, 2)), "year": 1920.0 + number % 100},
    )


if __name__ == "__main__":
    main()
