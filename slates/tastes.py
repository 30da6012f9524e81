"""
Taste vectors, derived from a profile when a slate is built.

Three views of one history: what the user is after now (recency-weighted), the newest items one by
one, and the long run.  Items that nobody has announced yet have no vector and wait their turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slates.config import SlateConfig
from slates.knowledge import Neighbours
from streams.profiles import Entry, Profile

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tastes:
    """What a user likes, as directions."""

    names: tuple[str, ...]
    """`recent`, `last-1` (the newest) …, `long-term`; empty for a user without a usable history."""
    vectors: Vectors
    """(len(names), dim) unit rows."""
    known: tuple[Entry, ...]
    """What was acted on, liked or not, newest first, each item once; all announced."""
    liked: tuple[Entry, ...]
    """The liked items they were made from, newest first, each item once."""
    liked_vectors: Vectors
    """(len(liked), dim) unit rows."""


def derive_tastes(profile: Profile, index: Neighbours, config: SlateConfig) -> Tastes:
    """
    Turn a history into directions.

    The recent taste moves away from what was disliked (Rocchio, 1971); the others are made from
    liked items only.
    """
    newest = [entry for entry in _once(profile.history) if entry.item_id in index]
    liked = tuple(entry for entry in newest if entry.gain > 0)
    if not liked:
        nothing = np.zeros((0, 0), dtype=np.float32)
        return Tastes((), nothing, tuple(newest), (), nothing)
    recent = newest[: config.recent]
    vectors = index.vectors([entry.item_id for entry in newest])
    is_liked = np.fromiter((entry.gain > 0 for entry in newest), bool, len(newest))
    liked_vectors = vectors[is_liked]
    last = liked_vectors[: config.last_items]
    gains = np.array([entry.gain for entry in liked], dtype=np.float32)
    rows = {
        "recent": _recent_taste(recent, vectors[: len(recent)], config.recency),
        **{f"last-{place + 1}": row for place, row in enumerate(last)},
        "long-term": _mean(liked_vectors, gains),
    }
    found = {name: row for name, row in rows.items() if row is not None}
    stacked = np.stack(list(found.values())) if found else vectors[:0]
    return Tastes(tuple(found), stacked, tuple(newest), liked, liked_vectors)


def _once(history: Sequence[Entry]) -> list[Entry]:
    """The newest entry of each item, the newest first."""
    newest: dict[str, Entry] = {}
    for entry in reversed(history):
        newest.setdefault(entry.item_id, entry)
    return list(newest.values())


def _recent_taste(entries: Sequence[Entry], vectors: Vectors, recency: float) -> Vectors | None:
    places = np.arange(len(entries), dtype=np.float32)
    gains = np.array([entry.gain for entry in entries], dtype=np.float32)
    return _mean(vectors, gains * np.exp2(-places / recency))


def _mean(vectors: Vectors, weights: Vectors) -> Vectors | None:
    """The weighted mean as a unit vector; None where likes and dislikes cancel out."""
    mean: Vectors = weights @ vectors
    length = float(np.sqrt(mean @ mean))
    return mean / np.float32(length) if length > 1e-6 else None
