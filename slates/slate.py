"""A slate: what a user is shown, in order, with reasons; the records of `recommendations`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from streams.requests import Trigger

Kind: TypeAlias = Literal[
    "co-visit",
    "attributes",
    "similar",
    "trending",
    "popular",
    "new",
    "explore",
    "repeat",
    "told",
    "rule",
]
"""
What sort of reason; `docs/reasons.md` has the evidence of each.

`told` is a sentence that a language model made of other reasons, which are its evidence.
`rule` is reserved: `{"rule": its name}`, for an item that a rule of the owner's put there.
"""


class Reason(msgspec.Struct, frozen=True, gc=False):
    """Why an item is shown."""

    kind: Kind
    text: str
    """One plain sentence; every number and name in it stands in the evidence."""
    evidence: Mapping[str, Any]
    """The facts that prove the sentence."""


class SlateItem(msgspec.Struct, frozen=True, gc=False):
    """One place of a slate."""

    item_id: str
    title: str
    rank: int
    """0 is the first place."""
    score: float
    """Higher is better; comparable within one slate only."""
    sources: Mapping[str, float]
    """Where the candidate came from, with each source's own score."""
    reasons: tuple[Reason, ...]
    """At least one, the strongest first."""


class Versions(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a slate was made with."""

    encoder: str = ""
    index_generation: int = 0
    trends: Mapping[int, int] = {}
    """Partition of `item-trends` to the next offset that was not followed yet."""
    trends_ahead: int = 0
    """Of the trends behind that, how many were followed already: it was made in the midst of it."""
    rankers: Mapping[int, int] = {}
    """The same of `rankers`: whose weights it was ranked with."""
    prompt: str = ""
    model: str = ""


class Timings(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Seconds each part took."""

    queued: float = 0.0
    """From the broker's receipt of the trigger until building began."""
    retrieved: float = 0.0
    ranked: float = 0.0
    refined: float = 0.0


class Slate(msgspec.Struct, frozen=True, gc=False):
    """One revision of one slate."""

    slate_id: str
    """Derived from the trigger: the same for every revision and every repeat."""
    user_id: str
    revision: int
    strategy: str
    scenario: str
    trigger: Trigger
    items: tuple[SlateItem, ...]
    ranked_by: Literal["engine", "model"]
    degraded: tuple[str, ...]
    """What was skipped and why, as `kind: detail`; empty when nothing was."""
    versions: Versions
    timings: Timings
    produced_at: float
    """Seconds since 1970."""
    arm: str = ""
    """The arm of the experiment under which it was built."""
    tokens: int = 0
    """Tokens of a language model that went into it."""
    note: str = ""
    """Why it is empty, where it is."""
    title: str = ""
    """What to write above it, where it is a row about something; empty for a feed."""
    supersedes: tuple[str, ...] = ()
    """Older triggers of the user that came while no slate could be built; it answers them too."""
    refinement: str = ""
    """
    Whether a language model was asked, and why or why not: `asked: cold`, `skipped: sure`.

    Empty where the strategy knows of no model; the causes are in `slates.cascade`.
    """

    @property
    def answers(self) -> tuple[str, ...]:
        """The triggers it answers, oldest first."""
        return (*self.supersedes, self.trigger.id)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Slate)


def encode_slate(slate: Slate) -> bytes:
    """The bytes of a slate, as they stand on the topic."""
    return _encoder.encode(slate)


def decode_slate(value: bytes) -> Slate:
    """Read a slate from the topic."""
    return _decoder.decode(value)
