"""From a ledger to an outcome: what is missing, too much, late, or other than it was."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from benchmarks.refolding import compare
from tests.support.ledger import Answer, Ledger
from tests.support.outcomes import LATE, UNEXPLAINED, Outcome


def audit(ledger: Ledger, *, exits: Sequence[int]) -> Outcome:
    """Compare all that was made of the events with what should have been."""
    found = compare(ledger.profiles, ledger.trends, wanted=ledger.expected())
    waits = _waits(ledger)
    return Outcome(
        events=len(ledger.asked),
        lost=found.lost,
        over_counted=found.over_counted,
        wrong=found.wrong,
        went_back=ledger.went_back,
        unanswered=len(ledger.asked) - len(waits),
        dead_letters=len(ledger.dead_letters),
        repeated=len(ledger.answers) - len({a.slate_id for a in ledger.answers}),
        changed=_changed(ledger),
        longest_delay=max((end - begin for begin, end in waits), default=0.0),
        outage=longest_outage(waits),
        exits=tuple(exits),
    )


def _waits(ledger: Ledger) -> list[tuple[float, float]]:
    """When each event was sent and first answered, of those that were."""
    first: dict[str, float] = {}
    for answer in ledger.answers:
        for cause in answer.answers:
            first[cause] = min(answer.at, first.get(cause, math.inf))
    return [(asked.at, first[id]) for id, asked in ledger.asked.items() if id in first]


def longest_outage(waits: Iterable[tuple[float, float]]) -> float:
    """
    The longest time in which some event was late.

    >>> longest_outage([(0.0, 0.1), (1.0, 4.0), (3.0, 6.0), (8.0, 10.0)])
    5.0
    """
    longest, since, until = 0.0, -math.inf, -math.inf
    for begin, end in sorted(wait for wait in waits if wait[1] - wait[0] > LATE):
        if begin > until:
            since = begin
        until = max(until, end)
        longest = max(longest, until - since)
    return longest


def _changed(ledger: Ledger) -> dict[str, int]:
    """Why repeats have other items than the slate they repeat."""
    made: dict[str, list[Answer]] = defaultdict(list)
    for answer in sorted(ledger.answers, key=lambda a: a.at):
        made[answer.slate_id].append(answer)
    return dict(
        Counter(
            _why(ledger, first, again)
            for first, *repeats in made.values()
            for again in repeats
            if again.items != first.items
        )
    )


def _why(ledger: Ledger, first: Answer, again: Answer) -> str:
    """A slate depends on trigger, profile and catalogue: which of them had moved?"""
    if first.degraded != again.degraded:
        return "a replica was behind"
    if first.trends != again.trends:
        return "trends moved"
    if first.rankers != again.rankers:
        return "the ranker moved"
    if _had_newer(ledger, again):
        return "the profile moved"
    if first.trends_ahead or again.trends_ahead:
        return "trends were being followed"
    # Its request was read again before its event was; then another one must have followed.
    followed = any(again.trigger in a.answers and a.at > again.at for a in ledger.answers)
    return "the event was not folded again yet" if followed else UNEXPLAINED


def _had_newer(ledger: Ledger, answer: Answer) -> bool:
    """Had the user done more by the time of the answer?"""
    asked = ledger.asked.get(answer.trigger)
    return asked is not None and any(
        other.event.user_id == asked.event.user_id and asked.offset < other.offset
        for other in ledger.asked.values()
        if other.partition == asked.partition and other.at <= answer.at
    )
