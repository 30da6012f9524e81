"""The outcome of a command: tables for people, one JSON object for programs, a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.table import Table

from evaluation.plots import Line, Plot, draw
from evaluation.screen import explanations_table, show, side_by_side, tables_of
from evaluation.sessions import Outcome
from evaluation.summary import Figures, course, interval_of, number

DRAWN = "hr@10"
"""What pictures show."""
FOUND, UNLIKE = "ndcg@10", "diversity@10"
"""What diversity is weighed against, and what it is measured by."""


def say_outcome(outcome: Outcome, *, as_json: bool) -> None:
    """One contender."""
    if as_json:
        typer.echo(json.dumps({"contender": outcome.name, **outcome.figures}))
    else:
        show(*tables_of(outcome.name, outcome.figures))


def say_comparison(outcomes: Sequence[Outcome], title: str, *, as_json: bool) -> None:
    """Several; in JSON the first is at the top, and each of the others under "peers"."""
    if as_json:
        first, *others = outcomes
        peers = {outcome.name: outcome.figures for outcome in others}
        typer.echo(json.dumps({"contender": first.name, **first.figures, "peers": peers}))
    else:
        show(_table(title, outcomes))


def say_delays(outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    """One for each delay; in JSON the first is at the top, and all are under "delays"."""
    _say_curve(outcomes, "delays", "learned later", as_json=as_json)


def say_levels(outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    """One for each share of diversity; in JSON as delays are, under "levels"."""
    _say_curve(outcomes, "levels", "more diverse", as_json=as_json)


def _say_curve(outcomes: Sequence[Outcome], key: str, title: str, *, as_json: bool) -> None:
    if as_json:
        points: dict[str, Figures] = {outcome.name: outcome.figures for outcome in outcomes}
        typer.echo(json.dumps({**outcomes[0].figures, key: points}))
    else:
        show(_table(title, outcomes))


def say_explanations(figures: Figures, *, as_json: bool) -> None:
    """Ways to say why, one below the other."""
    if as_json:
        typer.echo(json.dumps(figures))
    else:
        show(explanations_table(figures))


def _table(title: str, outcomes: Sequence[Outcome]) -> Table:
    return side_by_side(title, [(outcome.name, outcome.figures) for outcome in outcomes])


def draw_course(path: Path | None, outcomes: Sequence[Outcome]) -> None:
    """How each did along the stream."""
    if path is None:
        return
    lines = {}
    for outcome in outcomes:
        x, y = course(outcome.scores, name=DRAWN)
        lines[f"{outcome.name} ({number(outcome.figures, DRAWN):.4f})"] = Line(
            x.tolist(), y.tolist()
        )
    draw(path, lines, Plot("Along the stream", "share of what was scored", DRAWN.upper()))


def draw_diversity(path: Path | None, outcomes: Sequence[Outcome]) -> None:
    """What is found against how unlike the items of a slate are, level by level."""
    if path is None:
        return
    found = Line(
        [number(outcome.figures, UNLIKE) for outcome in outcomes],
        [number(outcome.figures, FOUND) for outcome in outcomes],
    )
    levels = ", ".join(outcome.name for outcome in outcomes)
    plot = Plot("What diversity costs", "how unlike the items of a slate are", FOUND.upper())
    draw(path, {f"shares of diversity {levels}": found}, plot)


def draw_freshness(path: Path | None, outcomes: Sequence[Outcome]) -> None:
    """One curve over the delays, with its intervals."""
    if path is None:
        return
    places = [float(place) for place in range(len(outcomes))]
    heights = [number(outcome.figures, DRAWN) for outcome in outcomes]
    low, high = zip(*(interval_of(outcome.figures, DRAWN) for outcome in outcomes), strict=True)
    line = Line(places, heights, low=low, high=high)
    ticks = [outcome.name for outcome in outcomes]
    plot = Plot(
        "What it costs to learn late", "time until an event is learned", DRAWN.upper(), ticks
    )
    draw(path, {"95 % over users": line}, plot)
