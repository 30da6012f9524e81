"""The live view of a run in the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agents.scraping import Figures
from agents.tally import RECENT, Tally
from slates.slate import Slate
from streams.items import Item

_BAR = 20
"""Columns; on a terminal of 80 a longer one would be cut."""


def draw(
    tally: Tally, figures: Figures, catalogue: Mapping[str, Item], *, title: str, notes: str
) -> RenderableType:
    """Everything there is to see, as of now."""
    return Group(
        Panel(_numbers(tally, figures), title=title, title_align="left", box=box.ROUNDED),
        Panel(
            _slates(tally, catalogue), title="newest slates", title_align="left", box=box.ROUNDED
        ),
        Text(notes, style="dim"),
    )


def _numbers(tally: Tally, figures: Figures) -> Table:
    p50, p99 = tally.latency_ms(0.5, 0.99, last=RECENT)
    findable = figures.quantile("headwater_item_to_findable_seconds", 0.99)
    lag = figures.by("headwater_consumer_lag", "topic")
    seconds = max(tally.seconds(), 0.001)
    table = Table(box=None, show_header=False, padding=(0, 2))
    table.add_row(
        f"events in      [b]{tally.events_in:,}[/b]",
        f"per second  [b]{tally.events_in / seconds:,.0f}[/b]",
        f"event to slate  p50 [b]{_ms(p50)}[/b]  p99 [b]{_ms(p99)}[/b]",
    )
    table.add_row(
        f"slates out     [b]{tally.slates:,}[/b]",
        f"degraded    {_bad(tally.degraded)}",
        f"new item findable  p99 [b]{_ms(None if findable is None else findable * 1000)}[/b]",
    )
    table.add_row(
        f"items indexed  [b]{int(figures.total('headwater_index_items')):,}[/b]",
        f"dead letters {_bad(tally.dead_letters)}",
        "lag  " + ("  ".join(f"{name} {int(n)}" for name, n in sorted(lag.items())) or "-"),
    )
    if tally.revisions:
        table.add_row(*_revisions(tally))
    through = tally.click_through()
    if through["slates"] is not None and through["control"] is not None:
        most = max(through["slates"], through["control"], 0.001)
        for name, label in (("slates", "clicks on slates"), ("control", "on random items")):
            share = through[name] or 0.0
            bar = "█" * round(_BAR * share / most)
            table.add_row(f"{label:17}[b]{share:.1%}[/b]", "", f"[cyan]{bar}[/cyan]")
    return table


def _revisions(tally: Tally) -> tuple[str, str, str]:
    """What a language model has made of slates after they had left."""
    p50, p99 = tally.revision_ms(0.5, 0.99)
    return (
        f"revisions out  [b]{tally.revisions:,}[/b], by a model [b]{tally.refined:,}[/b]",
        f"tokens      [b]{tally.tokens:,}[/b]",
        f"event to revision 2  p50 [b]{_ms(p50)}[/b]  p99 [b]{_ms(p99)}[/b]",
    )


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f} ms"


def _bad(count: int) -> str:
    return f"[b red]{count:,}[/b red]" if count else "[b]0[/b]"


def _slates(tally: Tally, catalogue: Mapping[str, Item]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, expand=True, padding=(0, 1))
    for name, ratio in (("user", 2), ("after", 2), ("first of the slate", 4), ("because", 10)):
        table.add_column(name, ratio=ratio, no_wrap=True, overflow="ellipsis")
    table.add_column("ms", justify="right", width=7)
    newest = list(tally.newest)
    has_revisions = any(slate.revision > 1 or slate.refinement for slate in newest)
    if has_revisions:  # else its room is better used for reasons
        table.add_column("revision", ratio=3, no_wrap=True, overflow="ellipsis")
    for slate in newest:
        first = slate.items[0] if slate.items else None
        took = (slate.produced_at - slate.trigger.received_at) * 1000
        table.add_row(
            escape(slate.user_id),
            escape(slate.trigger.kind),
            escape(_title(first.item_id, catalogue)) if first else "[dim]nothing[/dim]",
            escape(first.reasons[0].text if first else slate.note),
            f"{took:.1f}",
            *([_revision(slate)] if has_revisions else []),
        )
    return table


def _revision(slate: Slate) -> str:
    """The newest revision of a slate: who ranked it, or why nobody but the engine has."""
    if slate.revision == 1:
        return f"1  [dim]{escape(slate.refinement)}[/dim]"
    if slate.ranked_by == "model":
        return f"[green]2  by {escape(slate.versions.model)}, {slate.tokens} tokens[/green]"
    return f"[yellow]2  {escape(slate.degraded[-1])}[/yellow]"


def _title(item_id: str, catalogue: Mapping[str, Item]) -> str:
    item = catalogue.get(item_id)
    return item_id if item is None else item.title
