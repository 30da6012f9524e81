"""
What a slate is asked for: a feed, more of it, what goes with an item, a row with a title.

A scenario decides whose history speaks and what may not be shown; how candidates are found and
ranked is the strategy's affair.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import msgspec

from slates.config import SlateConfig
from slates.knowledge import Knowledge
from slates.reasons.deeds import verb_of
from slates.reasons.sentences import title_because, title_similar
from streams.profiles import Entry, Profile
from streams.requests import SlateRequest

SCENARIOS = frozenset({"feed", "next", "similar", "because"})
"""What may be asked for."""
PAGES_SECONDS = 3_600.0
"""How long what was shown stays off the next page."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a slate is built for."""

    profile: Profile
    """The history that speaks."""
    barred: AbstractSet[str]
    """What may not be shown."""
    title: str = ""
    """What to write above it; empty for a feed."""
    note: str = ""
    """Why there can be nothing on it; empty where there can."""


def set_scene(
    request: SlateRequest,
    profile: Profile,
    knowledge: Knowledge,
    *,
    now: float,
    config: SlateConfig,
) -> Scene:
    """
    Turn a request into what its slate is built for.

    Args:
        request: With a scenario out of `SCENARIOS`.
        profile: What is known of the user.
        knowledge: For titles.
        now: Event time, seconds since 1970.
        config: May what the user had be shown again?
    """
    had = frozenset() if config.repeats else frozenset(profile.seen)
    excluded = frozenset(request.exclude)
    match request.scenario:
        case "next":
            return Scene(profile, had | excluded | _just_shown(profile, now))
        case "similar":
            about = request.about or ""
            title = title_similar(_title(about, knowledge), config.language)
            note = "" if about in knowledge.index else f"item {about!r} is not in the catalogue"
            return Scene(_only(about, now, config), excluded | {about}, title, note)
        case "because":
            return _because(profile, had | excluded, knowledge, now=now, config=config)
    return Scene(profile, had | excluded)


def _because(
    profile: Profile,
    barred: AbstractSet[str],
    knowledge: Knowledge,
    *,
    now: float,
    config: SlateConfig,
) -> Scene:
    """A row about the newest item that is known and that the last thing done to it speaks for."""
    acts = {entry.item_id: entry for entry in profile.history}
    liked = (e for e in reversed(profile.history) if e.gain > 0 and acts[e.item_id] == e)
    about = next((entry for entry in liked if entry.item_id in knowledge.index), None)
    if about is None:
        return Scene(
            profile, barred, note="the user has not opened or liked an item of the catalogue yet"
        )
    what = _title(about.item_id, knowledge)
    title = title_because(verb_of([about.action]), what, config.language)
    return Scene(_only(about.item_id, now, config), barred | {about.item_id}, title)


def _only(item_id: str, now: float, config: SlateConfig) -> Profile:
    """As if somebody had come to this item, by whatever action, and to nothing else."""
    action = min(config.visits, default="")
    return msgspec.structs.replace(Profile(), history=(Entry(now, item_id, action, 1.0),))


def _just_shown(profile: Profile, now: float) -> frozenset[str]:
    return frozenset(
        item_id for item_id, shown in profile.shown.items() if now - shown.at <= PAGES_SECONDS
    )


def _title(item_id: str, knowledge: Knowledge) -> str:
    facts = knowledge.facts(item_id)
    return item_id if facts is None else facts.title
