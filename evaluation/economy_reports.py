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
    parts = (figures["unseen_templates"]["kinds"], figures["templates_of_rules"]["kinds"])
    for name in ("labelled", "recall", "precision") * len(parts):
        table.add_column(name, justify="right")
    for kind in figures["kinds"]:
        table.add_row(kind, *(cell for part in parts for cell in _cells(part[kind])))
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
        (f"{figures['in_use']['threshold']} (in use)", figures["in_use"]),
        *figures["curve"].items(),
    ]
    for name, rates in rows:
        keys = ("hit_rate", "hit_rate_of_same", "wrong_rate", "wrong_of_hits")
        table.add_row(name, *(f"{rates[key]:.4f}" for key in keys))
    twins = figures["numeric_twins"]
    alone = figures["vectors_alone"]
    show(table)
    typer.echo(
        f"Of {twins['pairs']:,} questions with another number {twins['hits']:,} would be hits; of "
        f"{twins['encoded']:,} of them {twins['near']:,} are near enough as vectors.\n"
        f"Vectors alone, on {alone['pairs']:,} pairs: {alone['hit_rate']:.4f} hits, of which "
        f"{alone['wrong_of_hits']:.4f} wrong, at {alone['threshold']}."
    )
