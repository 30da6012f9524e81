"""One run of a command: the files read, the contenders replayed, the figures summed up."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import typer
from threadpoolctl import threadpool_limits

from agents.commands.ingest import place_aside
from evaluation.contender import Contender, Observation
from evaluation.datasets import load_catalogue, load_observations
from evaluation.lineup import ENGINE, MAKERS, SLATES, NotInstalled, make_contender
from evaluation.peers.options import Options
from evaluation.replaying import FROZEN, OnStep, Rules, Stream, in_order
from evaluation.scores import Scores
from evaluation.screen import progress, waiting
from evaluation.summary import Figures, summarise
from streams.errors import BadSetting, CapacityExceeded, SetupError
from streams.files import write_aside
from streams.rows import BadRow

REASONS = 3
"""Bad rows whose reason is said at once; all of them stand in the file put aside."""
_DELAY = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")
_SHARE = re.compile(r"\d+(\.\d*)?|\.\d+")
_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Job:
    """What the options of a command say."""

    events: Path
    items: Path | None = None
    strategy: str | None = None
    warm: float = 0.2
    sample: float = 1.0
    seed: int = 0
    delay: str = "0s"
    min_value: float | None = None
    n_max: int | None = None
    baskets: bool = False
    """Whether the events must name their baskets."""
    diversity: float | None = None
    """Of the engine's slates; None for what the strategy says."""

    def rules(self) -> Rules:
        """How the stream is replayed."""
        delay = parse_delay(self.delay)
        return Rules(warm=self.warm, sample=self.sample, seed=self.seed, delay=delay)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one contender reached."""

    name: str
    scores: Scores
    figures: Figures


class Method(Protocol):
    """`prequential` and its likes."""

    def __call__(
        self, contender: Contender, stream: Stream, *, rules: Rules, on_step: OnStep
    ) -> Scores:
        """Replay a stream."""


def parse_delay(text: str) -> float:
    """
    Seconds.

    >>> parse_delay("1m"), parse_delay("1.5h"), parse_delay("frozen")
    (60.0, 5400.0, inf)

    Raises:
        BadSetting: Not a time.
    """
    if text == "frozen":
        return FROZEN
    found = _DELAY.fullmatch(text.strip())
    if not found:
        raise BadSetting(f"--delay {text!r}: expected as 0s, 1m, 1h, 2d or frozen")
    return float(found[1]) * _SECONDS[found[2]]


def check_names(text: str) -> list[str]:
    """
    The contenders that are named, each once, before any file is read.

    >>> check_names("popularity, item-knn,popularity")
    ['popularity', 'item-knn']

    Raises:
        BadSetting: One is not known.
    """
    names = [name.strip() for name in dict.fromkeys(text.split(",")) if name.strip()]
    unknown = [name for name in names if name not in MAKERS]
    if unknown or not names:
        raise BadSetting(
            f"contender {', '.join(unknown) or text!r}: not known, expected {', '.join(MAKERS)}"
        )
    return list(dict.fromkeys(names))


def load_stream(job: Job) -> Stream:
    """
    Read both files; bad rows are put aside beside them, and said.

    Raises:
        SetupError: A file cannot be meant, or leaves nothing to replay.
    """
    with _Rejects(job.events) as reject, waiting(f"reading {job.events}"):
        observations = load_observations(job.events, reject=reject.add, baskets=job.baskets)
    chosen = in_order(_chosen(job, observations), seed=job.seed)[: job.n_max]
    if job.items is None:
        return Stream(chosen)
    with _Rejects(job.items) as reject:
        items = load_catalogue(job.items, reject=reject.add)
    if {item.item_id for item in items}.isdisjoint(event.item_id for event in chosen):
        raise SetupError(
            f"{job.items}: none of its {len(items):,} items is in {job.events}, such as "
            f"{chosen[0].item_id!r}; expected the same ids"
        )
    return Stream(chosen, items)


def _chosen(job: Job, observations: Sequence[Observation]) -> Sequence[Observation]:
    """Those with enough stars; what is no rating cannot have too few."""
    least = -math.inf if job.min_value is None else job.min_value
    chosen = [event for event in observations if event.value is None or event.value >= least]
    if not chosen:
        raise SetupError(f"{job.events}: no event with a value of {least:g} or more")
    return chosen


class _Rejects:
    """Counts the bad rows of a file while the block lasts, then says how many there were."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._aside = write_aside(place_aside(path))

    def __enter__(self) -> _Rejects:
        return self

    def add(self, row: BadRow) -> None:
        """Put a row aside; the first are said."""
        self._aside.add(row)
        if self._aside.count <= REASONS:
            typer.echo(f"{self._path}: row {row.number}: {row.reason}", err=True)

    def __exit__(self, *_exc: object) -> None:
        if self._aside.count:
            rows = "1 bad row" if self._aside.count == 1 else f"{self._aside.count:,} bad rows"
            said = f"{rows} put into {self._aside.path}"
            typer.echo(f"{self._path}: {said}", err=True)


