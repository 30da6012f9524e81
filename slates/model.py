"""
What is asked of a language model and what comes back, whichever model it is.

Strategies speak of these only; who answers (a server, a cassette, a script of a test) is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

Who: TypeAlias = Literal["system", "user", "assistant"]
"""Whose words a message is."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """One part of a prompt; parts that never change come first, so that servers can cache them."""

    role: Who
    content: str


class Question(msgspec.Struct, frozen=True):
    """A prompt, and the form in which the answer is wanted."""

    strategy: str
    """Who asks, for the ledger: `rerank`, `explain`, …"""
    prompt: str
    """The prompt's file and version, such as `rerank/1`."""
    messages: tuple[Message, ...]
    max_tokens: int
    """The longest answer that is paid for."""
    schema: Mapping[str, Any] | None = None
    """JSON schema of the answer; None for plain text."""
    temperature: float = 0.2
    size: Literal["small", "large"] = "small"
    """Which of the models; a small one first, a large one where it was in doubt."""


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens, as the server counted them."""

    prompt: int = 0
    cached: int = 0
    """Of those of the prompt, what the server had in its cache."""
    completion: int = 0

    @property
    def total(self) -> int:
        """What counts against a budget."""
        return self.prompt + self.completion

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            prompt=self.prompt + other.prompt,
            cached=self.cached + other.cached,
            completion=self.completion + other.completion,
        )


class Answer(msgspec.Struct, frozen=True):
    """What a model said."""

    text: str
    usage: Usage
    model: str
    """The name of the model that answered."""
    seconds: float
    form: Literal["schema", "json", "text"] = "text"
    """How strictly the server was asked to keep to the schema."""
    complete: bool = True
    """False where it was cut off at `max_tokens`."""


class Model(Protocol):
    """Somebody who answers questions."""

    async def ask(self, question: Question, *, within: float) -> Answer:
        """
        Ask.

        Args:
            question: What.
            within: Seconds after which an answer is of no use.

        Raises:
            ModelUnavailable: There is none, for the reason that it names.
        """
