"""The outcome of `headwater evaluate llm`: tables for people, one JSON object for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from evaluation.screen import show
from evaluation.summary import Figures
from evaluation.token_costs import NAIVE, Cost
from evaluation.verdicts import WHO
from slates.money import Price

WARMTH = ("", "cold", "warm")
JUDGED: Mapping[str, tuple[str, str]] = {
    "rerank": ("rerank", "window"),
    "generate": ("topn", "fused"),
}
"""Role to the task of the recorded replies that are like its own, and to the order that it makes of
them; the other roles were asked of nobody."""


def costs_as_figures(costs: Mapping[str, Cost], price: Price | None) -> Figures:
    """What a slate costs by role, and the share of its tokens in what the naive prompt takes."""
    naive = costs[NAIVE].total
    return {
        name: {
            "calls": cost.calls,
            "prompt": cost.prompt,
            "completion": cost.completion,
            "total": cost.total,
            "of_naive": cost.total / naive,
            "cost_per_1000": cost.of_thousand(price),
            "own_ms": cost.milliseconds,
            "proven": cost.proven,
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
    names = ("calls", "prompt", "completion", "total", "of_naive", "cost_per_1000", "own_ms")
    judged = [f"{how} {warmth or 'all'}" for warmth in WARMTH for how in ("off", "on")]
    title = "tokens of a refined slate, by scripted replies; ndcg@10 by recorded ones"
    table = _table(title, (*names, "proven", *judged))
    for name, cost in _part(figures, "tokens").items():
        cells = [cost[key] for key in (*names, "proven")]
        table.add_row(name, *map(_cell, [*cells, *_off_and_on(figures, name)]))
    return table


def _off_and_on(figures: Figures, role: str) -> list[object]:
    """nDCG@10 of the engine and of what came of the model, where such a role was recorded."""
    if role not in JUDGED:
        return [None for _ in WARMTH for _ in ("off", "on")]
    task, who = JUDGED[role]
    found = _part(figures, "by_task").get(task, {})
    parts = [found.get(warmth, {}) if warmth else found for warmth in WARMTH]
    return [part.get(key) for part in parts for key in ("engine", who)]


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
