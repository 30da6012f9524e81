"""One question to one model of a server: what comes back, or why nothing does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, get_args

from slates.dialect import Dialect
from slates.model import Question, Usage
from streams.errors import ModelUnavailable

Reason: TypeAlias = Literal[
    "timeout",
    "unreachable",
    "rate-limited",
    "server-error",
    "malformed",
    "reply-too-long",
    "wrong-key",
    "forbidden",
    "no-such-model",
    "rejected",
    "prompt-too-long",
    "empty",
    "filtered",
    "cut-off",
]
"""Why there is no answer from a server; fit for a metric's label."""
REASONS: tuple[Reason, ...] = get_args(Reason)


class CallFailed(ModelUnavailable):
    """A question to one model that came to nothing."""

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        passing: bool = False,
        pause: float | None = None,
        complaint: str = "",
        tokens: int = 0,
    ) -> None:
        super().__init__(message, reason=reason, tokens=tokens)
        self.passing = passing
        """May the same question succeed in a moment?"""
        self.pause = pause
        """Seconds for which the server asks to be left alone."""
        self.complaint = complaint
        """What the server said.  It may quote the prompt: for decisions, never to be shown."""


@dataclass(frozen=True, slots=True)
class Said:
    """A reply that could be read."""

    text: str
    usage: Usage | None
    """None where the server did not count."""
    complete: bool
    """False where it was cut off at the longest answer."""


class Server(Protocol):
    """Who has models; whoever opens it closes it."""

    async def ask(
        self,
        name: str,
        question: Question,
        *,
        dialect: Dialect,
        temperature: float | None = None,
    ) -> Said:
        """
        Ask a model once.

        Args:
            name: The model's, as the server knows it.
            question: What.
            dialect: How.
            temperature: Instead of the question's.

        Raises:
            CallFailed: There is no answer, for the reason that it names.
        """

    async def aclose(self) -> None:
        """Close its connections; closing twice does nothing."""
