"""
What users do, as immutable facts on the `events` topic.

One tagged union, decoded straight from bytes.  Whatever cannot be an event is refused here, once,
with the field and the expectation, so nothing downstream has to doubt what it is given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Literal, TypeAlias

import msgspec

from streams.errors import MalformedEvent, UnknownAction
from streams.wire import UNDECODABLE

MAX_ID_CHARS = 256
"""Longest user, item or slate id; longer ones are somebody's mistake and would fill every state."""

MAX_IMPRESSION_ITEMS = 200
"""Most items one impression may name."""


MAX_PREFERENCE_CHARS = 500
"""Longest description of what a user likes: a few sentences."""

Author: TypeAlias = Literal["user", "model", "engine"]
"""Whose words they are: the user's own, a language model's, or those of a template."""


class _Fact(msgspec.Struct, frozen=True, gc=False, tag_field="kind", omit_defaults=True):
    """What every event carries."""

    user_id: str
    """Who acted; also the key of the record."""
    at: float | None = None
    """When, in seconds since 1970 (UTC); the record's own time where it is left out."""


class Interaction(_Fact, frozen=True, tag="interaction", kw_only=True):
    """A user acted on an item."""

    item_id: str
    action: str
    """One of the actions that have a gain in the settings."""
    value: float | None = None
    """The stars of a `rating`; nothing else has a value."""
    slate_id: str | None = None
    """The slate it was shown on, where the sender knows."""


class Impression(_Fact, frozen=True, tag="impression", kw_only=True):
    """A slate was shown to a user."""

    slate_id: str
    item_ids: tuple[str, ...]
    """What could be seen, in the order shown."""


class Forget(_Fact, frozen=True, tag="forget"):
    """A user wants to be forgotten."""


class Preferences(_Fact, frozen=True, tag="preferences", kw_only=True):
    """What a user likes, in words, by themselves or by whoever looked at their history."""

    text: str | None = None
    """The words; None deletes them for good, an empty text lets others write again."""
    by: Author = "user"
    basis: int = 0
    """Interactions that were known when it was written by somebody else."""


Event: TypeAlias = Interaction | Impression | Forget | Preferences
"""Everything that may stand on the `events` topic."""

_decoder = msgspec.json.Decoder(Event)
_encoder = msgspec.json.Encoder()


DEFAULT_GAINS: Mapping[str, float] = {
    "view": 0.3,
    "click": 1.0,
    "like": 2.0,
    "dislike": -2.0,
    "rating": 2.0,
    "cart": 2.0,
    "purchase": 3.0,
    "skip": -0.3,
    "dismiss": -1.0,
}
"""Strength of each action; untuned, only the order and the signs matter much."""


class Gains(msgspec.Struct, frozen=True, dict=True):
    """How strongly each action speaks for an item."""

    actions: Mapping[str, float]
    """Action to gain; positive draws a taste towards the item, negative away from it."""
    rating_neutral: float = 2.75
    """The number of stars that says nothing either way."""
    rating_best: float = 5.0
    """The most stars there are; worth the full gain of `rating`."""

    def is_visit(self, action: str) -> bool:
        """Does whoever does this come to the item, however they like it?  A skip is none."""
        return action in self._visits

    def visits(self) -> frozenset[str]:
        """
        The actions for which `is_visit` says yes.

        >>> sorted(Gains({"rating": 2.0, "skip": -0.3, "click": 1.0}).visits())
        ['click', 'rating']
        """
        return self._visits

    @cached_property
    def _visits(self) -> frozenset[str]:
        """Looked up for every event, and for every interaction of its user."""
        return frozenset(action for action, gain in self.actions.items() if gain > 0)

    def of(self, event: Interaction) -> float:
        """
        The gain of one interaction.

        >>> gains = Gains({"click": 1.0, "rating": 2.0}, rating_neutral=3.0)
        >>> gains.of(Interaction(user_id="u", item_id="i", action="rating", value=4.0))
        1.0

        Raises:
            UnknownAction: The action has no gain in the settings.
        """
        if event.action not in self.actions:
            known = ", ".join(sorted(self.actions))
            raise UnknownAction(f"action {event.action[:40]!r} has no gain; known are {known}")
        gain = self.actions[event.action]
        if event.action != "rating":
            return gain
        stars = self.rating_neutral if event.value is None else event.value
        return gain * (stars - self.rating_neutral) / (self.rating_best - self.rating_neutral)


