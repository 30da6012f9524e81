"""
How a server wants to be asked: not all that speak the API take all of it.

The strictest form comes first.  What a server rejects is left out, one thing at a time, and what it
took in the end is how it is asked from then on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from slates.model import Question

Form: TypeAlias = Literal["schema", "json", "text"]
"""Strict JSON schema, any JSON, or whatever comes."""

COOLEST, WARMEST = 0.1, 0.3
"""Temperatures.  At 0 small models fall into repeats; above, orders differ from call to call."""

_NEXT: Mapping[Form, Form] = {"schema": "json", "json": "text"}
_TOO_LONG = re.compile(
    r"context.{0,3}(length|size|window)|maximum context|too long|too many (input )?tokens"
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is sent to a model."""

    form: Form = "schema"
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What the longest answer is called; models of OpenAI that reason know the second only."""
    temperature: bool = True
    """Models that reason reject one."""


def form_of(question: Question, dialect: Dialect) -> Form:
    """In which form a question is asked; one without a schema is asked in plain text."""
    return "text" if question.schema is None else dialect.form


def parameters(
    question: Question, dialect: Dialect, *, temperature: float | None = None
) -> dict[str, Any]:
    """
    The body of a request, without the model's name.

    Args:
        question: What.
        dialect: How.
        temperature: Instead of the question's; both are kept within `COOLEST` and `WARMEST`.
    """
    body: dict[str, Any] = {
        "messages": [{"role": m.role, "content": m.content} for m in question.messages],
        dialect.limit: question.max_tokens,
    }
    if dialect.temperature:
        wanted = question.temperature if temperature is None else temperature
        body["temperature"] = min(max(wanted, COOLEST), WARMEST)
    form = form_of(question, dialect)
    if form == "schema":
        body["response_format"] = {"type": "json_schema", "json_schema": _named(question)}
    elif form == "json":
        body["response_format"] = {"type": "json_object"}
    return body


def _named(question: Question) -> dict[str, Any]:
    """The API wants a name of letters, digits and dashes, 64 at most."""
    name = re.sub(r"[^A-Za-z0-9_-]", "-", question.prompt)[:64]
    return {"name": name, "strict": True, "schema": question.schema}


def too_long(complaint: str) -> bool:
    """
    Does a server say that the prompt is longer than the model can read?

    >>> too_long("This model's maximum context length is 4096 tokens")
    True
    """
    return _TOO_LONG.search(complaint.lower()) is not None


def simpler(question: Question, dialect: Dialect, *, complaint: str) -> Dialect | None:
    """
    How to ask a server that has rejected a question; None where there is no other way.

    A complaint that names nothing is taken for one about the form: that is what most servers lack.

    Args:
        question: What was asked.
        dialect: How it was.
        complaint: What the server said, in full.

    >>> question = Question("rerank", "rerank/1", (), 9, schema={"type": "object"})
    >>> simpler(question, Dialect(), complaint="unknown field: response_format").form
    'json'
    """
    said = complaint.lower()
    if too_long(said):
        return None
    if "max_tokens" in said and dialect.limit == "max_tokens":
        return replace(dialect, limit="max_completion_tokens")
    if "temperature" in said and dialect.temperature:
        return replace(dialect, temperature=False)
    following = _NEXT.get(form_of(question, dialect))
    return None if following is None else replace(dialect, form=following)
