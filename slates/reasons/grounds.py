"""What reasons are found in and proven against: one user, one moment, all that is known then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from slates.config import SlateConfig
from slates.knowledge import Knowledge
from streams.profiles import Entry, Profile
from streams.requests import SlateRequest

MAX_NAME_CHARS = 80
"""Longest title in a sentence; one of 20,000 characters would be no sentence any more."""

ABOUT = ""
"""Stands for the user's action where the slate is about an item and the user did nothing to it."""


@dataclass(frozen=True)
class Grounds:
    """Of one slate."""

    profile: Profile
    """What the user really did."""
    knowledge: Knowledge
    """What is known of items."""
    now: float
    """Event time, seconds since 1970."""
    config: SlateConfig
    """How many people make a crowd, how old is new."""
    about: str | None = None
    """The item the slate was asked to be about, which the user need not have come to."""

    @cached_property
    def acts(self) -> Mapping[str, Entry]:
        """The newest thing the user did to each item."""
        return {entry.item_id: entry for entry in self.profile.history}

    @cached_property
    def came(self) -> Mapping[str, Sequence[Entry]]:
        """What the user came to, and each time they did, oldest first."""
        times: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in self.profile.history:
            if entry.gain > 0:
                times[entry.item_id].append(entry)
        return times

    def name(self, item_id: str) -> str | None:
        """An item's title as a sentence has it; None for an item nobody announced."""
        facts = self.knowledge.facts(item_id)
        return None if facts is None else shorten(facts.title)


def grounds_of(
    request: SlateRequest,
    profile: Profile,
    knowledge: Knowledge,
    *,
    now: float,
    config: SlateConfig,
) -> Grounds:
    """The grounds of the slate that `slates.building.build` makes of the same arguments."""
    about = request.about if request.scenario == "similar" else None
    return Grounds(profile, knowledge, now, config, about)


def shorten(title: str) -> str:
    """
    A title of bearable length.

    >>> shorten("Dune"), len(shorten("ab" * 100)), shorten("ab" * 100)[-3:]
    ('Dune', 80, 'ba…')
    """
    if len(title) <= MAX_NAME_CHARS:
        return title
    return title[: MAX_NAME_CHARS - 1].rstrip() + "…"
