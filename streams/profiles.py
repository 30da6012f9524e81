"""
What is known of a user: a pure fold of their events, facts only.

A profile holds no vectors, so it survives a new encoder, stays small on the changelog and can be
shown to its owner.  Folding an event twice equals folding it once.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping

import msgspec

from streams.events import Author, Event, Forget, Gains, Impression, Interaction, Preferences
from streams.wire import require_version

VERSION = 3
MAX_HISTORY = 200
"""Interactions kept with time and gain, the newest by event time; tastes need about the last 50."""
MAX_SEEN = 3_000
"""
Items never shown again, the last ones to arrive.

With the longest ids allowed a profile stays below 1 MiB, the largest record of its changelog.
"""


MAX_SHOWN = 100
"""Items kept that were shown and not touched: ten slates."""


class Entry(msgspec.Struct, frozen=True, gc=False, array_like=True, order=True):
    """One interaction, as a profile keeps it; ordered by event time."""

    at: float
    item_id: str
    action: str
    gain: float


class Shown(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """How often an item was shown to a user who did not touch it."""

    times: int
    at: float
    """The last time, seconds since 1970."""


class Likes(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a user likes, in words."""

    text: str
    """Empty where the user has deleted it: nobody writes anything then."""
    by: Author
    """The user's own words are free text: they leave the process only where settings allow it."""
    at: float
    """When it was written, seconds since 1970."""
    basis: int = 0
    """Interactions that were known to whoever wrote it; 0 where the user did."""


class Profile(msgspec.Struct, frozen=True, gc=False):
    """The facts about one user."""

    version: int = VERSION
    history: tuple[Entry, ...] = ()
    """At most `MAX_HISTORY` interactions, oldest first by event time."""
    seen: tuple[str, ...] = ()
    """At most `MAX_SEEN` different items the user has interacted with, in order of arrival."""
    counters: Mapping[str, int] = {}
    """Interactions by action, over all time, and `impression` for slates shown."""
    partition: int = -1
    """Partition of `events` that `offset` belongs to."""
    offset: int = -1
    """Offset of the last event contained; an older one of the same partition is skipped."""
    shown: Mapping[str, Shown] = {}
    """At most `MAX_SHOWN` items that were shown and not touched since, the last to be shown."""
    likes: Likes | None = None
    """What the user likes, in words; None where nobody has written anything."""

    @property
    def interactions(self) -> int:
        """How often the user has acted, over all time."""
        return sum(self.counters.values()) - self.counters.get("impression", 0)


class Contents(msgspec.Struct, frozen=True, gc=False):
    """Which events a profile contains; the rest of it is passed over."""

    version: int = VERSION
    partition: int = -1
    offset: int = -1


_decoder = msgspec.json.Decoder(Profile)
_glancer = msgspec.json.Decoder(Contents)
_encoder = msgspec.json.Encoder()


def encode_profile(profile: Profile) -> bytes:
    """The bytes of a profile, as they stand on its changelog."""
    return _encoder.encode(profile)


def decode_profile(value: bytes) -> Profile:
    """
    Read a profile from its changelog, in the layout of this or an earlier version.

    Raises:
        msgspec.DecodeError: It is none, or a later version wrote it.
    """
    profile = _decoder.decode(value)
    require_version(profile.version, known=VERSION)
    return profile


def glance_profile(value: bytes) -> Contents:
    """
    Read of a profile only which events it contains, in half the time.

    Raises:
        msgspec.DecodeError: It is no JSON object, or a later version wrote it.
    """
    contents = _glancer.decode(value)
    require_version(contents.version, known=VERSION)
    return contents


def is_applied(profile: Profile, *, partition: int, offset: int) -> bool:
    """Does the profile contain the event at this place already?"""
    return profile.partition == partition and offset <= profile.offset


def contained(profile: Profile | Contents, partition: int) -> int:
    """The last offset of a partition of `events` that the profile contains; -1 where none is."""
    return profile.offset if profile.partition == partition else -1


def fold(
    profile: Profile, event: Event, *, gains: Gains, partition: int, offset: int
) -> Profile | None:
    """
    Add one event to a profile.

    Late events find their place by event time; one that was folded before changes nothing.

    Args:
        profile: What was known before; `Profile()` for a stranger.
        event: With `at` filled in.
        gains: Strength of each action.
        partition: Partition of `events` it was read from.
        offset: Its offset there.

    Returns:
        What is known now; None when the user is to be forgotten, or is not known and was only
        written about.

    >>> click = Interaction(user_id="u", at=1.0, item_id="dune", action="click")
    >>> once = fold(Profile(), click, gains=Gains({"click": 1.0}), partition=0, offset=7)
    >>> once == fold(once, click, gains=Gains({"click": 1.0}), partition=0, offset=7)
    True
    """
    if is_applied(profile, partition=partition, offset=offset):
        return profile
    match event:
        case Forget():
            return None
        case Impression():
            profile = _with_impression(_counted(profile, "impression"), event)
        case Interaction():
            profile = _with_interaction(_counted(profile, event.action), event, gains)
        case Preferences():
            if event.by != "user" and not profile.counters:
                return None  # they were forgotten meanwhile
            profile = _with_preferences(profile, event)
    return msgspec.structs.replace(profile, version=VERSION, partition=partition, offset=offset)


def _counted(profile: Profile, name: str) -> Profile:
    counters = {**profile.counters, name: profile.counters.get(name, 0) + 1}
    return msgspec.structs.replace(profile, counters=counters)


def _with_impression(profile: Profile, event: Impression) -> Profile:
    """Shown once more; who is shown an item again has it at the end, the oldest fall off."""
    at, shown = event.at or 0.0, dict(profile.shown)
    for item_id in event.item_ids:
        before = shown.pop(item_id, None)
        times, last = (0, at) if before is None else (before.times, before.at)
        shown[item_id] = Shown(times + 1, max(last, at))
    kept = dict(list(shown.items())[-MAX_SHOWN:])
    return msgspec.structs.replace(profile, shown=kept)


def _with_interaction(profile: Profile, event: Interaction, gains: Gains) -> Profile:
    history = list(profile.history)
    insort(history, Entry(event.at or 0.0, event.item_id, event.action, gains.of(event)))
    seen = profile.seen
    if event.item_id not in seen:
        seen = (*seen, event.item_id)[-MAX_SEEN:]
    shown = {item_id: s for item_id, s in profile.shown.items() if item_id != event.item_id}
    return msgspec.structs.replace(
        profile, history=tuple(history[-MAX_HISTORY:]), seen=seen, shown=shown
    )


def _with_preferences(profile: Profile, event: Preferences) -> Profile:
    """The user's own words stand until they change them; of others' words, those that knew more."""
    new = Likes(event.text or "", event.by, event.at or 0.0, event.basis)
    if not _is_better(new, profile):
        return profile
    if event.by == "user" and event.text == "":  # others may write again
        return profile if _others_may(profile) else msgspec.structs.replace(profile, likes=None)
    return msgspec.structs.replace(profile, likes=new)


def _others_may(profile: Profile) -> bool:
    return profile.likes is None or profile.likes.by != "user"


def _is_better(new: Likes, profile: Profile) -> bool:
    """Order of arrival does not matter, nor does coming twice."""
    old = profile.likes
    if new.by == "user":
        return old is None or old.by != "user" or new.at >= old.at
    if new.basis > profile.interactions or not _others_may(profile):
        return False
    return old is None or (new.basis, new.by == "model") > (old.basis, old.by == "model")
