"""
Try a new generation before anyone depends on it.

A graph can be wrong without an error: cut in two by twins, or fed by a bug.  Known items must find
themselves, and searches must find what the oracle finds.  Twins may stand in for each other.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexes.generations import Generation, Labels
from indexes.parameters import HnswParameters

DEPTH = 10
"""Matches looked at: recall@10."""

TIE = 1e-5
"""Similarities this close are equal: f32 sums in another order differ by less."""

CLAIM = 2e-3
"""How far a graph's similarity may be off: stored f16 rows are one long to about 0.0005."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a canary has to say."""

    fault: str | None = None
    """What is wrong, in words; None if nothing."""
    recall: float | None = None
    """Share of the oracle's first ten that a search finds; None where it was not measured."""


def find_fault(generation: Generation, *, parameters: HnswParameters, seed: int) -> str | None:
    """As `examine`, without the figure."""
    return examine(generation, parameters=parameters, seed=seed).fault


def examine(generation: Generation, *, parameters: HnswParameters, seed: int) -> Finding:
    """
    Try a generation that nobody changes meanwhile.

    Args:
        generation: The candidate.
        parameters: How many items and queries, and the recall they must reach.
        seed: Chooses them; the same seed on the same generation chooses the same.
    """
    live = generation.live_labels()
    if len(live) == 0:
        return Finding()
    sample = np.random.default_rng(seed).permutation(live)[: parameters.canary_items]
    queries = generation.rows(sample)
    hits = generation.graph.search(queries, min(DEPTH, len(live)))
    if hits is None:
        few = min(DEPTH, len(live))
        return Finding(f"a search for {few} of {len(live)} live items came back short")
    true = _similarities(generation, queries, hits[0])
    if not generation.alive[hits[0]].all() or np.abs(true - hits[1]).max() > CLAIM:
        return Finding("a search found tombstones, or similarities that are not those of the items")
    lost = int((true.max(axis=1) < 1 - TIE).sum())
    if lost:
        return Finding(f"{lost} of {len(sample)} items do not find themselves")
    few = parameters.canary_queries
    recall = _recall(generation, queries[:few], true[:few], live=live)
    fault = None
    if recall < parameters.canary_recall:
        fault = f"recall@{DEPTH} {recall:.3f}, expected {parameters.canary_recall}"
    return Finding(fault, recall)


def _similarities(
    generation: Generation, queries: NDArray[np.float32], labels: Labels
) -> NDArray[np.float32]:
    """Cosine of each query with the stored vectors of what it found, (q, k)."""
    found = generation.rows(labels.ravel()).reshape(*labels.shape, -1)
    return np.asarray(np.einsum("qd,qkd->qk", queries, found), np.float32)


def _recall(
    generation: Generation,
    queries: NDArray[np.float32],
    true: NDArray[np.float32],
    *,
    live: Labels,
) -> float:
    """Share of hits at least as similar as the oracle's last."""
    oracle, _ = generation.exact(queries, true.shape[1], among=live)
    floor = _similarities(generation, queries, oracle).min(axis=1, keepdims=True)
    return float((true >= floor - TIE).mean())
