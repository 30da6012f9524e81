"""
What is evaluated: something that ranks, then learns, one event at a time.

The engine and its peers all look like this, so whatever is measured is measured alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from streams.items import Item


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that somebody did."""

    user_id: str
    item_id: str
    at: float
    """Seconds since 1970."""
    value: float | None = None
    """Stars of a rating; None where it is no rating."""
    basket: str | None = None
    """What was bought together; None where nobody says."""


class Contender(Protocol):
    """Ranks items for a user, and learns from what users do."""

    name: str

    def announce(self, items: Sequence[Item]) -> None:
        """Tell the catalogue that is known before the stream starts; may be ignored."""

    def rank(self, user_id: str, *, now: float, n: int, repeats: bool = False) -> Sequence[str]:
        """
        Name the `n` best items for a user, best first.

        Args:
            user_id: Possibly never seen before.
            now: Seconds since 1970; nothing learned is later.
            n: How many; fewer only where there are no more.
            repeats: Whether items that the user has had are ranked, too.
        """

    def learn(self, observation: Observation) -> None:
        """Take in what happened; events come in order of time."""
