"""
`implicit`'s alternating least squares, refitted as a nightly job would be, but hourly; the owner
module of that library.

Between two fits a user's vector is computed from all of the user's events, as a good service would.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from evaluation.contender import Observation
from evaluation.peers.ledger import Ledger
from evaluation.peers.options import Options
from evaluation.peers.popularity import Counts
from streams.items import Item

HOUR = 3600.0
LEAST_NEW = 1000
"""Events between two fits at least: of a stream of months every hour would be fitted."""
FACTORS = 64
REGULARISATION = 0.05
CONFIDENCE = 10.0
"""What a choice weighs more than none, the alpha of the paper."""
ROUNDS = 10
UNKNOWN = -1e9
"""Score of items newer than the fit: below all others, above what is left out."""


class ImplicitAls:
    """
    Matrix factorisation of implicit feedback; popularity until the first fit and for new users.

    Source:
        Hu, Koren and Volinsky, ICDM 2008, as in `implicit.als`.
    """

    name = "implicit-als"

    def __init__(
        self, *, seed: int = 0, least_new: int = LEAST_NEW, factors: int = FACTORS
    ) -> None:
        """Fit again after an hour of the stream's time and `least_new` events."""
        self.fits = 0
        self._seed = seed
        self._least_new = least_new
        self._factors = factors
        self._ledger = Ledger()
        self._counts = Counts()
        self._model: AlternatingLeastSquares | None = None
        self._fitted_items = 0
        self._fitted_at = -np.inf
        self._new = 0

    def announce(self, items: Sequence[Item]) -> None:
        """Items that nobody has chosen have factors of nothing, and come last."""
        self._ledger.announce(items)

    def rank(self, user_id: str, *, now: float, n: int, repeats: bool = False) -> Sequence[str]:
        """Rank by the product of factors; the fit that is due is part of the question."""
        if self._new >= self._least_new and now - self._fitted_at >= HOUR:
            self._fit(now)
        scores = np.full(len(self._ledger.items), UNKNOWN)
        history = [i for i in self._ledger.history(user_id) if i < self._fitted_items]
        if self._model is None or not history:
            scores = self._counts.scores(len(self._ledger.items))
        else:
            row = _matrix([history], items=self._fitted_items)
            vector = self._model.recalculate_user(0, row)
            scores[: self._fitted_items] = self._model.item_factors @ vector
        return self._ledger.best(scores, user_id, n=n, repeats=repeats)

    def learn(self, observation: Observation) -> None:
        """Keep it for the next fit."""
        _, item = self._ledger.add(observation)
        self._counts.add(item)
        self._new += 1

    def _fit(self, now: float) -> None:
        items = len(self._ledger.items)
        with threadpool_limits(1, "blas"):  # implicit warns of more, and is slower with them
            self._model = AlternatingLeastSquares(
                factors=self._factors,
                regularization=REGULARISATION,
                iterations=ROUNDS,
                num_threads=1,
                random_state=self._seed,
            )
            self._model.fit(_matrix(self._ledger.histories(), items=items), show_progress=False)
        self._fitted_items, self._fitted_at, self._new = items, now, 0
        self.fits += 1


def _matrix(histories: Sequence[Sequence[int]], *, items: int) -> csr_matrix:
    """Users by items, each choice weighed by `CONFIDENCE`."""
    ends = np.cumsum([0, *map(len, histories)])
    columns = np.fromiter((item for history in histories for item in history), np.int32, ends[-1])
    weights = np.full(len(columns), CONFIDENCE, np.float32)
    matrix = csr_matrix((weights, columns, ends), shape=(len(histories), items))
    matrix.sum_duplicates()
    return matrix


def make_als(options: Options) -> ImplicitAls:
    """Seeded."""
    return ImplicitAls(seed=options.seed)
