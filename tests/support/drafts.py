"""Drafts and scripted models for tests of what refines them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from slates.asking import Terms
from slates.draft import Candidate, Draft, Had
from slates.model import Answer, Question, Usage
from slates.slate import Reason, Slate, SlateItem, Timings, Versions
from streams.errors import ModelUnavailable
from streams.requests import Trigger

TERMS = Terms(count=lambda text: len(text.split()))
"""Words as tokens: easy to count by eye."""

Answering = Callable[[Question], str | ModelUnavailable]


@dataclass(slots=True)
class Script:
    """A model that answers by a script, and remembers what it was asked."""

    answer: Answering
    seconds: float = 0.1
    asked: list[Question] = field(default_factory=list)

    async def ask(self, question: Question, *, within: float) -> Answer:
        """Answer, or fail as the script says; also where the answer takes too long."""
        self.asked.append(question)
        if self.seconds > within:
            raise ModelUnavailable("too slow", reason="timeout")
        said = self.answer(question)
        if isinstance(said, ModelUnavailable):
            raise said
        usage = Usage(prompt=100, completion=10)
        return Answer(said, usage, model=f"the {question.size} one", seconds=self.seconds)


def saying(*replies: str | ModelUnavailable) -> Script:
    """Says these in turn, the last one again and again."""
    waiting = list(replies)
    return Script(lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0])


def shown(question: Question) -> list[tuple[int, str]]:
    """Number and title of the candidates, as the prompt has them."""
    prompt = question.messages[-1].content.split("Candidates:\n")[1]
    lines = re.findall(r'^(\d+) ("(?:[^"\\]|\\.)*")', prompt, re.MULTILINE)
    return [(int(number), msgspec.json.decode(title)) for number, title in lines]


def preferring(best_first: Sequence[str]) -> Answering:
    """Orders what it is shown by title, whatever the numbers."""

    def answer(question: Question) -> str:
        ranks = {title: k for k, title in enumerate(best_first)}
        order = sorted(shown(question), key=lambda each: ranks.get(each[1], len(ranks)))
        return f'{{"order": {[number for number, _ in order]}}}'

    return answer


def candidates(n: int) -> tuple[Candidate, ...]:
    """`i0` to the last, the best first."""
    return tuple(
        Candidate(f"i{k}", f"Item {k} ({1900 + k})", score=1.0 - k / 1000, text=f"About {k}.")
        for k in range(n)
    )


def draft(many: int = 30, *, interactions: int = 0, **others: object) -> Draft:
    """A draft whose slate has the ten best of the candidates."""
    some = candidates(many)
    known = others.get("candidates", some)
    assert isinstance(known, tuple)
    reason = Reason("popular", "7 people have come to it so far", {"people": 7})
    items = tuple(
        SlateItem(c.item_id, c.title, k, c.score, {"popular": 1.0}, (reason,))
        for k, c in enumerate(known[:10])
    )
    slate = Slate(
        slate_id="slate-1",
        user_id="ann",
        revision=1,
        strategy="hybrid",
        scenario="feed",
        trigger=Trigger("t", "click", 0.0, 0.0),
        items=items,
        ranked_by="engine",
        degraded=(),
        versions=Versions(),
        timings=Timings(),
        produced_at=0.0,
    )
    history = (
        Had("h1", "Emma (1815)", "like", at=2.0, gain=2.0),
        Had("h2", "Dune (1965)", "skip", at=1.0, gain=-1.0),
    )
    given = Draft(
        slate=slate,
        refinement="rerank",
        candidates=some,
        history=history,
        n=10,
        interactions=interactions,
        deadline=60.0,
    )
    return msgspec.structs.replace(given, **others)


def ids(n: int) -> list[str]:
    """The candidates in the engine's order."""
    return [f"i{k}" for k in range(n)]
