"""
From candidates to a score each: a transparent weighted sum.

Every term is between about -1 and 1, so a weight reads as "how much a full measure of it counts".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from slates.candidates import Candidate, age_days
from slates.config import DAY, SlateConfig
from slates.knowledge import Knowledge
from slates.leaning import derive_leaning, lean
from slates.tastes import Tastes, Vectors
from streams.trends import popularity_at


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
    half_life = config.popularity_half_life_days * DAY
    amounts = np.log1p(
        [popularity_at(knowledge.trend(c.item_id), now, half_life=half_life) for c in candidates]
    )
    most = float(amounts.max(initial=0.0))
    return amounts / most if most > 0 else amounts


def _freshness(
    candidates: Sequence[Candidate], knowledge: Knowledge, now: float, config: SlateConfig
) -> NDArray[np.float64]:
    ages = [age_days(knowledge, c.item_id, now) for c in candidates]
    return np.array([0.0 if a is None else 2.0 ** (-a / config.fresh_days) for a in ages])
