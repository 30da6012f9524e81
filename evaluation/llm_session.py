"""One run of `headwater evaluate llm`: files read, the engine taught, every reply judged."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import typer

from agents.model_settings import BudgetSettings
from agents.settings import load_settings
from agents.spending import prices_of
from evaluation.engine import Engine, make_engine
from evaluation.learned import load_films, teach, world_of
from evaluation.llm import is_fitting, judge_all, of_authors, summarise_replies
from evaluation.llm_reports import costs_as_figures, show_replies
from evaluation.peers.options import Options
from evaluation.recordings import load_recordings
from evaluation.screen import progress
from evaluation.summary import Figures
from evaluation.token_costs import measure_costs
from evaluation.verdicts import SHORTLIST
from slates.money import Price
from slates.prompting import Count
from slates.titles import ByName
from slates.tokens import estimate
from streams.errors import SetupError

RECORDED = "recorded-llm"
"""Folder of the recordings among all data."""
DRAFTED = 50
"""Users whose slates are counted in tokens; between them a slate differs by some 10 %."""


@dataclass(frozen=True, slots=True)
class Replies:
    """What the options of the command say."""

    replies: Path | None = None
    """Folder of recorded replies; None for that among the data."""
    data: Path | None = None
    """Folder of the data; None for the setting `data_dir`."""
    strategy: str | None = None
    """The engine's way of building slates; None for the setting."""

    def folder(self) -> Path:
        """Where the data is."""
        folder = self.data or load_settings().data_dir
        if folder is None:
            raise SetupError("no data: set HEADWATER_DATA_DIR, or say --data DIR")
        return folder


def evaluate_replies(job: Replies, *, as_json: bool) -> None:
    """Judge, and print tables or one JSON object."""
    engine = make_engine(Options(strategy=job.strategy))
    figures = measure_replies(job, engine, count=estimate)
    if as_json:
        typer.echo(json.dumps(figures))
    else:
        show_replies(figures)


def measure_replies(job: Replies, engine: Engine, *, count: Count) -> Figures:
    """
    All figures.

    Args:
        job: What is evaluated.
        engine: One that knows nothing yet.
        count: Tokens of a text.

    Raises:
        SetupError: A file is missing, or is another kind of file.
    """
    films = load_films(job.folder())
    folder = job.replies or job.folder() / RECORDED
    titles = ByName((item.item_id, item.title) for item in films.items)
    recordings = load_recordings(folder, titles)
    with progress("teaching the engine", total=len(films.split.train)) as on_step:
        ranking = teach(engine, films, on_step=on_step)
    world = world_of(films, ranking)
    total = sum(len(recording.replies) for recording in recordings)
    with progress("judging replies", total=total) as on_step:
        judged = judge_all(recordings, world, on_reply=on_step)
    for crash in judged.crashes[:3]:
        typer.echo(f"crash: {crash}", err=True)
    figures = summarise_replies(judged, world, leave_out=job.replies is None)
    for name, score in of_authors(folder, recordings, world).items():
        figures["by"][name]["authors_ndcg@10"] = score  # type: ignore[index]
    users = [user for user in sorted(world.had) if not is_fitting(user)][:DRAFTED]
    drafts = [engine.draft(user, now=ranking.now, top=SHORTLIST) for user in users]
    known = {item.item_id: item for item in films.items}
    costs = measure_costs(drafts, known, count=count)
    return {**figures, "tokens": costs_as_figures(costs, dearest(load_settings().budget))}


def dearest(budget: BudgetSettings) -> Price | None:
    """The dearest model of the settings, by what it reads; None where no prices are set."""
    prices = prices_of(budget).by_model.values()
    return max(prices, key=lambda each: each.prompt, default=None)
