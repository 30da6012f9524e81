"""`headwater budget`: what language models cost and what was saved, out of the ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from agents.model_settings import BudgetSettings
from agents.settings import load_settings
from slates.ledger import Saved, Spent, read_ledger
from slates.money import BILLION

PLAIN_WIDTH = 140
"""Columns where the output is no terminal."""


def budget(
    days: Annotated[int, typer.Option(min=1, help="Newest days to show.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """
    Show what language models cost by day, strategy and model, and what was saved and why.

    It reads the ledger in the state folder; no worker is asked or disturbed.

    Examples: headwater budget;
    headwater budget --days 1 --json
    """
    settings = load_settings()
    spent, saved = read_ledger(settings.ledger)
    known = {row.day for row in spent} | {row.day for row in saved}
    newest = sorted(known, reverse=True)[:days]
    spent = [row for row in spent if row.day in newest]
    saved = [row for row in saved if row.day in newest]
    if as_json:
        typer.echo(json.dumps(_object(spent, saved, settings.budget)))
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    if spent:
        console.print(_spent_table(spent))
    else:
        console.print(f"Nothing was spent: no call to a language model is in {settings.ledger}.")
    if saved:
        console.print(_saved_table(saved))
    console.print(_limits(settings.budget))


def _object(
    spent: Sequence[Spent], saved: Sequence[Saved], limits: BudgetSettings
) -> dict[str, Any]:
    return {
        "spent": [asdict(row) | {"cost": row.cost / BILLION} for row in spent],
        "saved": [asdict(row) for row in saved],
        "total": {
            "calls": sum(row.calls for row in spent),
            "tokens": sum(row.prompt + row.completion for row in spent),
            "cost": sum(row.cost for row in spent) / BILLION,
            "unpriced_tokens": sum(row.unpriced for row in spent),
            "saved_tokens": sum(row.tokens for row in saved),
        },
        "limits": limits.model_dump(exclude={"prices", "batch"}),
    }


def _spent_table(rows: Sequence[Spent]) -> Table:
    table = Table("day", "strategy", "model", title="spent")
    for name in ("calls", "failed", "prompt", "of it cached", "completion", "cost"):
        table.add_column(name, justify="right")
    for row in rows:
        numbers = (row.calls, row.failed, row.prompt, row.cached, row.completion)
        cells = (f"{number:,}" for number in numbers)
        table.add_row(row.day, row.strategy, row.model or "–", *cells, _cost(row))
    return table


def _cost(row: Spent) -> str:
    if row.unpriced:
        return "no price"
    return f"{row.cost / BILLION:,.4f}"


def _saved_table(rows: Sequence[Saved]) -> Table:
    table = Table("day", "strategy", "cause", title="tokens saved")
    table.add_column("tokens", justify="right")
    for row in rows:
        table.add_row(row.day, row.strategy, row.cause, f"{row.tokens:,}")
    return table


def _limits(part: BudgetSettings) -> str:
    limits = {
        "a user in an hour": part.user_tokens,
        "all in an hour": part.hour_tokens,
        "a worker since it began": part.process_tokens,
    }
    lines = [
        f"{what} {'without limit' if most is None else f'{most:,} tokens'}"
        for what, most in limits.items()
    ]
    if part.day_money is not None:
        lines.append(f"a day {part.day_money:g}")
    return f"Limits of each worker: {'; '.join(lines)}."
