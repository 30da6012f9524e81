"""
Is a slate worth a language model's time?  Most are not: the engine knows better, and costs nothing.

Pure and cheap: what it looks at was computed for the slate anyway.  Its answer is written on the
slate either way, so that nobody has to guess why there is no revision 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slates.building import Built
from slates.config import SlateConfig
from slates.knowledge import Knowledge
from streams.requests import SlateRequest

LOOKED_AT = 20
"""Best candidates whose scores are compared; what comes after is shown to nobody."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a model is asked, and why or why not."""

    asked: bool
    why: str
    """
    Why: `words`, `request`, `scenario`, `always`, `cold`, `new`, `uncertain`.

    Why not: `sure`, `empty`, or which budget is spent, such as `budget-user`.
    """

    def __str__(self) -> str:
        """
        What stands on the slate.

        >>> str(Verdict(True, "cold")), str(Verdict(False, "sure"))
        ('asked: cold', 'skipped: sure')
        """
        return f"{'asked' if self.asked else 'skipped'}: {self.why}"


def judge(
    request: SlateRequest,
    built: Built,
    knowledge: Knowledge,
    *,
    interactions: int,
    config: SlateConfig,
) -> Verdict | None:
    """
    Decide.

    Args:
        request: What was asked for.
        built: What the engine made of it.
        knowledge: For how many people know an item.
        interactions: How many of the user are known.
        config: The strategy.

    Returns:
        None where no model is wanted.
    """
    if refinement_of(request, config) == "none":
        return None
    if not built.items:
        return Verdict(False, "empty")
    causes = _causes(request, built, knowledge, interactions, config)
    why = next(causes, None)
    return Verdict(False, "sure") if why is None else Verdict(True, why)


def refinement_of(request: SlateRequest, config: SlateConfig) -> str:
    """
    What a model is asked for: what the strategy names, and `prompt` for words that it leaves alone.

    >>> refinement_of(SlateRequest(user_id="ann", words="something short"), SlateConfig())
    'prompt'
    """
    if request.words and config.refinement == "none":
        return "prompt"
    return config.refinement


def _causes(
    request: SlateRequest,
    built: Built,
    knowledge: Knowledge,
    interactions: int,
    config: SlateConfig,
) -> Iterator[str]:
    """What makes the slate worth it, what somebody asked for first."""
    if request.words:
        yield "words"
    if request.strategy == config.strategy:
        yield "request"
    if request.scenario in config.refine_scenarios:
        yield "scenario"
    if "always" in config.refine_when:
        yield "always"
    if "cold" in config.refine_when and interactions < config.refine_cold:
        yield "cold"
    if "new" in config.refine_when and _unknown(built, knowledge, config) >= config.refine_new:
        yield "new"
    if "uncertain" in config.refine_when:
        scores = built.shortlist.scores[built.shortlist.order[:LOOKED_AT]]
        if undecided(scores) >= config.refine_undecided:
            yield "uncertain"


def _unknown(built: Built, knowledge: Knowledge, config: SlateConfig) -> int:
    """Items few people know that are on the slate by merit, not to find out about them."""
    rows = built.shortlist.candidates.rows[list(built.by_merit)]
    return int((knowledge.crowd.people[rows] < config.supporters).sum())


def undecided(scores: NDArray[np.float64]) -> float:
    """
    Among which share of the best the engine wavers; 1 where all are alike to it.

    Args:
        scores: Of the best candidates; differences are logarithms of odds, as the ranker learns
            them.

    Source:
        The perplexity of the softmax, divided by the number of candidates.

    >>> undecided(np.zeros(20)), round(undecided(np.array([9.0, 0.0, 0.0, 0.0])), 2)
    (1.0, 0.25)
    """
    if len(scores) < 2:
        return 1.0
    logs = scores - scores.max()
    odds = np.exp(logs)
    shares = odds / odds.sum()
    entropy = float(np.log(odds.sum()) - shares @ logs)
    return round(math.exp(entropy) / len(scores), 9)
