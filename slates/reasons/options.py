"""What could be said of an item, and how strongly it speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from slates.slate import Kind

STARS: Mapping[Kind, float] = {
    "repeat": 3.6,
    "co-visit": 3.58,
    "attributes": 3.31,
    "trending": 3.24,
    "popular": 3.24,
    "similar": 3.0,
    "new": 3.0,
    "explore": 0.0,
}
"""
How much people think of a kind at its best, out of 5.

Three are measured (2,536 ratings: what people like you did 3.58, a personal attribute 3.31,
popularity 3.24).  What one does oneself is as good as the first; of likeness and newness nobody
has asked, so they come after what was.
"""


class Option(NamedTuple):
    """A reason before it is put into words."""

    kind: Kind
    source: str
    """The one thing it points to, such as an item or a word; the same for all of a crowd."""
    strength: float
    """Comparable between kinds, 0 to 5."""
    evidence: Mapping[str, Any]
    """The facts; the sentence is made from these and from nothing else."""


def option(kind: Kind, source: str, evidence: Mapping[str, Any], *, weight: float) -> Option:
    """
    Rate what could be said.

    Args:
        kind: Of the reason.
        source: What it points to.
        evidence: Its facts.
        weight: How good it is of its kind, 0 to 1; about a half for what can just be said.
    """
    return Option(kind, source, STARS[kind] * min(max(weight, 0.0), 1.0), evidence)
