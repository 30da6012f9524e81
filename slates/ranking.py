"""
From features to a score each: a weighted sum, with weights that are learned from the stream.

The sum stays readable: a weight is what one standard deviation of a feature adds.  Before anything
was learned the weights are those of `START`, and an empty ranker is answered with them for ever.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from slates.config import SlateConfig
from slates.features import NAMES, Matrix
from slates.knowledge import Knowledge

START: Mapping[str, float] = {
    "together": 0.45,
    "onward": 0.05,
    "back": 0.1,
    "close": 0.1,
    "lasting": 0.3,
    "sitting": 0.15,
    "popular": 0.1,
    "surge": 0.0,
    "visited": 0.0,
    "similar": 0.2,
    "untried": 0.2,
    "leaning": 0.3,
    "fresh": 0.1,
    "times": 0.0,
    "due": 0.0,
    "lately": 0.0,
    "again": 0.0,
}
"""
The weights before the first lesson.

Those of the evidence are round numbers near what the first fifth of ml-100k teaches; those of text,
words and age are guesses that serve catalogues nobody has visited yet.
"""


def weigh(features: Matrix, weights: Mapping[str, float]) -> NDArray[np.float64]:
    """
    Score candidates.

    Args:
        features: (m, len(NAMES)) z-scores.
        weights: Of each feature.

    Returns:
        (m,), higher is better.
    """
    scores: NDArray[np.float64] = features @ np.array([weights[name] for name in NAMES])
    return scores


def slope(features: Matrix, scores: NDArray[np.float64], chosen: int) -> Mapping[str, float]:
    """
    How the weights should move to make what was chosen more likely.

    Args:
        features: (m, len(NAMES)) z-scores of what could have been chosen.
        scores: (m,) as the weights have it.
        chosen: Row of what was chosen.

    Source:
        The gradient of the log-likelihood of a softmax over all candidates: ListNet with one
        relevant item, Cao et al., ICML 2007.

    >>> z = np.zeros((2, len(NAMES)))
    >>> z[:, NAMES.index("close")] = 1.0, -1.0
    >>> slope(z, np.zeros(2), chosen=0)["close"]
    1.0
    """
    odds = np.exp(scores - scores.max())
    step = features[chosen] - (odds / odds.sum()) @ features
    return dict(zip(NAMES, step.round(6).tolist(), strict=True))


def weights_of(config: SlateConfig, knowledge: Knowledge) -> Mapping[str, float]:
    """The weights of a strategy: what it has learned so far, or what it says."""
    if config.ranker == "learned":
        return {**START, **knowledge.weights(config.school)}
    return {**dict.fromkeys(NAMES, 0.0), **config.ranker}
