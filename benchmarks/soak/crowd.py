"""
Who acts on what: some users often and most seldom, mostly on what they know.

Users begin with profiles at their bound and items with trends at theirs, as after months, so that
state does not grow in the run and memory can be judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.refolding import GAINS
from streams.events import Interaction
from streams.predecessors import MAX_PREDECESSORS, WHOLE, Predecessors
from streams.profiles import MAX_HISTORY, Entry, Profile
from streams.trends import Trend

USERS = 500
HEAD = 50
"""Flattens the head of Zipf's law: the busiest of 500 users does 0.8 % of all, not 15 %."""
NEWS = 0.02
"""Share of actions on something that is not from the user's past; it makes `seen` grow."""
PAST_SECONDS = 30 * 86_400.0
"""How far back the past of a user reaches."""
ACTIONS = ("view", "click", "like", "skip")
BLOCK = 10_000
"""Actions drawn at once."""


def zipf(count: int) -> NDArray[np.float64]:
    """
    Shares of the ranks from 0 on, that sum to 1.

    Source:
        Zipf–Mandelbrot law with exponent 1 (Mandelbrot, 1953).

    >>> shares = zipf(10_000)
    >>> round(float(shares[0]), 4), round(float(shares[0] / shares[HEAD + 1]), 2)
    (0.0037, 2.0)
    """
    weights = 1.0 / np.arange(1 + HEAD, count + 1 + HEAD)
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


class Crowd:
    """Users, each with a past; the same seed gives the same ones doing the same."""

    def __init__(self, item_ids: Sequence[str], *, users: int, seed: int) -> None:
        """Give everybody a past of `MAX_HISTORY` actions, popular items more often than others."""
        self._item_ids = item_ids
        self._seed = seed
        self._popularity = zipf(len(item_ids))
        self._activity = zipf(users)
        rng = np.random.default_rng(seed)
        self._pasts = rng.choice(len(item_ids), size=(users, MAX_HISTORY), p=self._popularity)

    def profiles(self, *, now: float) -> Mapping[str, Profile]:
        """User to the profile at the beginning, with the last action at `now`."""
        return {user_id(n): self._profile(past, now=now) for n, past in enumerate(self._pasts)}

    def _profile(self, past: NDArray[np.int64], *, now: float) -> Profile:
        items = [self._item_ids[n] for n in past]
        times = np.linspace(now - PAST_SECONDS, now, len(items)).tolist()
        gain = GAINS.actions["click"]
        return Profile(
            history=tuple(
                Entry(at, item, "click", gain) for at, item in zip(times, items, strict=True)
            ),
            seen=tuple(dict.fromkeys(items)),
            counters={"click": len(items)},
        )

    def trends(self, *, now: float) -> Mapping[str, Trend]:
        """Item to the trend at the beginning, with as many predecessors as are kept."""
        rng = np.random.default_rng((self._seed, 2))
        visits = np.bincount(self._pasts.ravel(), minlength=len(self._item_ids)).tolist()
        return {
            item: Trend(
                at=now,
                interactions=visits[n],
                predecessors=self._predecessors(rng, without=n),
            )
            for n, item in enumerate(self._item_ids)
        }

    def _predecessors(self, rng: np.random.Generator, *, without: int) -> Predecessors:
        chosen = rng.permutation(len(self._item_ids))[: MAX_PREDECESSORS + 1].tolist()
        before = [n for n in chosen if n != without][:MAX_PREDECESSORS]
        supporters = rng.integers(1, 9, len(before)).tolist()
        near, close = rng.integers(1, WHOLE, (2, len(before))).tolist()
        ids = tuple(self._item_ids[n] for n in before)
        return Predecessors(ids, tuple(supporters), tuple(near), tuple(close), dropped=1)

    def actions(self) -> Iterator[Interaction]:
        """What they do, one after another, for ever; without a time."""
        rng = np.random.default_rng((self._seed, 1))
        while True:
            users = rng.choice(len(self._pasts), size=BLOCK, p=self._activity)
            known = self._pasts[users, rng.integers(MAX_HISTORY, size=BLOCK)]
            news = rng.choice(len(self._item_ids), size=BLOCK, p=self._popularity)
            items = np.where(rng.random(BLOCK) < NEWS, news, known)
            kinds = rng.integers(len(ACTIONS), size=BLOCK)
            for user, item, kind in zip(users.tolist(), items, kinds, strict=True):
                yield Interaction(
                    user_id=user_id(user), item_id=self._item_ids[item], action=ACTIONS[kind]
                )


def user_id(number: int) -> str:
    """The id of the user with this rank."""
    return f"user-{number}"
