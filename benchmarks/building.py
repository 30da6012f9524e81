"""The cost of building one slate from 10,000 items, beside one pass of numpy over their vectors."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

import numpy as np

from agents.catalogue import Catalogue
from agents.known import Known
from agents.settings import load_settings
from indexes.embedding import DIM
from indexes.images import Snapshottable
from slates.building import build
from slates.config import DAY
from slates.tastes import Vectors
from streams.events import Gains, Interaction
from streams.items import ItemFacts
from streams.profiles import Profile, fold
from streams.requests import SlateRequest
from streams.trends import CoVisit, Trend
from streams.trends import fold as fold_trend

ITEMS = 10_000
PROFILES = 200
HISTORY = 40
NOW = 1_700_000_000.0


@dataclass(frozen=True, slots=True)
class BuildCost:
    """Milliseconds a slate."""

    p50: float
    p99: float
    numpy_p50: float
    """One float32 matrix of 10,000 items times one taste, and its ten best."""


def measure(index: Snapshottable, *, seed: int = 1) -> BuildCost:
    """Build slates for users with histories over random, clustered items."""
    rng = np.random.default_rng(seed)
    vectors = _clustered(rng)
    catalogue = _catalogue(index, vectors, random.Random(seed))
    profiles = [_profile(random.Random(seed + n)) for n in range(PROFILES)]
    ours, reference = [], []
    config = load_settings().slates
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


def _clustered(rng: np.random.Generator) -> Vectors:
    centres = rng.standard_normal((100, DIM))
    rows = centres[rng.integers(0, 100, ITEMS)] + 0.7 * rng.standard_normal((ITEMS, DIM))
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
        visit = CoVisit(NOW - rng.random() * 30 * DAY, 1.0, True, 0, 0)
        catalogue.follow(str(n), fold_trend(Trend(), visit, half_life=7 * DAY))
    return catalogue


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
