"""
Answers that were given before, to the same question or to one that means the same.

The same is a prompt of the same version and size, word for word, about the same catalogue under
the same constraints, in the same language.  Means the same is only said of what a user wrote: all
else of the prompt must be the same word for word, the two texts near each other as vectors, and
`slates.meaning` must find no difference.  An answer to a prompt that holds what a user did or
said is for nobody else.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from slates.askers import Asker, told
from slates.books import NO_BOOKS, Books, Looked
from slates.meaning import THRESHOLD, Meaning, difference, meaning
from slates.model import Answer, Model, Question, Usage
from slates.redaction.finding import find_personal

Encode: TypeAlias = Callable[[Sequence[str]], NDArray[np.floating]]
"""Texts to unit rows."""


@dataclass(slots=True)
class _Entry:
    answer: Answer
    until: float
    group: str
    owner: str
    vector: NDArray[np.float32] | None
    meaning: Meaning | None


@dataclass(frozen=True, slots=True)
class Probe:
    """A question as the cache looks it up."""

    key: str
    """Of exactly this one."""
    group: str
    """Of all that differ in the user's words only; empty where there are none."""
    words: str
    owner: str
    """Who asks; their answers are dropped when they are forgotten."""


class Cache:
    """
    A bounded memory of answers; the least used goes first.

    Args:
        most: Answers.
        max_age: Seconds.
        threshold: See `slates.meaning.THRESHOLD`.
        encode: Texts to vectors; None is the exact cache alone.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        *,
        most: int,
        max_age: float,
        threshold: float = THRESHOLD,
        encode: Encode | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._max_age = max_age
        self._threshold = threshold
        self._encode = encode
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._groups: dict[str, set[str]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def exact(self, probe: Probe) -> Answer | None:
        """The answer to this very question."""
        entry = self._entries.get(probe.key)
        if entry is None or entry.until <= self._clock():
            return None
        self._entries.move_to_end(probe.key)
        return entry.answer

    async def vector(self, probe: Probe) -> NDArray[np.float32] | None:
        """Of the user's words; None where there are none or nobody encodes them."""
        if self._encode is None or not probe.group:
            return None
        rows = await asyncio.to_thread(self._encode, [probe.words])
        return np.asarray(rows[0], dtype=np.float32)

    def semantic(self, probe: Probe, vector: NDArray[np.float32]) -> tuple[Answer | None, Looked]:
        """The answer to the nearest question that means the same."""
        now = self._clock()
        said = meaning(probe.words)
        outcome: Looked = "miss"
        near = []
        for key in self._groups.get(probe.group, ()):
            entry = self._entries[key]
            if entry.vector is None or entry.meaning is None or entry.until <= now:
                continue
            likeness = float(entry.vector @ vector)
            if likeness >= self._threshold:
                near.append((likeness, key))
        for _, key in sorted(near, reverse=True):
            entry = self._entries[key]
            if entry.meaning is not None and difference(entry.meaning, said) is None:
                self._entries.move_to_end(key)
                return entry.answer, "semantic"
            outcome = "different"
        return None, outcome

    def keep(self, probe: Probe, answer: Answer, vector: NDArray[np.float32] | None) -> None:
        """Remember an answer; the oldest and the least used make room."""
        now = self._clock()
        self._drop(probe.key)
        self._entries[probe.key] = _Entry(
            answer=answer,
            until=now + self._max_age,
            group=probe.group,
            owner=probe.owner,
            vector=vector,
            meaning=meaning(probe.words) if probe.group else None,
        )
        if probe.group:
            self._groups.setdefault(probe.group, set()).add(probe.key)
        while len(self._entries) > self._most:
            self._drop(next(iter(self._entries)))

    def forget(self, user_id: str) -> int:
        """Drop the answers to a user's questions; returns how many there were."""
        theirs = [key for key, entry in self._entries.items() if entry.owner == user_id]
        for key in theirs:
            self._drop(key)
        return len(theirs)

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None and entry.group:
            self._groups[entry.group].discard(key)
            if not self._groups[entry.group]:
                del self._groups[entry.group]


class Cached:
    """A `slates.model.Model` that asks only what it has not been answered yet."""

    def __init__(
        self, model: Model, cache: Cache, asker: Asker, *, books: Books = NO_BOOKS
    ) -> None:
        self._model = model
        self._cache = cache
        self._asker = asker
        self._books = books

    async def ask(self, question: Question, *, within: float) -> Answer:
        """The answer that is there, else a new one."""
        began = time.monotonic()
        asker = await asyncio.to_thread(_checked, self._asker)
        if asker.personal and not asker.user_id:
            self._books.looked_up("passed")
            return await self._model.ask(question, within=within)
        probe = probe_of(question, asker)
        if (found := self._cache.exact(probe)) is not None:
            return self._again(question, found, "exact", began)
        vector = await self._cache.vector(probe)
        outcome: Looked = "miss"
        if vector is not None:
            found, outcome = self._cache.semantic(probe, vector)
            if found is not None:
                return self._again(question, found, "semantic", began)
        left = within - (time.monotonic() - began)
        answer = await self._model.ask(question, within=left)
        self._books.looked_up(outcome)
        if is_sound(question, answer):
            self._cache.keep(probe, answer, vector)
        return answer

    def _again(self, question: Question, found: Answer, cause: Looked, began: float) -> Answer:
        self._books.looked_up(cause)
        self._books.saved(
            question.strategy,
            cause="cache-exact" if cause == "exact" else "cache-semantic",
            tokens=found.usage.total,
        )
        return replace(found, usage=Usage(), seconds=time.monotonic() - began)


def probe_of(question: Question, asker: Asker) -> Probe:
    """Where a question's answer would stand."""
    scope = [
        question.prompt,
        question.strategy,
        question.size,
        question.max_tokens,
        question.temperature,
        msgspec.json.encode(question.schema, order="sorted").decode(),
        asker.catalogue,
        asker.constraints,
        asker.language,
        asker.user_id if asker.personal else "",
    ]
    contents = [message.content for message in question.messages]
    words = " ".join(asker.said)
    bare = [_without(content, asker.said) for content in contents]
    roles = [message.role for message in question.messages]
    group = _digest([*scope, roles, bare]) if bare != contents else ""
    key = _digest([*scope, roles, contents])
    return Probe(key=key, group=group, words=words, owner=asker.user_id)


def _checked(asker: Asker) -> Asker:
    """Words that hold personal data are personal, even of a user who has no history."""
    if asker.personal or not any(map(find_personal, asker.said)):
        return asker
    return dataclasses.replace(asker, personal=True)


def is_sound(question: Question, answer: Answer) -> bool:
    """May it be given again?  Not where it was cut off, or has not the form asked for."""
    if not answer.text.strip() or not answer.complete:
        return False
    if question.schema is None:
        return True
    try:
        json.loads(answer.text)
    except ValueError:
        return False
    return True


def _without(content: str, said: Sequence[str]) -> str:
    for text in said:
        content = content.replace(told(text), "\0").replace(text, "\0")
    return content


def _digest(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()
