"""What a model server does with a request: answer, in many ways, or fail, in more."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from slates.model import Message
from slates.testing.sensible import sensible

LETTERS_PER_TOKEN = 4
"""For the usage that the server tells; about right for English."""
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as it came."""

    body: Mapping[str, Any]
    key: str
    """What the client has shown as its key."""

    @property
    def model(self) -> str:
        """The name that was asked for."""
        return str(self.body.get("model", ""))

    @property
    def messages(self) -> Sequence[Message]:
        """The prompt."""
        return [Message(one["role"], one["content"]) for one in self.body["messages"]]

    @property
    def form(self) -> str:
        """`schema`, `json` or `text`."""
        kind = self.body.get("response_format", {}).get("type", "text")
        return {"json_schema": "schema", "json_object": "json"}.get(kind, "text")

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """The JSON schema that was sent along; None without one."""
        form: Mapping[str, Any] = self.body.get("response_format", {})
        found: Mapping[str, Any] | None = form.get("json_schema", {}).get("schema")
        return found


@dataclass(frozen=True, slots=True)
class Reply:
    """Bytes to send, and how."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: _JSON)
    wait: float = 0.0
    """Seconds before the first byte; infinite hangs."""
    drip: float = 0.0
    """Seconds before each further byte; 0 sends all at once."""
    cut: int | None = None
    """Bytes after which the connection breaks, in the middle of what was announced."""


Step: TypeAlias = Callable[[Asked], Reply]
"""What is done with one request."""
Text: TypeAlias = str | Callable[[Asked], str]
"""What a model says: always the same, or what follows from the prompt."""


class Script:
    """
    Steps for the requests that come, one each, and one for all that come after.

    >>> script = Script(failing(500), then=say("[1]"))
    >>> asked = Asked({"messages": []}, "")
    >>> [script(asked).status for _ in range(3)]
    [500, 200, 200]
    """

    def __init__(self, *steps: Step, then: Step | None = None) -> None:
        self._steps = list(steps)
        self._then = then or say(answering)

    def __call__(self, asked: Asked) -> Reply:
        """The reply to the next request."""
        step = self._steps.pop(0) if self._steps else self._then
        return step(asked)


def answering(asked: Asked) -> str:
    """A sensible answer, out of what the prompt holds; the same for the same prompt."""
    return sensible(asked.messages, asked.schema)


def say(text: Text, *, finish: str = "stop", usage: Mapping[str, Any] | None = None) -> Step:
    """
    Answer as a model does.

    Args:
        text: What it says.
        finish: Why it stops.
        usage: Instead of a count of letters; empty for a server that does not count.
    """

    def step(asked: Asked) -> Reply:
        said = text if isinstance(text, str) else text(asked)
        prompt = "".join(message.content for message in asked.messages)
        counted = {
            "prompt_tokens": len(prompt) // LETTERS_PER_TOKEN,
            "completion_tokens": len(said) // LETTERS_PER_TOKEN,
        }
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": said},
            "finish_reason": finish,
        }
        completion = {
            "id": "chatcmpl-test",
            "object": "chat.completion",
            "created": 0,
            "model": asked.model,
            "choices": [choice],
            "usage": counted if usage is None else usage or None,
        }
        return Reply(json.dumps(completion).encode())

    return step


def failing(status: int, *, code: str = "", message: str = "", **headers: str) -> Step:
    """Answer with an HTTP error; `retry_after` and the like become headers."""
    error = {"error": {"message": message or f"status {status}", "code": code or None}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Reply(json.dumps(error).encode(), status, {**_JSON, **named})


def after(seconds: float, step: Step) -> Step:
    """Take some time first."""
    return lambda asked: replace(step(asked), wait=seconds)


def hang(_: Asked) -> Reply:
    """Never answer."""
    return Reply(wait=math.inf)


def drip(seconds: float) -> Step:
    """Answer sensibly, one byte at a time."""
    return lambda asked: replace(say(answering)(asked), drip=seconds)


def cut(asked: Asked) -> Reply:
    """Break the connection in the middle of a sensible answer."""
    reply = say(answering)(asked)
    return replace(reply, cut=len(reply.body) // 2)


def no_completion(_: Asked) -> Reply:
    """Answer with half a JSON object."""
    return Reply(b'{"choices": [{"message": ')


def not_utf8(asked: Asked) -> Reply:
    """Answer with bytes that are no text."""
    return Reply(say("caf?")(asked).body.replace(b"?", b"\xe9"))


def endless(size: int) -> Step:
    """Answer with very many letters."""
    return say("a" * size)


def wrong_json(asked: Asked) -> str:
    """A sensible answer, broken off."""
    text = answering(asked)
    return text[: len(text) // 2]


def prose(asked: Asked) -> str:
    """A sensible answer, wrapped into politeness."""
    return f"Sure! Here is what I would suggest:\n```json\n{answering(asked)}\n```\nEnjoy!"


def repeating(asked: Asked) -> str:
    """A sensible answer, that says the first of each list thrice."""
    return _with_lists(asked, lambda some: [*some[:1], *some[:1], *some])


def inventing(asked: Asked) -> str:
    """A sensible answer, with numbers in its lists that stand for nothing."""
    return _with_lists(asked, lambda some: [999, *some[:1], -1, *some[1:]])


def _with_lists(asked: Asked, change: Callable[[list[Any]], list[Any]]) -> str:
    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: changed(one) for name, one in value.items()}
        plain = isinstance(value, list) and all(isinstance(one, int) for one in value)
        return change(value) if plain else value

    return json.dumps(changed(json.loads(answering(asked))))
