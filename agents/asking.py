"""How a model is asked about items and users in the background, where nobody waits."""

from __future__ import annotations

from dataclasses import dataclass

from agents.settings import Settings
from slates.model import Model
from slates.prompting import Count, Prompt
from slates.tokens import estimate

PAUSE = 60.0
"""Seconds until a model that gave no answer is asked again."""
MOST_TOKENS = 4_000
"""Longest question about items or a user; small local models read 8,000."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who is asked, and what with."""

    model: Model
    prompt: Prompt
    within: float
    """Seconds for the answer."""
    most: int
    """Tokens that the model can read."""
    count: Count
    """Tokens of a text."""


def asking_with(prompt: Prompt, settings: Settings, model: Model | None) -> Asking | None:
    """How a model is asked with a prompt; None where there is none."""
    if model is None:
        return None
    within = settings.enhance.within.total_seconds()
    return Asking(model, prompt, within=within, most=MOST_TOKENS, count=estimate)
