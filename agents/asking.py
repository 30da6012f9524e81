"""How a model is asked about items and users in the background, where nobody waits."""

from __future__ import annotations

from dataclasses import dataclass

from slates.model import Model
from slates.prompting import Count, Prompt

PAUSE = 60.0
"""Seconds until a model that gave no answer is asked again."""


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