def encode_event(event: Event) -> bytes:
    """The bytes of an event, as they stand on the topic."""
    return _encoder.encode(event)


def decode_event(
    key: bytes | None, value: bytes | None, *, gains: Gains, received_at: float, max_ahead: float
) -> Event:
    """
    Read one record of the `events` topic.

    Args:
        key: The record's key, the user id in UTF-8.
        value: JSON of one event.
        gains: The actions that are known.
        received_at: The record's own timestamp, seconds since 1970; stands in for a missing `at`.
        max_ahead: Seconds that `at` may be later than `received_at`.

    Returns:
        The event, with `at` filled in.

    Raises:
        MalformedEvent: It cannot be decoded or breaks a rule; the message names which.
        UnknownAction: Its action has no gain.

    >>> decode_event(b"ann", b'{"kind": "forget", "user_id": "ann"}',
    ...              gains=Gains({}), received_at=5.0, max_ahead=60.0)
    Forget(user_id='ann', at=5.0)
    """
    if value is None:
        raise MalformedEvent("no value: an event is never deleted, expected JSON")
    try:
        event: Event = _decoder.decode(value)
    except UNDECODABLE as exc:
        raise MalformedEvent(f"not an event: {exc}") from exc
    if event.at is None:
        event = msgspec.structs.replace(event, at=received_at)
    _check_key(key, event.user_id)
    _check_time(event, received_at=received_at, max_ahead=max_ahead)
    _check_content(event, gains)
    return event


def _check_key(key: bytes | None, user_id: str) -> None:
    check_id("user_id", user_id)
    if key is None:
        raise MalformedEvent(f"user {user_id!r}: no key, expected the user id")
    if key != user_id.encode():
        raise MalformedEvent(f"user {user_id!r}: key {key[:80]!r}, expected the user id")


def check_id(field: str, text: str) -> None:
    """
    Refuse ids nobody can work with.

    Raises:
        MalformedEvent: Empty, too long, or with control characters.
    """
    if not text or len(text) > MAX_ID_CHARS or not text.isprintable():
        raise MalformedEvent(
            f"{field} {text[:40]!r}: expected 1 to {MAX_ID_CHARS} printable characters"
        )


def _check_time(event: Event, *, received_at: float, max_ahead: float) -> None:
    at = event.at
    if at is None or not math.isfinite(at) or at < 0:
        raise MalformedEvent(f"user {event.user_id!r}: at {at}, expected seconds since 1970")
    if at > received_at + max_ahead:
        raise MalformedEvent(
            f"user {event.user_id!r}: at {at:.0f} is {at - received_at:.0f} s after it was "
            f"received, expected at most {max_ahead:.0f} s; is it in milliseconds?"
        )


def _check_content(event: Event, gains: Gains) -> None:
    match event:
        case Interaction():
            check_id("item_id", event.item_id)
            gains.of(event)
            _check_stars(event, gains)
            if event.slate_id is not None:
                check_id("slate_id", event.slate_id)
        case Impression():
            check_id("slate_id", event.slate_id)
            if len(event.item_ids) > MAX_IMPRESSION_ITEMS:
                raise MalformedEvent(
                    f"slate {event.slate_id!r}: {len(event.item_ids)} items, "
                    f"expected at most {MAX_IMPRESSION_ITEMS}"
                )
            for item_id in event.item_ids:
                check_id("item_id", item_id)
        case Preferences():
            _check_preferences(event)
        case Forget():
            pass


def _check_preferences(event: Preferences) -> None:
    text = event.text or ""
    if len(text) > MAX_PREFERENCE_CHARS or not text.isprintable():
        raise MalformedEvent(
            f"user {event.user_id!r}: preferences {text[:40]!r}, "
            f"expected at most {MAX_PREFERENCE_CHARS} printable characters"
        )
    if event.by == "user":
        return
    if not text.strip() or event.basis < 1:
        raise MalformedEvent(
            f"user {event.user_id!r}: preferences by {event.by!r} with basis {event.basis}, "
            "expected words, and the number of interactions they are from"
        )


def _check_stars(event: Interaction, gains: Gains) -> None:
    if event.action != "rating":
        return
    if event.value is None or not 0 <= event.value <= gains.rating_best:
        raise MalformedEvent(
            f"user {event.user_id!r}: rating {event.value}, "
            f"expected a value from 0 to {gains.rating_best:g}"
        )