def replay_one(job: Job, stream: Stream, method: Method, *, name: str = ENGINE) -> Outcome:
    """
    Replay a stream for one contender, with a bar.

    Raises:
        SetupError: There was nothing to ask.
        NotInstalled: A library is missing.
    """
    length = len(stream.observations)
    contender = make_contender(name, _options(job, stream))
    with progress(f"{contender.name}", total=length) as on_step, threadpool_limits(1):
        scores = method(contender, stream, rules=job.rules(), on_step=on_step)
    if not scores.users:
        raise SetupError(
            f"{job.events}: nothing to score in {length:,} events, {scores.not_scored:,} of them "
            f"not new to the user, or a first; expected more events{_or_less_warm(job)}"
        )
    return Outcome(name, scores, summarise(scores, seed=job.seed))


def _options(job: Job, stream: Stream) -> Options:
    chosen = {event.item_id for event in stream.observations}
    return Options(
        strategy=job.strategy,
        diversity=job.diversity,
        seed=job.seed,
        events=len(stream.observations),
        items=len(chosen | {item.item_id for item in stream.items}),
    )


def _or_less_warm(job: Job) -> str:
    return f", or a smaller --warm than {job.warm:g}" if job.warm else ""


def replay_all(job: Job, stream: Stream, method: Method, *, names: Sequence[str]) -> list[Outcome]:
    """Replay it for one after the other; who lacks a library, or room, is said and left out."""
    outcomes = []
    for name in names:
        try:
            outcomes.append(replay_one(job, stream, method, name=name))
        except (NotInstalled, CapacityExceeded) as exc:
            typer.echo(f"left out: {exc}", err=True)
    if not outcomes:
        raise SetupError("no contender is left")
    return outcomes


def parse_levels(text: str) -> list[float]:
    """
    Shares of diversity, in the order named.

    >>> parse_levels("0, 0.2,1")
    [0.0, 0.2, 1.0]

    Raises:
        BadSetting: One is no share.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    levels = [float(part) for part in parts if _SHARE.fullmatch(part) and float(part) <= 1]
    if not parts or len(levels) < len(parts):
        raise BadSetting(f"--levels {text!r}: expected shares from 0 to 1, as in 0,0.2,0.5")
    return levels


def replay_levels(
    job: Job, stream: Stream, method: Method, *, levels: Sequence[float]
) -> list[Outcome]:
    """Replay it once for each share of diversity, ranked as slates show it; named after those."""
    return [
        replace(
            replay_one(replace(job, diversity=level), stream, method, name=SLATES),
            name=f"{level:g}",
        )
        for level in levels
    ]


def replay_delays(
    job: Job, stream: Stream, method: Method, *, delays: Sequence[str], name: str = ENGINE
) -> list[Outcome]:
    """Replay it once for each delay; the outcomes are named after them."""
    jobs = [replace(job, delay=delay) for delay in delays]
    for one in jobs:
        one.rules()
    return [replace(replay_one(one, stream, method, name=name), name=one.delay) for one in jobs]
