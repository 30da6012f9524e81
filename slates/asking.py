"""
One question to a model: the small one first, the large one where its reply was in doubt.

What comes back can be used: an order that the model had a part in, or `ModelUnavailable`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import msgspec

from slates.config import Language
from slates.facts import Style
from slates.library import Library
from slates.model import Model, Question, Usage
from slates.prompting import Asked, Count
from slates.repairing import Repaired
from streams.errors import ModelUnavailable

LEAST_SECONDS = 0.05
"""With less time than that nobody is asked: the quickest answer over a socket takes as long."""

DOUBT = 0.5
"""Half of the reply was wrong."""

Read: TypeAlias = Callable[[str], Repaired]
"""Makes an order of a reply, whatever it says."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What all questions of a worker keep to."""

    count: Count
    """Tokens of a text."""
    max_prompt_tokens: int = 4_000
    """What is longer is cut; the answer comes on top.  Small local models read 8,000."""
    free_text: bool = False
    """May words that a user wrote stand in a prompt?"""
    language: str = "en"
    """Of the sentences that a model writes."""
    tongue: Path | None = None
    """File of a language that does not come with Headwater, see `slates.told.tongues`."""
    templates: Language = "en"
    """Of the sentences that stay where the model's are not proven."""
    style: Style = "plain"
    """Of the sentences that a model writes."""
    library: Library | None = None
    """The whole catalogue, where this worker has one."""
    doubt: float = DOUBT
    """Trust in a small model's reply below which the large one is asked; 0 where there is none."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was made of one reply, or of several."""

    order: tuple[str, ...]
    """What was asked about, best first."""
    trust: float
    """0 to 1, see `slates.repairing.Repaired`."""
    usage: Usage
    model: str
    prompt: str
    calls: int
    seconds: float
    """Waited for answers."""
    counts: Mapping[str, int]
    degraded: tuple[str, ...] = ()


async def consult(
    asked: Asked, read: Read, model: Model, *, within: float, doubt: float = 0.0
) -> Heard:
    """
    Ask, and ask the large model where the small one's reply is in doubt.

    Args:
        asked: The question.
        read: What makes an order of the reply.
        model: Who is asked.
        within: Seconds for both together.
        doubt: `Terms.doubt`; 0 asks once.

    Raises:
        ModelUnavailable: Nobody answered, or nothing that was said can be used.
    """
    heard = await _once(asked.question, read, model, within=within)
    if heard.trust < doubt and asked.question.size == "small":
        heard = await _again(heard, asked.question, read, model, within - heard.seconds)
    if not heard.trust:
        reason = "empty" if heard.counts.get("empty") else "unusable"
        raise ModelUnavailable(f"{heard.prompt}: nothing in the reply can be used", reason=reason)
    return replace(heard, counts=_summed([heard.counts, asked.counts]))


async def _once(question: Question, read: Read, model: Model, *, within: float) -> Heard:
    answer = await model.ask(question, within=within)
    found = read(answer.text)
    return Heard(
        order=found.order,
        trust=found.trust,
        usage=answer.usage,
        model=answer.model,
        prompt=question.prompt,
        calls=1,
        seconds=answer.seconds,
        counts=found.counts,
    )


async def _again(
    first: Heard, question: Question, read: Read, model: Model, within: float
) -> Heard:
    """The large model's answer if it is better; the small one's is never lost over it."""
    if within < LEAST_SECONDS:
        return replace(first, degraded=("large-model: no time left",))
    large = msgspec.structs.replace(question, size="large")
    try:
        second = await _once(large, read, model, within=within)
    except ModelUnavailable as exc:
        return replace(first, degraded=(f"large-model: {exc.reason}",))
    better = second if second.trust > first.trust else first
    return replace(together([first, second], better.order), trust=better.trust, model=better.model)


def together(heard: Sequence[Heard], order: tuple[str, ...]) -> Heard:
    """Several replies as one; their trust is the mean."""
    return Heard(
        order=order,
        trust=sum(one.trust for one in heard) / len(heard),
        usage=added(one.usage for one in heard),
        model="+".join(dict.fromkeys(one.model for one in heard)),
        prompt=heard[0].prompt,
        calls=sum(one.calls for one in heard),
        seconds=sum(one.seconds for one in heard),
        counts=_summed(one.counts for one in heard),
        degraded=tuple(dict.fromkeys(line for one in heard for line in one.degraded)),
    )


def added(usages: Iterable[Usage]) -> Usage:
    """Tokens of several calls."""
    known = list(usages)
    return Usage(
        prompt=sum(one.prompt for one in known),
        cached=sum(one.cached for one in known),
        completion=sum(one.completion for one in known),
    )


def _summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total = Counter[str]()
    for one in counts:
        total.update(one)
    return dict(total)
