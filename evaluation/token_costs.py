"""
What a refined slate costs in tokens, role by role, beside a prompt that somebody would write first.

The roles run as they do on the stream, on drafts of real users; the model is one that counts and
answers in the form asked for.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.contender import Observation
from evaluation.learned import Films
from evaluation.verdicts import SHORTLIST, Ranking
from slates.asking import Terms
from slates.draft import Candidate, Draft, Had
from slates.generating import NAMED
from slates.model import Answer, Question, Usage
from slates.prompting import Count, quote
from slates.refinements import make_refinements
from slates.reranking import WINDOW
from slates.slate import Slate, Timings, Versions
from streams.events import DEFAULT_GAINS, Gains, Interaction
from streams.items import Item
from streams.requests import Trigger

GAINS = Gains(DEFAULT_GAINS)
SIZE = 10
"""Items of a slate."""
HISTORY = 20
"""Items of a draft's history."""
SENTENCES = 200
"""Characters of a candidate's text, as drafts have it: a sentence or two."""
NAIVE = "naive"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one slate, on average."""

    calls: float
    prompt: float
    completion: float

    @property
    def total(self) -> float:
        """What is paid for."""
        return self.prompt + self.completion


@dataclass(slots=True)
class Meter:
    """A model that counts its tokens and agrees with the order it is shown."""

    count: Count
    titles: Sequence[str]
    """What it names where it is asked for titles."""

    async def ask(self, question: Question, *, within: float) -> Answer:  # noqa: ARG002
        """Answer as asked, in no time."""
        text = self._reply(question)
        prompt = sum(self.count(message.content) for message in question.messages)
        usage = Usage(prompt=prompt, completion=self.count(text))
        return Answer(text, usage, model="meter", seconds=0.0, form="schema")

    def _reply(self, question: Question) -> str:
        if question.strategy == "rerank":
            return json.dumps({"order": list(range(1, WINDOW + 1))})
        if question.strategy == "prompt":
            return json.dumps({"ids": list(range(1, SIZE + 1))})
        named = [{"title": title, "year": None} for title in self.titles[:NAMED]]
        return json.dumps({"titles": named})


TELLING = frozenset(("explain", "ra-rec"))
"""Roles that are answered in sentences; a recorded order is no answer to them."""


def measure_costs(
    films: Films, ranking: Ranking, *, users: Sequence[str], count: Count
) -> dict[str, Cost]:
    """
    Tokens of a slate by role; `NAIVE` first.

    Args:
        films: Catalogue and histories.
        ranking: The engine, for candidates.
        users: For whom slates are made.
        count: Tokens of a text.
    """
    known = {item.item_id: item for item in films.items}
    drafts = [_draft(user, films, ranking, known) for user in users]
    roles = make_refinements(Terms(count=count, max_prompt_tokens=100_000))
    costs = {NAIVE: _mean([_naive(draft, known, count) for draft in drafts])}
    for name, role in roles.items():
        if name in TELLING:
            continue
        metered = []
        for draft in drafts:
            meter = Meter(count, [each.title for each in draft.candidates])
            found = asyncio.run(role.refine(draft, meter, within=60.0))
            metered.append(Cost(found.calls, found.usage.prompt, found.usage.completion))
        costs[name] = _mean(metered)
    return costs


def _mean(costs: Sequence[Cost]) -> Cost:
    n = len(costs)
    return Cost(
        sum(cost.calls for cost in costs) / n,
        sum(cost.prompt for cost in costs) / n,
        sum(cost.completion for cost in costs) / n,
    )


def _naive(draft: Draft, known: Mapping[str, Item], count: Count) -> Cost:
    """Everything that is known, in full, and titles in the reply; nobody counts a second call."""
    lines = [
        f"{quote(known[i].title)} {json.dumps(known[i].description, ensure_ascii=False)}"
        for i in (*(had.item_id for had in draft.history), *(c.item_id for c in draft.candidates))
    ]
    orders = "Rank the candidates for this user, by the history. Answer with the best titles."
    reply = "\n".join(f"{k}. {c.title}" for k, c in enumerate(draft.candidates[:SIZE], 1))
    return Cost(1, count("\n".join([orders, *lines])), count(reply))


def _draft(user: str, films: Films, ranking: Ranking, known: Mapping[str, Item]) -> Draft:
    had = [each for each in films.split.train if each.user_id == user]
    best = ranking.best(user, n=SHORTLIST)
    candidates = tuple(
        Candidate(i, known[i].title, score=-float(k), text=known[i].description[:SENTENCES])
        for k, i in enumerate(best)
    )
    history = tuple(
        Had(each.item_id, known[each.item_id].title, "rating", each.at, _gain(each))
        for each in reversed(had[-HISTORY:])
        if each.item_id in known
    )
    slate = Slate(
        slate_id=f"evaluation/{user}",
        user_id=user,
        revision=1,
        strategy="hybrid",
        scenario="feed",
        trigger=Trigger("evaluation", "request", 0.0, 0.0),
        items=(),
        ranked_by="engine",
        degraded=(),
        versions=Versions(),
        timings=Timings(),
        produced_at=0.0,
    )
    return Draft(slate, "", candidates, history, n=SIZE, interactions=len(had), deadline=0.0)


def _gain(rated: Observation) -> float:
    return GAINS.of(
        Interaction(
            user_id=rated.user_id, item_id=rated.item_id, action="rating", value=rated.value
        )
    )
