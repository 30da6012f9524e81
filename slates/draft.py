"""
The records of `slate-drafts`: revision 1, and what a prompt about it needs.

Whoever refines a draft needs no profile, no index and no trends.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from slates.slate import Slate
from streams.items import AttributeValue
from streams.requests import Filters


class Candidate(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One item of the shortlist, as the engine ranked it."""

    item_id: str
    title: str
    score: float
    """The engine's; higher is better, comparable within one draft only."""
    text: str = ""
    """A sentence or two about it: the item's summary, or the beginning of its description."""
    attributes: Mapping[str, AttributeValue] = {}
    visits: float = 0.0
    """Interactions of all users with it; 0 is new."""
    people: int = 0
    """Different users who came to it and did not turn it down."""


class Had(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One item of the user's history."""

    item_id: str
    title: str
    action: str
    at: float
    """Seconds since 1970."""
    gain: float
    """Above 0 where it was liked."""
    text: str = ""
    attributes: Mapping[str, AttributeValue] = {}


class Draft(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A slate that may be refined."""

    slate: Slate
    """Revision 1, as it was sent."""
    refinement: str
    """By which of `slates.refinements`."""
    candidates: tuple[Candidate, ...]
    """The shortlist, best first, 100 at most; the items of the slate are among them."""
    history: tuple[Had, ...]
    """Newest first, 20 at most."""
    n: int
    """Items asked for."""
    interactions: int
    """How many of the user are known; few make the model's order count for more."""
    deadline: float
    """Seconds since 1970 after which an answer is of no use."""
    filters: Filters = {}
    words: str = ""
    """What the user asked for in words; empty where nothing was said."""
    likes: str = ""
    """The user's preferences in words; empty where none are kept, or may be passed on."""
    own_likes: bool = False
    """Did the user write these?  Then they are free text."""
    barred: tuple[str, ...] = ()
    """What may not be shown; known where a refinement may bring up any item of the catalogue."""


WITHDRAWN = b""
"""
The value that takes a user's draft back: a newer slate of theirs is out, and is not refined.

A record without a value says that the user is to be forgotten.
"""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Draft)


def encode_draft(draft: Draft) -> bytes:
    """The bytes of a draft, as they stand on the topic."""
    return _encoder.encode(draft)


def decode_draft(value: bytes) -> Draft:
    """Read a draft from the topic."""
    return _decoder.decode(value)
