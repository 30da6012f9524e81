"""
Reasons: facts first, words second.

Each sentence is made from its evidence record and from nothing else; what cannot be proven is not
said.  A slate is explained as a whole, so that its lines differ; `slates.checking` proves them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from slates.config import Language
from slates.reasons.attributes import Attributes
from slates.reasons.covisits import CoVisits
from slates.reasons.crowds import crowd_option, explore_option
from slates.reasons.grounds import Grounds
from slates.reasons.likeness import Likeness
from slates.reasons.options import Option
from slates.reasons.sentences import say
from slates.reasons.times import new_option, repeat_option
from slates.reasons.variety import vary
from slates.slate import Reason
from slates.tastes import Tastes, Vectors

MOST = 3
"""Reasons of an item; nobody reads more, and each weighs some 200 bytes on the topic."""


def explain(
    shown: Sequence[str], vectors: Vectors, tastes: Tastes, grounds: Grounds
) -> list[tuple[Reason, ...]]:
    """
    The reasons that hold for the items of a slate.

    Args:
        shown: Announced items, in the order of the slate.
        vectors: (len(shown), dim) their unit vectors.
        tastes: What speaks for them.
        grounds: The facts.

    Returns:
        For each item at least one, each of another kind, the strongest first; except that the
        first one gives way where too many lines of the slate would say the same.
    """
    find = _finder(shown, vectors, tastes, grounds)
    options = [find(item_id) for item_id in shown]
    language = grounds.config.language
    return [
        _told(some, first, language) for some, first in zip(options, vary(options), strict=True)
    ]


def _finder(
    shown: Sequence[str], vectors: Vectors, tastes: Tastes, grounds: Grounds
) -> Callable[[str], list[Option]]:
    co_visits = CoVisits.of(shown, tastes, grounds)
    attributes = Attributes.of(shown, tastes, grounds)
    likeness = Likeness.of(shown, vectors, tastes, grounds)

    def find(item_id: str) -> list[Option]:
        """What could be said of an item, the strongest first."""
        alone = (one(item_id, grounds) for one in (repeat_option, new_option, crowd_option))
        found = [
            *co_visits.options(item_id),
            *attributes.options(item_id),
            *likeness.options(item_id),
            *(one for one in alone if one is not None),
        ]
        found = found or [explore_option(item_id, grounds)]
        return sorted(found, key=lambda o: -o.strength)

    return find


def _told(options: Sequence[Option], first: int, language: Language) -> tuple[Reason, ...]:
    """Each kind once, what comes first at the front."""
    by_kind: dict[str, Option] = {}
    for option in (options[first], *options):
        by_kind.setdefault(option.kind, option)
    told = islice(by_kind.values(), MOST)
    return tuple(Reason(o.kind, say(o.kind, o.evidence, language), o.evidence) for o in told)
