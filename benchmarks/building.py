"""The cost of building one slate from 10,000 items, beside one pass of numpy over their vectors."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from agents.catalogue import Catalogue
from agents.known import Known
from agents.settings import load_settings
from indexes.embedding import DIM
from indexes.images import Snapshottable
from slates.building import build
from slates.config import DAY, SlateConfig
from slates.tastes import Vectors
from streams.events import Gains, Interaction
from streams.items import ItemFacts
from streams.predecessors import MAX_BEFORE, Before
from streams.profiles import Profile, fold
from streams.requests import SlateRequest
from streams.trends import CoVisit, Trend
from streams.trends import fold as fold_trend

ITEMS = 10_000
PROFILES = 200
HISTORY = 40
VISITS = 5
"""Of each item; with other items before each, its row of predecessors is full."""
NOW = 1_700_000_000.0


@dataclass(frozen=True, slots=True)
class BuildCost:
    """Milliseconds a slate."""

    p50: float
    p99: float
    numpy_p50: float
    """One float32 matrix of 10,000 items times one taste, and its ten best."""


def measure(
    index: Snapshottable, strategies: Sequence[str], *, seed: int = 1
) -> dict[str, BuildCost]:
    """Build slates for users with histories over random, clustered items, on one thread."""
    rng = np.random.default_rng(seed)
    vectors = clustered(rng, ITEMS)
    catalogue = _catalogue(index, vectors, random.Random(seed))
    profiles = [_profile(random.Random(seed + n)) for n in range(PROFILES)]
    known = load_settings().known_strategies()
    with threadpool_limits(1):  # as a worker has it
        return {name: _time(catalogue, vectors, profiles, known[name]) for name in strategies}


def _time(
    catalogue: Catalogue, vectors: Vectors, profiles: Sequence[Profile], config: SlateConfig
) -> BuildCost:
    ours, reference = [], []
    for n, profile in enumerate(profiles):
        request = SlateRequest(user_id=str(n))
        began = time.perf_counter()
        build(request, profile, catalogue, now=NOW, config=config)
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        scores = vectors @ vectors[n]
        np.argpartition(-scores, 10)[:10]
        reference.append(time.perf_counter() - began)
    p50, p99 = (float(q) * 1000 for q in np.quantile(ours, (0.5, 0.99)))
    return BuildCost(p50, p99, float(np.median(reference)) * 1000)


def clustered(rng: np.random.Generator, n: int) -> Vectors:
    """(n, DIM) unit rows around a hundred centres."""
    centres = rng.standard_normal((100, DIM))
    rows = centres[rng.integers(0, 100, n)] + 0.7 * rng.standard_normal((n, DIM))
    units: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return units


def _catalogue(
    index: Snapshottable,
    vectors: Vectors,
    rng: random.Random,
) -> Catalogue:
    index.upsert_many([(str(n), row) for n, row in enumerate(vectors)])
    catalogue = Catalogue(index, half_life=7 * DAY)
    for n in range(ITEMS):
        words = tuple(f"genre-{rng.randrange(20)}" for _ in range(3))
        facts = ItemFacts(f"Film {n}", attributes={"genres": words}, published_at=NOW - n * 3600)
        catalogue.recall(str(n), Known(facts, b"", 0, n))
        catalogue.follow(str(n), _trend(rng))
    return catalogue


def _trend(rng: random.Random) -> Trend:
    """As of an item that some dozens of users came to, each with a history of its own."""
    trend = Trend()
    for offset in range(VISITS):
        before = tuple(Before(str(rng.randrange(ITEMS)), 60.0 * gap) for gap in range(MAX_BEFORE))
        at = NOW - rng.random() * 30 * DAY
        visit = CoVisit(at, 1.0, True, 0, offset, before)
        trend = fold_trend(trend, visit, half_life=7 * DAY)
    return trend


def _profile(rng: random.Random) -> Profile:
    profile: Profile | None = Profile()
    for n in range(HISTORY):
        event = Interaction(
            user_id="u", item_id=str(rng.randrange(ITEMS)), action="like", at=NOW - n * 60
        )
        profile = fold(
            profile or Profile(), event, gains=Gains({"like": 2.0}), partition=0, offset=n
        )
    return profile or Profile()
