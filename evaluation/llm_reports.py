"""The outcome of `headwater evaluate llm`: tables for people, one JSON object for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from evaluation.screen import show
from evaluation.summary import Figures
from evaluation.token_costs import NAIVE, Cost
from evaluation.verdicts import WHO

WARMTH = ("", "cold", "warm")


def costs_as_figures(costs: Mapping[str, Cost]) -> Figures:
    """Tokens of a slate by role, and their share of what the naive prompt costs."""
    naive = costs[NAIVE].total
    return {
        name: {
            "calls": cost.calls,
            "prompt": cost.prompt,
            "completion": cost.completion,
            "total": cost.total,
            "of_naive": cost.total / naive,
        }
        for name, cost in costs.items()
    }


def show_replies(figures: Figures) -> None:
    """All tables."""
    show(_replies(figures), _orders(figures), _costs(figures))


def _replies(figures: Figures) -> Table:
    title = (
        f"{figures['replies']:,} replies: {figures['permutations']:,} permutations of their "
        f"candidates, {figures['outside_catalogue']} items outside the catalogue, "
        f"{figures['crashes']} crashes"
    )
    names = (
        "replies",
        "empty",
        "perfect",
        "not in list",
        "inexact",
        "outside",
        "ndcg@10",
        "authors'",
    )
    table = _table(title, names)
    for name, part in _part(figures, "by").items():
        known = ("replies", "empty", "perfect", "not_in_list", "inexact", "outside_catalogue")
        last = [part["raw_ndcg@10"], part.get("authors_ndcg@10")]
        table.add_row(name, *map(_cell, [*(part[key] for key in known), *last]))
    return table


def _orders(figures: Figures) -> Table:
    title = f"ndcg@10 of {figures['judged']:,} orders, {figures['left_out']:,} left out"
    table = _table(title, ("users", "n", *WHO))
    every: dict[str, Mapping[str, Any]] = {
        "all": {"ndcg@10": figures["ndcg@10"]},
        **_part(figures, "by"),
    }
    for name, part in every.items():
        for warmth in WARMTH:
            found = part["ndcg@10"][warmth] if warmth else part["ndcg@10"]
            cells = [_cell(found.get(who)) for who in ("n", *WHO)]
            table.add_row(name if not warmth else "", warmth or "all", *cells)
        table.add_section()
    return table


def _costs(figures: Figures) -> Table:
    names = ("calls", "prompt", "completion", "total", "of_naive")
    table = _table("tokens of a refined slate", names)
    for name, cost in _part(figures, "tokens").items():
        table.add_row(name, *(_cell(cost[key]) for key in names))
    return table


def _part(figures: Figures, name: str) -> Mapping[str, Mapping[str, Any]]:
    part = figures[name]
    assert isinstance(part, Mapping)
    return part


def _table(title: str, names: Sequence[str]) -> Table:
    table = Table("", title=title)
    for name in names:
        table.add_column(name, justify="right")
    return table


def _cell(value: object) -> str:
    """
    Four places of a share or a figure, none of a count.

    >>> _cell(0.12346), _cell(603), _cell(None), _cell(2345.6)
    ('.1235', '603', '–', '2,346')
    """
    if value is None:
        return "–"
    if isinstance(value, int) or (isinstance(value, float) and abs(value) >= 10):
        return f"{value:,.0f}"
    return f"{value:.4f}".removeprefix("0")
