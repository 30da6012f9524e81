"""
The stream in its order, and a contender that is asked and taught along it.

Nothing is learned before it could be known: an observation waits until the stream's own time has
passed it by the delay.
"""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evaluation.beyond import Genres, Similarities
from evaluation.contender import Contender, Observation
from evaluation.metrics import DEPTH
from evaluation.past import Past
from evaluation.scores import Answer, Scores
from streams.items import Item

FROZEN = math.inf
"""The delay of what is never learned."""

OnStep = Callable[[int], None]
"""Told how many observations are done."""


def ignore(_done: int) -> None:
    """An `OnStep` for when nobody looks."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How a stream is replayed."""

    warm: float = 0.2
    """Share of the stream that is only learned."""
    sample: float = 1.0
    """Share of the questions that is asked; everything is learned all the same."""
    seed: int = 0
    delay: float = 0.0
    """Seconds of the stream's time until an observation is learned; `FROZEN`: only the warm part
    is learned at all, and at once."""


@dataclass(frozen=True, slots=True)
class Stream:
    """What there is to replay."""

    observations: Sequence[Observation]
    """In the order of `in_order`."""
    items: Sequence[Item] = ()
    similarities: Similarities | None = None
    """How alike items are; None takes the genres of the items, if there are any."""


def in_order(observations: Iterable[Observation], *, seed: int) -> tuple[Observation, ...]:
    """
    Sort by time; what happened at the same time comes in an order drawn from the seed, whatever
    the order of the file.
    """
    known = sorted(observations, key=lambda o: (o.at, o.user_id, o.item_id, str(o)))
    draws = np.random.default_rng(seed).random(len(known))
    order = sorted(range(len(known)), key=lambda i: (known[i].at, draws[i]))
    return tuple(known[i] for i in order)


@dataclass(slots=True)
class Replay:
    """One contender on its way along a stream."""

    contender: Contender
    rules: Rules
    past: Past
    scores: Scores
    _waiting: deque[tuple[float, Observation]] = field(default_factory=deque)
    """When each may be learned, and what."""
    _unlearned: Counter[str] = field(default_factory=Counter)
    """User to observations that wait."""

    def ask(self, user_id: str, relevant: Iterable[str], *, now: float, repeats: bool) -> None:
        """
        Have the contender rank all items, and judge the answer.

        Items that the user has had are left out unless `repeats`, also those that a delay keeps
        from the contender: a shop hides what one owns even while its model is of yesterday.
        """
        self.release(now)
        n = DEPTH if repeats else DEPTH + self._unlearned[user_id]
        began = time.perf_counter()
        ranked = self.contender.rank(user_id, now=now, n=n, repeats=repeats)
        self.scores.rank_seconds.append(time.perf_counter() - began)
        hidden = frozenset() if repeats else self.past.had(user_id)
        fresh = [item for item in dict.fromkeys(ranked) if item not in hidden]
        self.scores.add(Answer(user_id, fresh[:DEPTH], set(relevant)), self.past)

    def tell(self, observation: Observation, *, warm: bool) -> None:
        """Let it happen; it is learned when its time has come."""
        self.past.add(observation)
        late = self.rules.delay
        due = observation.at + (0.0 if warm and late == FROZEN else late)
        self._waiting.append((due, observation))
        self._unlearned[observation.user_id] += 1
        self.release(observation.at)

    def release(self, now: float) -> None:
        """Teach what may be known by now."""
        while self._waiting and self._waiting[0][0] <= now:
            _, observation = self._waiting.popleft()
            self._unlearned[observation.user_id] -= 1
            began = time.perf_counter()
            self.contender.learn(observation)
            self.scores.learn_seconds.append(time.perf_counter() - began)


def begin(contender: Contender, stream: Stream, rules: Rules) -> Replay:
    """Announce the catalogue; nothing is learned yet."""
    contender.announce(stream.items)
    genres = Genres(stream.items)
    alike = stream.similarities or (genres.similarities if genres else None)
    scores = Scores(similarities=alike)
    scores.items.update(item.item_id for item in stream.items)
    scores.items.update(observation.item_id for observation in stream.observations)
    return Replay(contender, rules, Past(genres), scores)


def first_scored(stream: Stream, rules: Rules) -> int:
    """The place of the first observation behind the warm part."""
    return int(len(stream.observations) * rules.warm)


def sampled(questions: int, rules: Rules) -> NDArray[np.bool_]:
    """
    Which questions are asked; the draws are others than those that order equal times.

    >>> sampled(3, Rules()).tolist()
    [True, True, True]
    """
    return np.random.default_rng([rules.seed, 1]).random(questions) < rules.sample
