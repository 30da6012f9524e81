"""Who is told what a model cost and what was saved; a ledger keeps it, metrics count it."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

from slates.model import Question, Usage

Cause: TypeAlias = Literal["cache-exact", "cache-semantic", "batching", "summary"]
"""Why tokens were not spent."""
Looked: TypeAlias = Literal["exact", "semantic", "miss", "different", "passed"]
"""What came of a look into the cache: `different` is near enough, and means something else;
`passed` is a question that is not kept."""


class Books(Protocol):
    """Told once for each thing that happens."""

    def called(
        self, question: Question, *, model: str, usage: Usage, outcome: str, seconds: float
    ) -> None:
        """
        A call is over.

        Args:
            question: What was asked.
            model: Who answered; empty where nobody did.
            usage: What it took.
            outcome: `answered`, `cancelled`, or the reason why not; `failed` is a bug.
            seconds: How long it took.
        """

    def saved(self, strategy: str, *, cause: Cause, tokens: int) -> None:
        """Tokens were not spent."""

    def looked_up(self, outcome: Looked) -> None:
        """The cache was asked."""


class _NoBooks:
    """Keeps nothing."""

    def called(
        self, question: Question, *, model: str, usage: Usage, outcome: str, seconds: float
    ) -> None:
        """Do nothing."""

    def saved(self, strategy: str, *, cause: Cause, tokens: int) -> None:
        """Do nothing."""

    def looked_up(self, outcome: Looked) -> None:
        """Do nothing."""


NO_BOOKS: Books = _NoBooks()
"""Where nobody wants to know."""
