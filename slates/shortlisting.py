"""
What a slate is chosen from: candidates within bounds, each with its features and its score.

Kept apart from the choice, because a ranker learns from all that could have been shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from slates import evidence as collaborative
from slates.candidates import KEYWORDS, Bounds, Pool, gather
from slates.config import DAY, SlateConfig
from slates.evidence import gather_evidence, visited
from slates.features import NAMES, OF_TEXT, Matrix, Measuring, standardise
from slates.knowledge import Knowledge
from slates.own import habits_of
from slates.ranking import weigh, weights_of
from slates.scenarios import Scene, set_scene
from slates.tastes import Tastes, Vectors, derive_tastes
from streams.profiles import Profile
from streams.requests import SlateRequest

ALONE = 3.0
"""How many times as loud texts and words speak where the crowd says nothing; see `_shortlist`."""
WORDED = 10
"""Items liked of late whose words are looked for; as many as a model is told of."""
SHOWN_DAYS = 1.0
"""Days after which having been shown counts half: a feed is looked at once a day or more."""


@dataclass(frozen=True, slots=True)
class Shortlist:
    """The candidates of one slate, scored."""

    candidates: Pool
    vectors: Vectors
    """(len(candidates), dim) unit rows."""
    features: Matrix
    """(len(candidates), `slates.features.NAMES`) z-scores."""
    scores: NDArray[np.float64]
    """(len(candidates),), higher is better."""
    order: NDArray[np.intp]
    """Rows, best first."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a slate is chosen from."""

    tastes: Tastes
    bounds: Bounds
    shortlist: Shortlist
    retrieved: float
    """Seconds spent on candidates."""
    scored: float
    """Seconds spent on their scores."""
    scene: Scene
    """What the slate is built for."""
    seed: str
    """Whatever is drawn is drawn from this: the same request draws the same."""

    @property
    def note(self) -> str:
        """Why nothing can be shown; empty where something can."""
        return self.scene.note


def prepare(
    request: SlateRequest,
    profile: Profile,
    knowledge: Knowledge,
    *,
    now: float,
    config: SlateConfig,
    only: AbstractSet[str] | None = None,
) -> Prepared:
    """
    Find and score what a slate can be chosen from.

    Args:
        request: For whom, what for, what not.
        profile: What is known of the user; `Profile()` for a stranger.
        knowledge: What is known of the items.
        now: Event time, seconds since 1970.
        config: The strategy.
        only: Items among which is chosen; None for the whole catalogue.
    """
    began = perf_counter()
    config = _with_room(config, request.n or config.size)
    scene = set_scene(request, profile, knowledge, now=now, config=config)
    within = knowledge.matching(request.filters) if request.filters else only
    if only is not None and within is not None:
        within = within & only
    bounds = Bounds(barred=scene.barred, within=within)
    tastes = derive_tastes(scene.profile, knowledge.index, config)
    came_to = visited(scene.profile, config.visits) if _asks_the_crowd(config) else []
    evidence = gather_evidence(came_to, knowledge.crowd, now=now)
    habits = habits_of(scene.profile.history) if config.repeats else {}
    words = _looked_for(request, scene.profile, knowledge, config)
    measuring = Measuring(evidence, tastes, habits, knowledge, now, config, words)
    candidates = Pool([], []) if scene.note else gather(measuring, bounds)
    retrieved = perf_counter()
    shortlist = _shortlist(candidates, profile, measuring)
    return Prepared(
        tastes=tastes,
        bounds=bounds,
        shortlist=shortlist,
        retrieved=retrieved - began,
        scored=perf_counter() - retrieved,
        scene=scene,
        seed=request.user_id if request.trigger is None else request.trigger.id,
    )


def _with_room(config: SlateConfig, n: int) -> SlateConfig:
    """So that a single source can fill a slate of n items."""
    if n <= config.retrieve:
        return config
    return config.model_copy(update={"retrieve": n})


def _looked_for(
    request: SlateRequest, profile: Profile, knowledge: Knowledge, config: SlateConfig
) -> str:
    """What the user asks for in words, or the words of the items liked of late."""
    if request.words or KEYWORDS not in config.candidates:
        return request.words
    liked = (entry.item_id for entry in reversed(profile.history) if entry.gain > 0)
    newest = islice(dict.fromkeys(liked), WORDED)
    return " ".join(facts.words for i in newest if (facts := knowledge.facts(i)) is not None)


def _asks_the_crowd(config: SlateConfig) -> bool:
    """
    Does anything depend on what people came to before and after?

    Texts do: how many tastes are asked for, and how loud they speak, goes by what the crowd says.
    """
    sources = {"companions", "similar"} & set(config.candidates)
    return bool(sources) or config.weighs((*collaborative.NAMES, *(NAMES[k] for k in OF_TEXT)))


def _shortlist(pool: Pool, profile: Profile, measuring: Measuring) -> Shortlist:
    if not len(pool):
        empty = np.zeros((0, len(NAMES)))
        return Shortlist(pool, empty.astype(np.float32), empty, empty[:, 0], np.zeros(0, np.intp))
    vectors = measuring.knowledge.index.vectors(pool.item_ids)
    features = standardise(measuring.measure(pool.item_ids, pool.rows, vectors))
    trust = measuring.evidence.trust
    features[:, : len(collaborative.NAMES)] *= trust
    features[:, OF_TEXT] *= trust + ALONE * (1 - trust)
    scores = weigh(features, weights_of(measuring.config, measuring.knowledge))
    scores -= measuring.config.rotation * _staleness(pool.item_ids, profile, measuring.now)
    return Shortlist(pool, vectors, features, scores, np.argsort(-scores, kind="stable"))


def _staleness(item_ids: Sequence[str], profile: Profile, now: float) -> NDArray[np.float64]:
    """How often each item was shown and not touched: doublings, halved every `SHOWN_DAYS`."""
    stale = np.zeros(len(item_ids))
    for k, item_id in enumerate(item_ids if profile.shown else ()):
        shown = profile.shown.get(item_id)
        if shown is not None:
            days = max(now - shown.at, 0.0) / DAY
            stale[k] = np.log2(1 + shown.times) * 2.0 ** -(days / SHOWN_DAYS)
    return stale
