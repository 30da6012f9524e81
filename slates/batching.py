"""
Several users' questions in one call, where the answers can be told apart again.

Questions of the same prompt, differing in their last message only, that come within a few
hundredths of a second are put into one: what never changes is paid for once.  Each part has a
number, and the reply must give every part its number and an answer of its form.  A part without
one is asked again by itself.  What users wrote is never put together.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec.structs import replace

from slates.books import NO_BOOKS, Books
from slates.model import Answer, Message, Model, Question, Usage
from slates.tokens import estimate_question
from streams.errors import ModelUnavailable

LINGER = 0.03
"""Seconds that a question waits for others: little beside the seconds that an answer takes."""
MOST = 6
"""Questions in one call; more make models mix the parts up, and one slow reply holds all."""
OF_THE_QUESTION = frozenset({"rejected", "prompt-too-long", "cut-off", "empty", "filtered"})
"""Reasons of a failure that each question by itself may not meet."""
_INTRODUCTION = (
    "Here are {count} separate questions. Answer each by itself, as if it were the only one; "
    'nothing in one concerns another. Reply with JSON only: {{"parts": [{{"part": 1, "answer": …}}'
    ", …]}}, one entry for each part, where answer is what you would reply to that part alone."
)


@dataclass(slots=True)
class _Waiting:
    question: Question
    within: float
    answer: asyncio.Future[Answer | None]


@dataclass(slots=True)
class _Group:
    waiting: list[_Waiting] = field(default_factory=list)
    full: asyncio.Event = field(default_factory=asyncio.Event)


class Batcher:
    """
    A `slates.model.Model` that puts questions together.

    Args:
        model: Who is asked.
        books: Told what was saved.
        most: Questions in one call; 1 never puts any together.
        linger: Seconds that the first one waits for others.
    """

    def __init__(
        self,
        model: Model,
        *,
        books: Books = NO_BOOKS,
        most: int = MOST,
        linger: float = LINGER,
    ) -> None:
        self._model = model
        self._books = books
        self._most = most
        self._linger = linger
        self._groups: dict[str, _Group] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, question: Question, *, within: float) -> Answer:
        """Ask with others, or alone where nobody else asks."""
        if self._most < 2 or within <= 2 * self._linger:
            return await self._model.ask(question, within=within)
        waiting = _Waiting(question, within, asyncio.get_running_loop().create_future())
        began = asyncio.get_running_loop().time()
        self._join(waiting)
        answer = await waiting.answer
        if answer is not None:
            return answer  # else the parts of the reply could not be told apart
        left = within - (asyncio.get_running_loop().time() - began)
        return await self._model.ask(question, within=left)

    def _join(self, waiting: _Waiting) -> None:
        key = likeness(waiting.question)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group()
            task = asyncio.create_task(self._collect(key, group))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        group.waiting.append(waiting)
        if len(group.waiting) >= self._most:
            group.full.set()
            del self._groups[key]

    async def _collect(self, key: str, group: _Group) -> None:
        try:
            async with asyncio.timeout(self._linger):
                await group.full.wait()
        except TimeoutError:
            if self._groups.get(key) is group:
                del self._groups[key]
        waiting = [each for each in group.waiting if not each.answer.done()]
        answers: Sequence[Answer | ModelUnavailable | None] = [None] * len(waiting)
        try:
            answers = await self._together(waiting)
        except ModelUnavailable as error:
            if error.reason not in OF_THE_QUESTION:
                answers = [_share_of(error, len(waiting)) for _ in waiting]
        finally:  # whatever happens, nobody may wait for ever
            for each, answer in zip(waiting, answers, strict=True):
                _give(each.answer, answer)

    async def _together(self, waiting: Sequence[_Waiting]) -> Sequence[Answer | None]:
        """An answer for each; None where it must be asked by itself."""
        questions = [each.question for each in waiting]
        alone = sum(map(estimate_question, questions))
        if len(questions) < 2 or estimate_question(joined := join(questions)) > alone:
            return [None] * len(questions)
        within = min(each.within for each in waiting) - self._linger
        reply = await self._model.ask(joined, within=within)
        answers = split(reply, questions)
        answered = sum(1 for answer in answers if answer is not None)
        saved = sum(
            estimate_question(question)
            for question, answer in zip(questions, answers, strict=True)
            if answer is not None
        )
        if answered == len(questions):
            saved -= estimate_question(joined)
            self._books.saved(joined.strategy, cause="batching", tokens=max(0, saved))
        return answers


def _give(future: asyncio.Future[Answer | None], answer: Answer | ModelUnavailable | None) -> None:
    if future.done():
        return
    if isinstance(answer, ModelUnavailable):
        future.set_exception(answer)
    else:
        future.set_result(answer)


def _share_of(error: ModelUnavailable, count: int) -> ModelUnavailable:
    """The failure of all as one's own; what it took is rounded up."""
    return ModelUnavailable(str(error), reason=error.reason, tokens=-(-error.tokens // count))


class Batched:
    """Puts a question to the batcher, or straight to the model where users' words are in it."""

    def __init__(self, model: Model, batcher: Batcher, *, free_text: bool) -> None:
        self._asked: Model = model if free_text else batcher

    async def ask(self, question: Question, *, within: float) -> Answer:
        """Ask whoever may see it."""
        return await self._asked.ask(question, within=within)


def likeness(question: Question) -> str:
    """What questions must have in common to be put together: all but their last message."""
    plain = replace(question, messages=question.messages[:-1])
    return msgspec.json.encode(plain, order="sorted").decode()


def join(questions: Sequence[Question]) -> Question:
    """One question of several that are alike; its longest answer is as long as theirs together."""
    first = questions[0]
    parts = [_INTRODUCTION.format(count=len(questions))]
    parts += [f"### Part {n}\n{q.messages[-1].content}" for n, q in enumerate(questions, 1)]
    return replace(
        first,
        messages=(*first.messages[:-1], Message("user", "\n\n".join(parts))),
        max_tokens=sum(question.max_tokens for question in questions),
        schema=_schema(first.schema, len(questions)),
    )


def split(reply: Answer, questions: Sequence[Question]) -> list[Answer | None]:
    """
    The answers in a reply, with their shares of what it took; None where a part has none.

    Shares are by what each question would have taken alone, so that no part's is larger than that.
    """
    answers = _answers(reply.text)
    prompts = [estimate_question(question) for question in questions]
    longest = [question.max_tokens for question in questions]
    shares = zip(
        shared(reply.usage.prompt, prompts),
        shared(reply.usage.cached, prompts),
        shared(reply.usage.completion, longest),
        strict=True,
    )
    return [
        replace(reply, text=answers[number], usage=Usage(*share)) if number in answers else None
        for number, share in enumerate(shares, 1)
    ]


def shared(total: int, weights: Sequence[int]) -> list[int]:
    """
    Whole parts of a total, by weight, that add up to it.

    >>> shared(10, [1, 1, 1])
    [3, 3, 4]
    """
    parts, given, seen = [], 0, 0
    for weight in weights:
        seen += weight
        upto = total * seen // max(1, sum(weights))
        parts.append(upto - given)
        given = upto
    return parts


def _answers(text: str) -> dict[int, str]:
    """Answers by part; of a part that is there twice, none."""
    try:
        parts = json.loads(text)["parts"]
        found = [(part["part"], part["answer"]) for part in parts]
    except (ValueError, TypeError, KeyError):
        return {}
    numbers = [number for number, _ in found]
    return {
        number: answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        for number, answer in found
        if isinstance(number, int) and numbers.count(number) == 1
    }


def _schema(one: Mapping[str, Any] | None, count: int) -> Mapping[str, Any]:
    part = {
        "type": "object",
        "properties": {
            "part": {"type": "integer"},
            "answer": {"type": "string"} if one is None else one,
        },
        "required": ["part", "answer"],
        "additionalProperties": False,
    }
    parts = {"type": "array", "items": part, "minItems": count, "maxItems": count}
    return {
        "type": "object",
        "properties": {"parts": parts},
        "required": ["parts"],
        "additionalProperties": False,
    }
