"""What a worker can do, what it reads for that, and in which consumer group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from agents.settings import Settings
from streams import topics
from streams.topics import Topic

ROLES: Final = (
    *("profiling", "trending", "learning", "cataloguing"),
    *("recommending", "refining"),
)
"""One worker that does all of it is enough for a start."""
READS: Final[Mapping[str, Topic]] = {
    "profiling": topics.EVENTS,
    "trending": topics.CO_VISITS,
    "learning": topics.LESSONS,
    "cataloguing": topics.ITEMS,
    "recommending": topics.SLATE_REQUESTS,
    "refining": topics.SLATE_DRAFTS,
}
"""The topic that a role reads in its group."""
ASKING: Final = frozenset({"cataloguing", "recommending", "refining"})
"""The roles that have questions to a language model."""
KNOWING: Final = frozenset({"profiling", "cataloguing", "recommending"})
"""The roles that need a full copy of the catalogue."""


def group_of(settings: Settings, roles: Sequence[str]) -> str:
    """
    The consumer group of workers with these roles.

    Who owns profiles is in the group of the settings; roles that run apart have one of their own,
    because all members of a Faust group must read the same topics.
    """
    if "profiling" in roles:
        return settings.group
    return f"{settings.group}-{'-'.join(sorted(roles))}"


def read_by(settings: Settings, roles: Sequence[str]) -> frozenset[str]:
    """The topics that workers with these roles read, as the broker has their names."""
    names = settings.topics()
    return frozenset(names.name(READS[role]) for role in roles)
