"""
What is known of each candidate, as one row of numbers that a ranker can weigh.

Rankers see z-scores: how far a candidate stands out from the others of its slate.  So a weight
means the same for every catalogue, and an unknown feature is 0 for all and decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slates import evidence as collaborative
from slates import own
from slates.config import DAY, SlateConfig
from slates.evidence import Evidence
from slates.knowledge import Knowledge
from slates.leaning import derive_leaning
from slates.own import Habit
from slates.tastes import Tastes, Vectors
from streams.trends import SURGE

Matrix = NDArray[np.float64]

_POPULARITY = ("popular", "surge", "visited")
_LIKENESS = ("similar", "untried")
_LEANING = ("leaning",)
_FRESHNESS = ("fresh",)
NAMES = (
    *collaborative.NAMES,
    *_POPULARITY,
    *_LIKENESS,
    *_LEANING,
    *_FRESHNESS,
    *own.NAMES,
)
"""
Features, in the order of the columns: those of `slates.evidence`, ours, those of `slates.own`.

`popular`, `surge`: logarithms of decayed popularity, slow and fast; `visited`: of all visits;
`similar`: to the tastes; `untried`: the same, fading with the visits an item has; `leaning`:
towards the words of its attributes; `fresh`: 1 when published, halved every few days.
"""
OF_TEXT = [NAMES.index(name) for name in (*_LIKENESS, *_LEANING)]
"""Columns of what an item's texts and words say."""
LEAST_SPREAD = 0.02
"""Spread of a feature from which it counts in full; cosines of related texts differ by 0.1."""
UNTRIED = 5.0
"""Visits after which text counts half in `untried`: by then the crowd says more."""
_MOST_HALVINGS = 60.0
"""Keeps 2 to the power of a standing finite where a replay's clock runs far behind its trends."""


@dataclass(frozen=True, slots=True)
class Measuring:
    """One slate's candidates are measured with this."""

    evidence: Evidence
    """What the user's history says."""
    tastes: Tastes
    """The user's directions; none for a stranger."""
    habits: Mapping[str, Habit]
    """What the user comes back to; none where nothing may be shown again."""
    knowledge: Knowledge
    """For popularity, words and age."""
    now: float
    """Event time, seconds since 1970."""
    config: SlateConfig
    """Half-lives."""
    words: str = ""
    """What is looked for in words; empty where nothing is."""

    def measure(self, item_ids: Sequence[str], rows: NDArray[np.intp], vectors: Vectors) -> Matrix:
        """
        Measure candidates.

        Args:
            item_ids: (m,) what may be shown.
            rows: (m,) their rows of the crowd.
            vectors: (m, dim) their unit vectors.

        Returns:
            (m, len(NAMES)), in units of their own; 0 where the ranker does not weigh a feature.
        """
        groups: Sequence[tuple[Sequence[str], Callable[[], Matrix]]] = (
            (collaborative.NAMES, lambda: self.evidence.of(rows, size=len(self.knowledge.crowd))),
            (_POPULARITY, lambda: self._popularity(rows)),
            (_LIKENESS, lambda: self._likeness(rows, vectors)),
            (_LEANING, lambda: self._leaning(rows)),
            (_FRESHNESS, lambda: self._freshness(rows)),
            (own.NAMES, lambda: self._habits(item_ids, rows)),
        )
        columns = [
            measure() if self.config.weighs(names) else np.zeros((len(names), len(rows)))
            for names, measure in groups
        ]
        return np.ascontiguousarray(np.vstack(columns).T)

    def _popularity(self, rows: NDArray[np.intp]) -> Matrix:
        crowd = self.knowledge.crowd
        half_lives = self.now / crowd.half_life
        return np.stack(
            [
                np.log1p(amount_at(crowd.standing[rows], half_lives)),
                np.log1p(amount_at(crowd.surge[rows], half_lives * SURGE)),
                np.log1p(crowd.visits[rows]),
            ]
        )

    def _likeness(self, rows: NDArray[np.intp], vectors: Vectors) -> Matrix:
        similar, visits = _similarity(vectors, self.tastes), self.knowledge.crowd.visits[rows]
        return np.stack([similar, similar * UNTRIED / (UNTRIED + visits)])

    def _leaning(self, rows: NDArray[np.intp]) -> Matrix:
        if not self.tastes.known:
            return np.zeros(len(rows))
        return self.knowledge.shelf.lean(derive_leaning(self.tastes, self.knowledge), rows)

    def _freshness(self, rows: NDArray[np.intp]) -> Matrix:
        """1 when just published, halved every `fresh_days`; 0 when unknown, or still to come."""
        days = (self.now - self.knowledge.shelf.published[rows]) / DAY
        fresh = np.exp2(-np.maximum(days, 0.0) / self.config.fresh_days)
        return np.where(days >= 0, fresh, 0.0)

    def _habits(self, item_ids: Sequence[str], rows: NDArray[np.intp]) -> Matrix:
        """What the user comes back to; nothing is asked of the crowd where there is nothing."""
        if not self.habits:
            return np.zeros((len(own.NAMES), len(rows)))
        crowd = self.knowledge.crowd
        popularity = amount_at(crowd.standing[rows], self.now / crowd.half_life)
        pull = own.pull_of(crowd.visits[rows], crowd.people[rows], popularity)
        return own.measure_habits(item_ids, self.habits, self.now, pull)


def standardise(raw: Matrix) -> Matrix:
    """
    To z-scores, column by column; 0 where all are alike.

    What differs by less than `LEAST_SPREAD` hardly differs: it must not be blown up into the one
    thing by which a candidate stands out.

    >>> standardise(np.array([[1.0, 5.0], [3.0, 5.0]])).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    centred = raw - raw.mean(axis=0)
    spread = np.sqrt((centred * centred).mean(axis=0))
    z: Matrix = centred / np.maximum(spread, LEAST_SPREAD)
    return z


def _similarity(vectors: Vectors, tastes: Tastes) -> Matrix:
    """
    Half the likeness to the recent taste, half to the best of all tastes.

    The best alone would let one old favourite fill a slate; the mean alone blurs two interests.
    """
    if not tastes.names:
        return np.zeros(len(vectors))
    likeness = vectors @ tastes.vectors.T
    blended: Matrix = 0.5 * likeness[:, 0] + 0.5 * likeness.max(axis=1)
    return blended


def amount_at(standings: NDArray[np.float64], half_lives: float) -> Matrix:
    """A decayed amount as of now; 0 for none."""
    amount: Matrix = np.exp2(np.minimum(standings - half_lives, _MOST_HALVINGS))
    return amount
