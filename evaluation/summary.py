"""
From answers to figures: means, their intervals, and both for parts of the answers.

Intervals are by bootstrap over users, since answers to one user resemble each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from evaluation.beyond import Array, gini
from evaluation.metrics import NAMES
from evaluation.scores import SHOWN, Scores

Figures: TypeAlias = dict[str, object]
"""Name to a number, an interval as [low, high], or the figures of parts."""

COLD_USER = 5
"""Fewer events than that and a user is cold."""
LENGTHS = (0, 1, 5, 20, 100)
"""Where the ranges of history lengths begin."""
RESAMPLES = 1000
LEVEL = 0.95
"""Of the true means that share lies within the intervals."""
_CHUNK = 20
"""Resamples drawn at a time: of 100,000 users they take 16 MB."""
_MICRO = 1e6


def summarise(scores: Scores, *, seed: int = 0) -> Figures:
    """
    Everything there is to say of a contender, flat but for the parts under "by".

    Args:
        scores: Of one replay.
        seed: Of the resampling.
    """
    table, users = np.array(scores.figures).reshape(-1, len(NAMES)), _numbered(scores.users)
    return {
        "n": len(users),
        "users": len(set(scores.users)),
        "not_scored": scores.not_scored,
        **_hits(table, users, seed=seed),
        **_beyond(scores),
        **_times(scores),
        "by": {
            name: {part: _hits(table[rows], users[rows], seed=seed) for part, rows in parts}
            for name, parts in _splits(scores)
        },
    }


def _numbered(users: Sequence[str]) -> NDArray[np.intp]:
    _, numbers = np.unique(np.array(users, dtype=object).astype(str), return_inverse=True)
    return np.asarray(numbers, dtype=np.intp)


def _hits(table: Array, users: NDArray[np.intp], *, seed: int) -> Figures:
    if not len(table):
        return {"n": 0}
    means, (low, high) = table.mean(axis=0), interval(table, users, seed=seed)
    figures: Figures = {"n": len(table)}
    figures |= dict(zip(NAMES, means.tolist(), strict=True))
    for name, one, other in zip(NAMES, low.tolist(), high.tolist(), strict=True):
        figures[f"{name}_ci"] = [one, other]
    return figures


def interval(table: Array, users: NDArray[np.intp], *, seed: int) -> tuple[Array, Array]:
    """
    Where the means of the columns lie, by percentile bootstrap over users.

    Args:
        table: One row for each answer.
        users: The number of the user of each row.
        seed: Of the resampling.

    Source:
        Efron, Ann. Statist. 1979; of clusters, Field and Welsh, JRSS B 2007.
    """
    _, users = np.unique(users, return_inverse=True)
    counts = np.bincount(users).astype(float)
    sums = np.array([np.bincount(users, weights=column) for column in table.T]).T
    rng, n = np.random.default_rng(seed), len(counts)
    means = []
    for _ in range(RESAMPLES // _CHUNK):
        drawn = np.array([_resampled(rng, n) for _ in range(_CHUNK)], dtype=float)
        means.append((drawn @ sums) / (drawn @ counts)[:, None])
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail], axis=0)
    return low, high


def _resampled(rng: np.random.Generator, n: int) -> NDArray[np.intp]:
    """How often each of `n` users is drawn in `n` draws."""
    return np.bincount(rng.integers(n, size=n), minlength=n)


def _beyond(scores: Scores) -> Figures:
    """Coverage and Gini of what was shown; the others where they are defined."""
    figures: Figures = {
        f"coverage@{SHOWN}": len(scores.exposures) / max(len(scores.items), 1),
        f"gini@{SHOWN}": gini(list(scores.exposures.values()), items=len(scores.items)),
        f"novelty@{SHOWN}": _mean(scores.novelties),
    }
    if scores.diversities:
        figures[f"diversity@{SHOWN}"] = _mean(scores.diversities)
    if scores.divergences:
        kl, js = np.mean(scores.divergences, axis=0).tolist()
        figures |= {f"calibration_kl@{SHOWN}": kl, f"calibration_js@{SHOWN}": js}
    return figures


def _times(scores: Scores) -> Figures:
    """Of an event: one question and one lesson."""
    rank, learn = np.array(scores.rank_seconds), np.array(scores.learn_seconds)
    return {
        "us_per_event": _MICRO * (_mean(rank) + _mean(learn)),
        "us_per_event_p50": _MICRO * (_median(rank) + _median(learn)),
        "us_rank_p50": _MICRO * _median(rank),
        "us_learn_p50": _MICRO * _median(learn),
    }


def _mean(values: Sequence[float] | Array) -> float:
    return float(np.mean(values)) if len(values) else 0.0


def _median(values: Array) -> float:
    return float(np.median(values)) if len(values) else 0.0


def _splits(scores: Scores) -> Iterator[tuple[str, Sequence[tuple[str, NDArray[np.bool_]]]]]:
    lengths, new = np.array(scores.lengths, dtype=int), np.array(scores.item_is_new, dtype=bool)
    yield "user", (("cold", lengths < COLD_USER), ("warm", lengths >= COLD_USER))
    yield "item", (("cold", new), ("warm", ~new))
    ranges = [
        (f"{low}-{high - 1}" if high - low > 1 else f"{low}", (lengths >= low) & (lengths < high))
        for low, high in pairwise(LENGTHS)
    ]
    yield "history", (*ranges, (f"{LENGTHS[-1]}+", lengths >= LENGTHS[-1]))


def course(scores: Scores, *, name: str, points: int = 20) -> tuple[Array, Array]:
    """
    How a metric went along the stream: the middles of its windows, 0 to 1, and their means.

    Args:
        scores: Of one replay.
        name: One of `evaluation.metrics.NAMES`.
        points: How many windows, fewer of few answers.
    """
    column = np.array([row[NAMES.index(name)] for row in scores.figures])
    windows = [w for w in np.array_split(column, points) if len(w)]
    middles = (np.arange(len(windows)) + 0.5) / max(len(windows), 1)
    return middles, np.array([window.mean() for window in windows])


def number(figures: Mapping[str, object], name: str) -> float:
    """A figure that is one number."""
    value = figures[name]
    assert isinstance(value, float | int)
    return value


def interval_of(figures: Mapping[str, object], name: str) -> tuple[float, float]:
    """The ends of the interval of a figure."""
    value = figures[f"{name}_ci"]
    assert isinstance(value, list)
    low, high = value
    return low, high
