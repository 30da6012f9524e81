"""From a profile and an event to what the item's owner hears of it."""

from __future__ import annotations

from streams.events import Gains, Interaction
from streams.predecessors import MAX_BEFORE, Before
from streams.profiles import Profile
from streams.trends import CoVisit


def co_visit_of(
    event: Interaction, profile: Profile, *, gains: Gains, partition: int, offset: int
) -> CoVisit:
    """
    Make the co-visit of one interaction.

    Args:
        event: With `at` filled in.
        profile: As it was before the event.
        gains: Strength of each action.
        partition: Partition of `events` it was read from.
        offset: Its offset there.
    """
    return CoVisit(
        at=event.at or 0.0,
        gain=gains.of(event),
        first=event.item_id not in profile.seen,
        partition=partition,
        offset=offset,
        before=_came_before(event, profile, gains),
        is_visit=gains.is_visit(event.action),
    )


def _came_before(event: Interaction, profile: Profile, gains: Gains) -> tuple[Before, ...]:
    """What the user had come to, newest first, each item once; nothing where this is no visit."""
    if not gains.is_visit(event.action):
        return ()
    visits, at = gains.visits(), event.at or 0.0
    since = {event.item_id: at}  # not among what came before
    for entry in reversed(profile.history):
        if entry.item_id not in since and entry.action in visits:
            since[entry.item_id] = entry.at
            if len(since) > MAX_BEFORE:
                break
    del since[event.item_id]
    return tuple(  # to a tenth of a second; `round(gap, 1)` takes longer, by way of text
        [Before(i, round((at - then) * 10) / 10 if at > then else 0.0) for i, then in since.items()]
    )
