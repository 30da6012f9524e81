"""
Answers of a model, recorded and played again: runs that are the same every time, without a server.

A cassette is a file of JSON Lines.  Each line is an answer or a failure, under a key made of the
model, the prompt's version and the question as it matters: spaces and the order of keys do not.
Where a key has several lines, the last one counts.  No key of a server comes near it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from slates.model import Answer, Model, Question
from streams.errors import ModelUnavailable, SetupError

log = logging.getLogger("headwater")

Mode: TypeAlias = Literal["record", "replay", "replay-or-record"]


class Taken(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line: what came of a question."""

    key: str
    model: str
    prompt: str
    answer: Answer | None = None
    unavailable: str = ""
    """The reason, where there was no answer."""


def key_of(question: Question, *, model: str) -> str:
    """
    What tells one question from another, as 32 hexadecimal digits.

    >>> from slates.model import Message
    >>> asked = [Question("s", "rerank/1", (Message("user", w),), 9) for w in ("a  b", " a b")]
    >>> key_of(asked[0], model="small") == key_of(asked[1], model="small")
    True
    """
    plain = {
        "model": model,
        "prompt": question.prompt,
        "messages": [[m.role, " ".join(m.content.split())] for m in question.messages],
        "schema": question.schema,
        "max_tokens": question.max_tokens,
        "temperature": question.temperature,
    }
    text = json.dumps(plain, sort_keys=True, ensure_ascii=True, default=dict)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Cassette:
    """
    A `slates.model.Model` that remembers another, or stands in for it.

    Args:
        path: The file; it is made when something is recorded.
        mode: `record` asks the model always, and keeps what it says and where it failed;
            `replay` never asks; `replay-or-record` asks where there is no answer yet.
        small: Name of the model that small questions go to; part of the key.
        large: Likewise.
        model: Who is asked; None where nobody is.

    Raises:
        SetupError: Nobody is there to be recorded, or there is nothing to play.
    """

    def __init__(
        self, path: Path, *, mode: Mode, small: str, large: str, model: Model | None = None
    ) -> None:
        if mode != "replay" and model is None:
            raise SetupError(f"cassette {path}: mode {mode} needs a model server to record")
        if mode == "replay" and not path.exists():
            raise SetupError(f"cassette {path}: there is no such file to replay; record one first")
        self._path = path
        self._mode = mode
        self._names = {"small": small, "large": large}
        self._model = model
        self._taken = {} if mode == "record" or not path.exists() else _load(path)

    def __len__(self) -> int:
        return len(self._taken)

    async def ask(self, question: Question, *, within: float) -> Answer:
        """
        Answer from the cassette, from the model, or first this and then that, as the mode says.

        Raises:
            ModelUnavailable: As recorded, as the model says, or because there is no recording.
        """
        name = self._names[question.size]
        key = key_of(question, model=name)
        if (taken := self._taken.get(key)) is not None:
            return _played(taken)
        if self._mode == "replay" or self._model is None:
            text = f"cassette {self._path}: no answer of {name} to {question.prompt}, key {key}"
            raise ModelUnavailable(f"{text}; record it first", reason="not-recorded")
        try:
            answer = await self._model.ask(question, within=within)
        except ModelUnavailable as exc:
            if self._mode == "record":  # else it is to be asked again next time
                self._keep(Taken(key, name, question.prompt, unavailable=exc.reason))
            raise
        self._keep(Taken(key, name, question.prompt, answer))
        return answer

    def _keep(self, taken: Taken) -> None:
        if self._mode != "record":
            self._taken[taken.key] = taken
        _append(self._path, msgspec.json.encode(taken))


def _played(taken: Taken) -> Answer:
    if taken.answer is None:
        text = f"{taken.model}: {taken.unavailable}, as recorded for {taken.prompt}"
        raise ModelUnavailable(text, reason=taken.unavailable)
    return taken.answer


def _append(path: Path, line: bytes) -> None:
    """Add a line; several processes may, and one that was broken off spoils no other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = file.seek(0, os.SEEK_END)
        if end:
            file.seek(end - 1)
            line = line if file.read(1) == b"\n" else b"\n" + line
        file.write(line + b"\n")


def _load(path: Path) -> dict[str, Taken]:
    """What can be read; damaged lines are named, and copied to a file beside it."""
    taken, damaged = {}, []
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        lines = file.readlines()
    for number, line in enumerate(lines, start=1):
        try:
            one = msgspec.json.decode(line, type=Taken)
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            damaged.append(line)
            log.warning("cassette %s, line %d: %s; it is left out", path, number, exc)
        else:
            taken[one.key] = one
    if damaged:
        aside = path.with_name(f"{path.name}.damaged")
        aside.write_bytes(b"".join(damaged))
        log.warning("cassette %s: %d damaged lines are in %s", path, len(damaged), aside)
    return taken
