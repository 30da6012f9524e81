"""
What a refined slate costs, role by role, beside a prompt that somebody would write first.

The roles run as they do on the stream, on drafts of real users with the engine's reasons.  Who
answers is a script: in the form asked for, in no time, with facts word by word where sentences are
wanted.  So tokens, our own time and what is proven mean something; an order does not, and has none.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from slates.asking import Terms
from slates.draft import Candidate, Draft, Had
from slates.generating import NAMED
from slates.model import Answer, Question, Usage
from slates.money import BILLION, Price
from slates.prompting import Count, quote
from slates.refinements import make_refinements
from slates.refining import Refinement
from slates.testing.sensible import sensible
from streams.items import Item

SIZE = 10
"""Items of a slate."""
SENTENCES = 200
"""Characters of an item's text, as drafts have it: a sentence or two."""
NAIVE = "naive"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one slate, on average."""

    calls: float
    prompt: float
    completion: float
    milliseconds: float = 0.0
    """Of our own processor: putting the prompt together, reading and proving the reply."""
    proven: float | None = None
    """Share of the sentences that are proven; None where none are asked for."""

    @property
    def total(self) -> float:
        """What is paid for."""
        return self.prompt + self.completion

    def of_thousand(self, price: Price | None) -> float | None:
        """What a thousand slates cost, nothing being cached; None without a price."""
        if price is None:
            return None
        return (
            1000
            * (self.prompt * price.prompt + self.completion * price.completion)
            / (BILLION * 1_000_000)
        )


@dataclass(slots=True)
class Scripted:
    """A model that counts its tokens and takes over what it is shown."""

    count: Count
    titles: Sequence[str]
    """What it names where it is asked for titles."""

    async def ask(self, question: Question, *, within: float) -> Answer:  # noqa: ARG002
        """Answer as asked, in no time."""
        text = self._reply(question)
        prompt = sum(self.count(message.content) for message in question.messages)
        usage = Usage(prompt=prompt, completion=self.count(text))
        return Answer(text, usage, model="scripted", seconds=0.0, form="schema")

    def _reply(self, question: Question) -> str:
        if question.strategy == "prompt":
            return json.dumps({"ids": list(range(1, SIZE + 1))})
        if question.strategy == "generate":
            named = [{"title": title, "year": None} for title in self.titles[:NAMED]]
            return json.dumps({"titles": named})
        return sensible(question.messages, question.schema)


def measure_costs(
    drafts: Sequence[Draft], known: Mapping[str, Item], *, count: Count
) -> dict[str, Cost]:
    """
    What a slate costs by role; `NAIVE` first.

    Args:
        drafts: Slates of real users, with the shortlist.
        known: The catalogue.
        count: Tokens of a text.
    """
    told = [_told(draft, known) for draft in drafts]
    costs = {NAIVE: _mean([_naive(draft, known, count) for draft in told])}
    for name, role in make_refinements(Terms(count=count, max_prompt_tokens=100_000)).items():
        costs[name] = _mean([_measure(role, draft, count) for draft in told])
    return costs


def _measure(role: Refinement, draft: Draft, count: Count) -> Cost:
    model = Scripted(count, [each.title for each in draft.candidates])
    began = time.process_time()
    found = asyncio.run(role.refine(draft, model, within=60.0))
    took = time.process_time() - began
    proven = found.counts.get("proven", 0)
    written = proven + found.counts.get("unproven", 0)
    return Cost(
        found.calls,
        found.usage.prompt,
        found.usage.completion,
        1000 * took,
        proven / written if written else None,
    )


def _mean(costs: Sequence[Cost]) -> Cost:
    n = len(costs)
    proven = [cost.proven for cost in costs if cost.proven is not None]
    return Cost(
        sum(cost.calls for cost in costs) / n,
        sum(cost.prompt for cost in costs) / n,
        sum(cost.completion for cost in costs) / n,
        sum(cost.milliseconds for cost in costs) / n,
        sum(proven) / len(proven) if proven else None,
    )


def _naive(draft: Draft, known: Mapping[str, Item], count: Count) -> Cost:
    """Everything that is known, in full, and titles in the reply; nobody counts a second call."""
    lines = [
        f"{quote(known[i].title)} {json.dumps(known[i].description, ensure_ascii=False)}"
        for i in (*(had.item_id for had in draft.history), *(c.item_id for c in draft.candidates))
        if i in known
    ]
    orders = "Rank the candidates for this user, by the history. Answer with the best titles."
    reply = "\n".join(f"{k}. {c.title}" for k, c in enumerate(draft.candidates[:SIZE], 1))
    return Cost(1, count("\n".join([orders, *lines])), count(reply))


def _told(draft: Draft, known: Mapping[str, Item]) -> Draft:
    """With a sentence or two of each item, as a worker has them that adds words to items."""

    def text(each: Candidate | Had) -> str:
        item = known.get(each.item_id)
        return each.text if item is None else item.description[:SENTENCES]

    return msgspec.structs.replace(
        draft,
        candidates=tuple(msgspec.structs.replace(c, text=text(c)) for c in draft.candidates),
        history=tuple(msgspec.structs.replace(h, text=text(h)) for h in draft.history),
    )
