"""A user's case in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agents.case import Case, candidates
from agents.tracing import Verdict
from agents.wording import (
    AUTHORS,
    ago,
    as_object,
    latency_ms,
    moment,
    printable,
    refinement_of,
    shown,
)
from slates.slate import SlateItem
from streams.profiles import Profile

HISTORY = 8
"""Newest interactions shown; `--json` has all."""


def draw_case(case: Case, *, n: int) -> RenderableType:
    """Everything, from the cause to the candidates."""
    parts: list[RenderableType] = [
        _slate(case),
        Text(),
        _profile(case),
        Text(),
        _built(case),
        Text(),
        _table(case, n),
    ]
    if case.verdict is not None:
        parts += [Text(), _verdict(case, case.verdict)]
    return Group(*parts)


def _heading(text: str) -> Text:
    return Text(text, "bold")


def _slate(case: Case) -> Text:
    slate = case.user.slate
    if slate is None:
        text = _heading(f"{printable(case.user.user_id)} has no slate in the log")
        return text.append(
            "\n  perhaps its request still waits: `headwater doctor` shows how far the workers are",
            "default not bold",
        )
    text = _heading(f"newest slate of {printable(slate.user_id)}")
    text.append(
        f"\n  {slate.slate_id}, revision {slate.revision}, {len(slate.items)} items, "
        f"made {moment(slate.produced_at)}, {latency_ms(slate):,.1f} ms after its trigger",
        "default not bold",
    )
    text.append(f"\n  because of: {_cause(case)}", "default not bold")
    if said := refinement_of(slate):
        text.append(f"\n  {said}", "cyan not bold")
    for line in slate.degraded:
        text.append(f"\n  degraded: {printable(line)}", "yellow not bold")
    for item in slate.items:
        text.append(f"\n  {item.rank + 1:>2}  {printable(item.title)}", "default not bold")
        if item.reasons:
            text.append(f"  {printable(item.reasons[0].text)}", "dim not bold")
    if slate.note:
        text.append(f"\n  empty: {printable(slate.note)}", "yellow not bold")
    return text


def _cause(case: Case) -> str:
    slate, record = case.user.slate, case.user.event
    if slate is None or record is None:
        kind = "" if slate is None else f"{printable(slate.trigger.kind)} "
        return f"{kind}(no longer in the log)"
    event = as_object(record.value)
    if event is None:
        return shown(record.value)
    what = printable(slate.trigger.kind)
    if item_id := event.get("item_id"):
        what += f" of {printable(case.title(str(item_id)))!r}"
    return f"{what} at {moment(slate.trigger.at)} ({slate.trigger.id})"


def _profile(case: Case) -> Group:
    profile = case.profile
    counts = ", ".join(f"{name} {n}" for name, n in sorted(profile.counters.items()))
    title = _heading("what is known of the user")
    title.append(
        f"\n  {len(profile.seen)} items seen; {counts or 'nothing counted yet'}", "default not bold"
    )
    title.append(_likes(profile), "default not bold")
    table = _columns("age", "action", "gain", "item")
    for entry in reversed(profile.history[-HISTORY:]):
        age = ago(case.now - entry.at)
        gain = f"{entry.gain:+.1f}"
        table.add_row(age, printable(entry.action), gain, _title(case, entry.item_id))
    if (more := len(profile.history) - HISTORY) > 0:
        table.add_row("…", f"{more} more", "", "")
    return Group(title, table)


def _likes(profile: Profile) -> str:
    """What the user likes, in words, and who wrote it."""
    likes = profile.likes
    if likes is None:
        return ""
    if not likes.text:
        return "\n  preferences: deleted by the user"
    return f"\n  preferences: {printable(likes.text)}  (by {AUTHORS[likes.by]})"


def _built(case: Case) -> Text:
    text = _heading(
        f"the same slate built again for {moment(case.now)}, with all that is known by now"
    )
    before = {item.item_id for item in case.user.slate.items} if case.user.slate else set()
    for item in case.built.items:
        text.append(f"\n  {item.rank + 1:>2}  {printable(item.title)}", "default not bold")
        text.append(f"  {item.score:.3f}", "cyan not bold")
        if before and item.item_id not in before:
            text.append("  not on the newest slate", "green not bold")
        text.append(_reasons(item))
    if case.built.note:
        text.append(f"\n  empty: {case.built.note}", "yellow not bold")
    if gone := before - {item.item_id for item in case.built.items}:
        names = ", ".join(sorted(printable(case.title(item_id)) for item_id in gone))
        text.append(f"\n  no longer on it: {names}", "yellow not bold")
    return text


def _reasons(item: SlateItem) -> Text:
    text = Text()
    for reason in item.reasons:
        text.append(f"\n        {printable(reason.text)}", "default not bold")
        text.append(f"  [{_evidence(reason.evidence)}]", "dim not bold")
    return text


def _evidence(evidence: Mapping[str, Any]) -> str:
    """The facts behind a reason, but for the titles, which stand in its text."""
    facts = {name: value for name, value in evidence.items() if value and name != "titles"}
    return "; ".join(f"{name} {_plain(value)}" for name, value in facts.items())


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_plain(v) for v in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{_plain(k)}: {_plain(v)}" for k, v in value.items())
    return printable(str(value))


def _table(case: Case, n: int) -> Group:
    rows = candidates(case, n=n)
    title = _heading(f"candidates, the best {len(rows)} of {len(case.standing.rank)} by score")
    table = _columns("rank", "score", "place", "item", "sources")
    for row in rows:
        place = "-" if row["place"] is None else str(row["place"] + 1)
        moved = f" ({row['moved_by']})" if row["moved_by"] else ""
        table.add_row(
            str(row["rank"] + 1),
            f"{row['score']:.3f}",
            f"{place}{moved}",
            Text(printable(row["title"])),
            "  ".join(_source(name, score) for name, score in row["sources"].items()),
        )
    return Group(title, table)


def _source(name: str, score: float) -> str:
    """
    A source and its own score, in its own unit.

    >>> _source("recent", 0.514), _source("popular", 12.34), _source("fresh", 2.04)
    ('recent .51', 'popular 12', 'fresh 2.0 d')
    """
    if name == "fresh":
        return f"fresh {score:.1f} d"
    if name == "popular":
        return f"popular {score:.2g}"
    return f"{name} {score:.2f}".replace(" 0.", " .").replace("-0.", "-.")


def _verdict(case: Case, verdict: Verdict) -> Text:
    item_id = case.item_id or ""
    text = _heading(f"{printable(case.title(item_id))} ({printable(item_id)})")
    text.append(f"\n  {printable(verdict.text)}", "default not bold")
    for line in _details(verdict.facts, verdict.kind, case.now):
        text.append(f"\n  {line}", "dim not bold")
    return text


def _details(facts: Mapping[str, Any], kind: str, now: float) -> list[str]:
    lines = []
    if kind == "seen" and "at" in facts:
        lines.append(
            f"last: {printable(facts['action'])} at {moment(facts['at'])}, "
            f"{ago(now - facts['at'])} before; {facts['times']} times in the history kept"
        )
    for name, taste in facts.get("tastes", {}).items():
        weakest = taste["weakest"]
        than = "took no candidate" if weakest is None else f"took candidates down to {weakest:.3f}"
        lines.append(f"taste {name}: similarity {taste['similarity']:.3f}, {than}")
    if "popularity_place" in facts:
        lines.append(
            f"popularity: number {facts['popularity_place']} of what may be shown, "
            f"the first {facts['popularity_places']} are candidates"
        )
        age = facts["age_days"]
        published = "nobody knows when it was published" if age is None else f"{age:g} days old"
        lines.append(f"freshness: {published}, new is up to {facts['fresh_days']:g} days")
    if "likeness" in facts:
        lines.append(f"similarity of the two: {facts['likeness']:.3f}")
    return lines


def _columns(*names: str) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=True)
    for name in names:
        table.add_column(name, justify="right" if name in {"rank", "gain", "score"} else "left")
    return table


def _title(case: Case, item_id: str) -> Text:
    return Text(printable(case.title(item_id)))
