"""What a contender may be told when it is made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """The same for all contenders; each takes what concerns it."""

    strategy: str | None = None
    """Which of its ways of building slates the engine takes; None for its own choice."""
    diversity: float | None = None
    """Share of diversity in the engine's slates; None for what its strategy says."""
    seed: int = 0
    events: int = 100_000
    """How long the stream is, for a half-life that is a share of it."""
    items: int = 0
    """How many items there are; 0 where nobody has counted them."""
