"""What one recorded reply is worth: read, repaired, fused with the engine's order, and judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from evaluation.metrics import NAMES, judge
from evaluation.recordings import Recorded, Recording
from slates.fusing import fuse, weight_of
from slates.repairing import Repaired, repair
from slates.replies import Reply, read_reply
from slates.titles import Titles

SHORTLIST = 100
"""Candidates of a draft, among which a free list of titles is looked for."""
GENERATED = 50
"""Titles that the models were asked for."""
WINDOW = 20
"""Candidates that `rerank` shows to a model."""
STRANGERS = (0.0, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0)
"""Constants of the fusion that are tried on the judged users themselves: no figure to be proud of,
but a bound for what any of them could reach."""
NDCG = NAMES.index("ndcg@10")
WHO = ("engine", "model", "fused", "window")
"""Whose orders are judged; `window` is fused, with nothing of the model's below the engine's best
20: what the role `rerank` pays for."""


class Ranking(Protocol):
    """The engine, once it has learned; items that a user has had are in none of its orders."""

    def best(self, user_id: str, *, n: int) -> Sequence[str]:
        """The best of the catalogue."""

    def order(self, user_id: str, given: Sequence[str]) -> Sequence[str]:
        """Given items."""


@dataclass(frozen=True)
class World:
    """What replies are judged by."""

    ranking: Ranking
    titles: Titles
    catalogue: Mapping[str, str]
    """Item to its title."""
    had: Mapping[str, AbstractSet[str]]
    """User to what the engine and the models knew of."""
    held_back: Mapping[str, AbstractSet[str]]
    """User to what is to be found."""

    @cached_property
    def exact(self) -> AbstractSet[str]:
        """All titles, letter by letter."""
        return frozenset(self.catalogue.values())


@dataclass(frozen=True, slots=True)
class Verdict:
    """On one reply."""

    recording: str
    task: str
    """`rerank` or `topn`."""
    user_id: str
    is_empty: bool
    """Was there no text at all?"""
    repaired: Repaired
    is_permutation: bool
    outside: int
    """Items of the orders that are in no catalogue."""
    perfect: bool
    """Did the reply name each candidate once and nothing else?"""
    listed: int
    """Lines that name something."""
    inexact: int
    """Of those, the ones that are no title of the catalogue letter by letter."""
    interactions: int
    ndcg: Mapping[str, float] | None
    """By `WHO`; None for a user of whom nothing was held back."""
    hindsight: Mapping[float, float] | None
    """nDCG@10 of the fused order had the constant of the fusion been another, by that constant."""
    raw: float | None
    """nDCG@10 of what the model named, in its order, also of what the user has had: as the authors
    of the recordings judged it."""


def judge_reply(recorded: Recorded, recording: Recording, world: World) -> Verdict:
    """
    Read, repair, fuse and judge.

    Args:
        recorded: The reply.
        recording: What it was an answer to.
        world: Engine, catalogue and truth.
    """
    user, had = recorded.user_id, world.had.get(recorded.user_id, frozenset())
    engine, candidates = _candidates(recorded, recording, world)
    wanted = GENERATED if recording.task == "topn" else len(candidates)
    reply = read_reply(recorded.text)
    repaired = repair(reply, candidates, wanted=wanted, find=world.titles.find)
    named = repaired.order[: repaired.named]
    model = tuple(item_id for item_id in repaired.order if item_id not in had)
    weight = weight_of(len(had), trust=repaired.trust)
    orders = {
        "engine": engine,
        "model": [item_id for item_id in named if item_id not in had],
        "fused": fuse(engine, model, weight=weight),
        "window": _window(engine, model, weight),
    }
    truth = world.held_back.get(user)
    lines = [entry.title for entry in reply.entries if entry.title and entry.listed]
    exact = world.exact
    return Verdict(
        recording=recording.name,
        task=recording.task.partition("_")[0],
        user_id=user,
        is_empty=not recorded.text.strip(),
        repaired=repaired,
        is_permutation=sorted(repaired.order) == sorted(candidates),
        outside=sum(i not in world.catalogue for i in {*repaired.order, *orders["fused"]}),
        perfect=repaired.named == len(candidates) and set(repaired.counts) <= {"wrong_format"},
        listed=len(lines),
        inexact=sum(line not in exact for line in lines),
        interactions=len(had),
        ndcg={who: ndcg(orders[who], truth) for who in WHO} if truth else None,
        hindsight=_hindsight(engine, model, len(had), repaired.trust, truth) if truth else None,
        raw=ndcg(_raw(reply, world), truth) if truth else None,
    )


def _hindsight(
    engine: Sequence[str],
    model: Sequence[str],
    interactions: int,
    trust: float,
    truth: AbstractSet[str],
) -> Mapping[float, float]:
    weights = {s: weight_of(interactions, trust=trust, stranger=s) for s in STRANGERS}
    return {s: ndcg(fuse(engine, model, weight=weight), truth) for s, weight in weights.items()}


def _candidates(
    recorded: Recorded, recording: Recording, world: World
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The engine's order of what can be shown, and all candidates, those already had last."""
    given = recording.given.get(recorded.user_id, ())
    if not given:
        best = tuple(world.ranking.best(recorded.user_id, n=SHORTLIST))
        return best, best
    engine = tuple(world.ranking.order(recorded.user_id, given))
    return engine, tuple(dict.fromkeys([*engine, *given]))


def _window(engine: Sequence[str], model: Sequence[str], weight: float) -> tuple[str, ...]:
    shown = engine[:WINDOW]
    within = [item_id for item_id in model if item_id in set(shown)]
    return fuse(engine, [*within, *engine[WINDOW:]], weight=weight)


def _raw(reply: Reply, world: World) -> Sequence[str]:
    """All titles of the catalogue, whether they were given to the model or not."""
    found = (world.titles.find(entry.title) for entry in reply.entries if entry.title)
    return list(dict.fromkeys(item_id for item_id in found if item_id is not None))


def ndcg(order: Sequence[str], truth: AbstractSet[str]) -> float:
    """nDCG@10 with binary gains."""
    return float(judge(order, truth)[NDCG])
