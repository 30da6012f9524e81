"""Leave a model alone whose replies are of no use: it answers, and costs tokens for nothing."""

from __future__ import annotations

from slates.breaker import Breaker
from slates.draft import Draft
from slates.model import Model
from slates.refining import Refined, Refinement
from streams.errors import ModelUnavailable

USELESS = frozenset({"unusable", "empty"})
"""Reasons that a reply gives; whether a model can be reached is watched by who asks it."""


class Heeding:
    """
    A `Refinement` that asks nobody for a while, after some useless replies in a row.

    Args:
        refinement: Who puts the question and reads the reply.
        replies: The breaker of all who ask the same models.
    """

    def __init__(self, refinement: Refinement, replies: Breaker) -> None:
        self._refinement = refinement
        self._replies = replies

    async def refine(self, draft: Draft, model: Model, *, within: float) -> Refined:
        """As the refinement does, or `ModelUnavailable` with the reason `breaker-open`."""
        with self._replies.watch(_counts):
            return await self._refinement.refine(draft, model, within=within)


def _counts(failure: ModelUnavailable) -> bool | None:
    """Of a model that did not reply nothing is known."""
    return True if failure.reason in USELESS else None
