"""The figures of redaction and of the semantic cache: tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import typer
from rich.table import Table

from evaluation.screen import show


def say_redaction(figures: Mapping[str, Any], *, as_json: bool) -> None:
    """Recall and precision by kind, of both parts."""
    if as_json:
        typer.echo(json.dumps(figures))
        return
    table = Table("kind", title="personal data: of templates not seen, and of those rules are from")
    for name in ("labelled", "recall", "precision", "labelled", "recall", "precision"):
        table.add_column(name, justify="right")
    for kind, unseen in figures["kinds"].items():
        seen = figures["developed_on"]["kinds"][kind]
        table.add_row(kind, *_cells(unseen), *_cells(seen))
    show(table)


def _cells(kind: Mapping[str, Any]) -> list[str]:
    shares = (kind["recall"], kind["precision"])
    return [str(kind["labelled"]), *("–" if s is None else f"{s:.3f}" for s in shares)]


def say_cache(figures: Mapping[str, Any], *, as_json: bool) -> None:
    """Rates at the chosen threshold, and the curve."""
    if as_json:
        typer.echo(json.dumps(figures))
        return
    table = Table("threshold", title=f"semantic cache, {figures['pairs']:,} pairs")
    for name in ("hit rate", "of the same", "of the different", "wrong of hits"):
        table.add_column(name, justify="right")
    rows = [
        (f"{figures['threshold']} (chosen)", figures),
        ("the same, vectors alone", figures["vectors_alone"]),
        *figures["curve"].items(),
    ]
    for name, rates in rows:
        keys = ("hit_rate", "hit_rate_of_same", "wrong_rate", "wrong_of_hits")
        table.add_row(name, *(f"{rates[key]:.4f}" for key in keys))
    twins = figures["numeric_twins"]
    show(table)
    typer.echo(
        f"Of {twins['pairs']:,} questions with another number {twins['near']:,} are near as "
        f"vectors; {twins['hits']:,} would be hits."
    )
