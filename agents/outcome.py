"""What a replay came to, for a person and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from rich.text import Text

from agents.differences import Difference, Named
from agents.replaying import Replaying
from agents.spans import Span
from agents.verifying import Verdict
from agents.wording import printable

MOST_DIFFERENCES = 20
"""Shown on a screen; `--json` has all of them."""
MOST_NAMES = 3
"""Of values that could not be compared, shown on a screen."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    span: Span
    folded: int
    """Events."""
    rejected: int
    """Records that are no events."""
    profiles: int
    trends: int
    seconds: float
    verdict: Verdict | None
    """None where nothing was compared."""

    @classmethod
    def of(
        cls, replaying: Replaying, *, span: Span, seconds: float, verdict: Verdict | None
    ) -> Self:
        """Once everything is folded."""
        return cls(
            span=span,
            folded=replaying.folded,
            rejected=replaying.rejected,
            profiles=len(replaying.profiles),
            trends=len(replaying.trends),
            seconds=seconds,
            verdict=verdict,
        )

    @property
    def rate(self) -> float:
        """Records a second."""
        return (self.folded + self.rejected) / max(self.seconds, 1e-3)


def outcome_object(outcome: Outcome) -> dict[str, Any]:
    """All of it, as one JSON object."""
    return {
        "from": outcome.span.starts,
        "to": outcome.span.stops,
        "events": outcome.folded,
        "rejected": outcome.rejected,
        "profiles": outcome.profiles,
        "trends": outcome.trends,
        "seconds": round(outcome.seconds, 3),
        "events_per_second": round(outcome.rate),
        "verify": None if outcome.verdict is None else _verdict_object(outcome.verdict),
    }


def _verdict_object(verdict: Verdict) -> dict[str, Any]:
    return {
        "compared": verdict.compared,
        "differences": [difference.as_object() for difference in verdict.differences],
        "older": [asdict(of) for of in verdict.older],
        "newer": [asdict(of) for of in verdict.newer],
        "uncommitted": verdict.uncommitted,
        "trends_settled": verdict.trends_settled,
    }


def draw(outcome: Outcome) -> Text:
    """A few lines, and one for each difference."""
    return Text("\n").join([*_totals(outcome), *_comparison(outcome.verdict)])


def _totals(outcome: Outcome) -> Iterator[Text]:
    seconds = f"{outcome.seconds:,.1f} s, {outcome.rate:,.0f} a second"
    yield Text(f"folded     {outcome.folded:,} events in {seconds}")
    if outcome.rejected:
        yield Text(f"rejected   {outcome.rejected:,} records that are no events", "yellow")
    yield Text(f"from, to   {_places(outcome.span)}")
    yield Text(f"state      {outcome.profiles:,} profiles, {outcome.trends:,} trends")


def _places(span: Span) -> str:
    return ", ".join(f"{p}:{start} to {p}:{span.stops[p]}" for p, start in span.starts.items())


def _comparison(verdict: Verdict | None) -> Iterator[Text]:
    if verdict is None:
        return
    compared = ", ".join(f"{count:,} of {topic}" for topic, count in verdict.compared.items())
    yield Text(f"compared   {printable(compared) or 'nothing'}")
    yield from _incomparable("older", verdict.older, "has events from before what was folded")
    yield from _incomparable("newer", verdict.newer, "may have events from after what was folded")
    if verdict.uncommitted:
        waiting = f"{verdict.uncommitted:,} events at the log's end were not committed yet"
        yield Text(f"waiting    {waiting}: to lack them is no difference", "yellow")
    if not verdict.trends_settled:
        late = "trends were still behind profiles when patience ended"
        yield Text(f"unsettled  {late}: to lack the newest events is no difference", "yellow")
    yield from _differences(verdict.differences)


def _incomparable(word: str, found: Sequence[Named], why: str) -> Iterator[Text]:
    if found:
        names = ", ".join(map(str, found[:MOST_NAMES]))
        more = ", …" if len(found) > MOST_NAMES else ""
        yield Text(f"{word:<11}{len(found):,} not compared, {why}: {names}{more}", "yellow")


def _differences(found: Sequence[Difference]) -> Iterator[Text]:
    if not found:
        yield Text("differences: none", "green")
        return
    yield Text(f"differences: {len(found):,}", "bold red")
    for difference in found[:MOST_DIFFERENCES]:
        yield Text(f"  {difference.of}: {'; '.join(difference.phrases())}")
    if len(found) > MOST_DIFFERENCES:
        yield Text(f"  and {len(found) - MOST_DIFFERENCES:,} more: --json has all of them")
