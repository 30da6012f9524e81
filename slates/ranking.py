"""
From candidates to a score each: a transparent weighted sum.

Every term is between about -1 and 1, so a weight reads as "how much a full measure of it counts".
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from slates.candidates import Candidate
from slates.config import DAY, SlateConfig
from slates.knowledge import Knowledge
from slates.leaning import derive_leaning, lean
from slates.tastes import Tastes, Vectors

_MOST_HALVINGS = 60.0
"""Keeps 2 to the power of a standing finite where a replay's clock runs far behind its trends."""


def score(
    candidates: Sequence[Candidate],
    vectors: Vectors,
    tastes: Tastes,
    knowledge: Knowledge,
    *,
    now: float,
    config: SlateConfig,
) -> NDArray[np.float64]:
    """
    Score candidates.

    Args:
        candidates: What may be shown.
        vectors: (len(candidates), dim) their unit vectors.
        tastes: The user's directions; none for a stranger.
        knowledge: For popularity and age.
        now: Event time, seconds since 1970.
        config: The weights.

    Returns:
        (len(candidates),), higher is better.
    """
    total = np.zeros(len(candidates))
    if tastes.names:
        total += config.weight_similarity * _similarity(vectors, tastes)
    if tastes.known:
        leaning = derive_leaning(tastes, knowledge)
        ids = [candidate.item_id for candidate in candidates]
        total += config.weight_attributes * np.array(lean(leaning, ids, knowledge))
    total += config.weight_popularity * _popularity(candidates, knowledge, now, config)
    total += config.weight_freshness * _freshness(candidates, knowledge, now, config)
    return total


def _similarity(vectors: Vectors, tastes: Tastes) -> NDArray[np.float64]:
    """
    Half the likeness to the recent taste, half to the best of all tastes.

    The best alone would let one old favourite fill a slate; the mean alone blurs two interests.
    """
    likeness = vectors @ tastes.vectors.T
    blended: NDArray[np.float64] = 0.5 * likeness[:, 0] + 0.5 * likeness.max(axis=1)
    return blended


def _popularity(
    candidates: Sequence[Candidate], knowledge: Knowledge, now: float, config: SlateConfig
) -> NDArray[np.float64]:
    """Decayed popularity, by logarithm, as a share of the most popular candidate's."""
    half_lives = now / (config.popularity_half_life_days * DAY)
    standings = np.array([knowledge.standing(c.item_id) for c in candidates])
    amounts = np.log1p(np.exp2(np.minimum(standings - half_lives, _MOST_HALVINGS)))
    most = float(amounts.max(initial=0.0))
    return amounts / most if most > 0 else amounts


def _freshness(
    candidates: Sequence[Candidate], knowledge: Knowledge, now: float, config: SlateConfig
) -> NDArray[np.float64]:
    """1 when just published, halved every `fresh_days`; 0 when nobody knows, or still to come."""
    published = [_published(knowledge, c.item_id) for c in candidates]
    days = (now - np.array(published)) / DAY
    fresh = np.exp2(-np.maximum(days, 0.0) / config.fresh_days)
    return np.where(days >= 0, fresh, 0.0)


def _published(knowledge: Knowledge, item_id: str) -> float:
    facts = knowledge.facts(item_id)
    return math.nan if facts is None or facts.published_at is None else facts.published_at
