"""What a user did to the items that a reason names, whatever language it is told in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal, TypeAlias

Evidence: TypeAlias = Mapping[str, Any]
Deed: TypeAlias = Literal["liked", "bought", "opened"]

VERBS: Mapping[str, Deed] = {"like": "liked", "rating": "liked", "purchase": "bought"}
"""Action to what the user did; whoever did anything else that speaks for an item has opened it."""
MAKERS = frozenset({"author", "authors", "by", "writer", "artist", "director", "composer"})
"""Attributes whose words are people who made the item."""


def verb_of(actions: Collection[str]) -> Deed:
    """
    What a user did who did one thing or several.

    >>> verb_of(["purchase"]), verb_of(["like", "rating"]), verb_of(["like", "view"])
    ('bought', 'liked', 'opened')
    """
    verbs = {VERBS.get(action, "opened") for action in actions}
    return verbs.pop() if len(verbs) == 1 else "opened"


def deed_of(evidence: Evidence) -> Deed | None:
    """What the user did to the items named; None where the slate is about them."""
    actions = evidence["actions"]
    return verb_of(actions) if all(actions) else None


def is_maker(attribute: str) -> bool:
    """Are the words of an attribute people who made the item?"""
    return attribute.lower() in MAKERS
