"""What tokens cost: whole billionths of a currency, so that sums are exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from slates.model import Usage

BILLION = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """Of a million tokens, in billionths."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0

    def of(self, usage: Usage) -> int:
        """
        The cost, rounded up.

        >>> Price(prompt=BILLION, cached=BILLION // 2).of(Usage(100, 60, 10))
        70000
        """
        fresh = usage.prompt - usage.cached
        millionths = fresh * self.prompt + usage.cached * self.cached
        return -(-(millionths + usage.completion * self.completion) // 1_000_000)


def price(*, prompt: float, completion: float, cached: float | None = None) -> Price:
    """
    A price as a list of prices has it, for a million tokens.

    >>> price(prompt=0.15, completion=0.6)
    Price(prompt=150000000, cached=150000000, completion=600000000)
    """
    parts = (prompt, prompt if cached is None else cached, completion)
    return Price(*(round(part * BILLION) for part in parts))


@dataclass(frozen=True, slots=True)
class Prices:
    """By name of the model; one that is not in the list costs nothing, and the ledger says so."""

    by_model: Mapping[str, Price] = field(default_factory=dict)

    def of(self, model: str, usage: Usage) -> int:
        """The cost of a call."""
        return self.by_model.get(model, Price()).of(usage)

    def worst(self, usage: Usage) -> int:
        """The cost of a call whichever model answers it."""
        return max((each.of(usage) for each in self.by_model.values()), default=0)

    def knows(self, model: str) -> bool:
        """Is there a price?"""
        return model in self.by_model


FREE = Prices()
"""Where no model has a price."""
