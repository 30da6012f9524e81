"""
Put placeholders where personal data stood, before a prompt leaves the process.

The same value has the same placeholder throughout a prompt, `[PERSON_1]`, so that sentences keep
their sense.  Nobody puts the values back: what a model makes of a placeholder stays one.
"""

from __future__ import annotations

import asyncio
import re
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from msgspec.structs import replace

from slates.askers import NOBODY, Asker, told
from slates.model import Answer, Model, Question
from slates.redaction.finding import find_by_line, find_personal, places_of, within
from slates.redaction.spans import Kind, Span, free_of, merge

OnRedacted = Callable[[Mapping[str, int]], None]
"""Told how many pieces of which kind were replaced."""

WITHHELD = "[USER_TEXT]"
"""Where a user's words stood that may not leave."""
_LEAST_ID = 6
"""Digits from which on a number can tell a user from others; below, it is any number."""


@dataclass(slots=True)
class Placeholders:
    """What stands for what, in one prompt."""

    _names: dict[tuple[str, str], str] = field(default_factory=dict)
    replaced: Counter[str] = field(default_factory=Counter)
    """How often, by kind."""

    def of(self, kind: Kind, value: str) -> str:
        """The placeholder of a value: always the same for the same one."""
        self.replaced[kind] += 1
        key = (kind, " ".join(value.split()).casefold())
        if key not in self._names:
            number = 1 + sum(1 for known, _ in self._names if known == kind)
            self._names[key] = "[USER]" if kind == "USER" else f"[{kind}_{number}]"
        return self._names[key]


def redact(
    text: str,
    asker: Asker = NOBODY,
    *,
    placeholders: Placeholders | None = None,
    quoted: bool = False,
) -> str:
    """
    A text without personal data.

    >>> redact("I am Anna Svensson, +46 70 123 45 67. Anna Svensson reads anna@svensson.se")
    'I am [PERSON_1], [PHONE_1]. [PERSON_1] reads [EMAIL_1]'

    Args:
        text: What will leave.
        asker: Whose words and which texts of the catalogue are in it.
        placeholders: Of the prompt that it is a part of.
        quoted: Is it one of `slates.prompting`, where no text goes on in the next line?
    """
    known = placeholders or Placeholders()
    public, said = _forms(asker.public), _forms(asker.said)
    if quoted and not any(places_of(text, said)):
        found = find_by_line(text, public=public)
    else:
        found = find_personal(text, public=public, private=said)
    user = free_of(_ids(text, asker.user_id, public), found)
    pieces, end = [], 0
    for span in merge([*found, *user]):
        pieces += [text[end : span.start], known.of(span.kind, text[span.start : span.end])]
        end = span.end
    return "".join([*pieces, text[end:]])


def _forms(texts: Iterable[str]) -> set[str]:
    """Texts as they are, and as prompts quote them."""
    given = {text for text in texts if text}
    return given | {told(text).removesuffix("…") for text in given}


def _ids(text: str, user_id: str, public: Collection[str]) -> Iterator[Span]:
    """Where the user's id stands by itself, outside of the catalogue's texts."""
    if not user_id or (user_id.isdigit() and len(user_id) < _LEAST_ID):
        return
    pattern = rf"(?<![^\W_]){re.escape(user_id)}(?![^\W_])"
    spans = [Span(*match.span(), "USER") for match in re.finditer(pattern, text, re.IGNORECASE)]
    known = places_of(text, public) if spans else []
    yield from (span for span in spans if not within(span, known))


def _withhold(text: str, asker: Asker) -> str:
    """A text without what the user wrote, unless that is just a title: then it is no secret."""
    said = [Span(*place, "USER") for place in places_of(text, _forms(asker.said))]
    if not said:
        return text
    known = places_of(text, _forms(asker.public))
    pieces, end = [], 0
    for span in merge(span for span in said if not within(span, known)):
        pieces += [text[end : span.start], WITHHELD]
        end = span.end
    return "".join([*pieces, text[end:]])


def redact_question(
    question: Question, asker: Asker, *, user_text: bool
) -> tuple[Question, Counter[str]]:
    """
    A question that may leave, and how much was replaced by kind.

    Args:
        question: As a strategy made it.
        asker: For whom.
        user_text: May what the user wrote leave, redacted?
    """
    known = Placeholders()
    messages = []
    for message in question.messages:
        if message.content in static_texts():
            messages.append(message)
            continue
        content = message.content if user_text else _withhold(message.content, asker)
        left = redact(content, asker, placeholders=known, quoted=True)
        messages.append(replace(message, content=left))
    return replace(question, messages=tuple(messages)), known.replaced


@cache
def static_texts() -> frozenset[str]:
    """What prompts say to everybody, examples included: our own words, which hold nobody's data."""
    texts: set[str] = set()
    for file in files("slates").joinpath("prompts").iterdir():
        if file.name.endswith(".toml"):
            prompt = tomllib.loads(file.read_text("utf-8"))
            texts.add(prompt["system"])
            for example in prompt.get("examples", ()):
                texts.update((example["user"], example["assistant"]))
    return frozenset(texts)


class Redacted:
    """A `slates.model.Model` that sees no personal data."""

    def __init__(
        self,
        model: Model,
        asker: Asker,
        *,
        user_text: bool,
        on_redacted: OnRedacted = lambda _: None,
    ) -> None:
        self._model = model
        self._asker = asker
        self._user_text = user_text
        self._on_redacted = on_redacted

    async def ask(self, question: Question, *, within: float) -> Answer:
        """Ask what is left; a thread looks for what is personal: a long prompt takes a while."""
        began = time.monotonic()
        left, replaced = await asyncio.to_thread(
            redact_question, question, self._asker, user_text=self._user_text
        )
        self._on_redacted(replaced)
        return await self._model.ask(left, within=within - (time.monotonic() - began))
