"""`FluRS`' incremental matrix factorisation; the owner module of that library."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from flurs.data.entity import Event, User
from flurs.data.entity import Item as FlursItem
from flurs.recommender import MFRecommender

from evaluation.contender import Observation
from evaluation.peers.ledger import Ledger
from evaluation.peers.options import Options
from evaluation.peers.popularity import Counts
from streams.items import Item

LEARN_RATE = 0.05
"""With FluRS' own, 0.003, next to nothing is learned of 30,000 events."""


class Flurs:
    """
    ISGD: one step of gradient descent for each choice, towards 1; popularity for new users.

    FluRS draws from numpy's global generator, so making one seeds it.

    Source:
        Vinagre, Jorge and Gama, UMAP 2014, as in `flurs.recommender.MFRecommender`.
    """

    name = "flurs-mf"

    def __init__(self, *, seed: int = 0) -> None:
        np.random.seed(seed)
        self._model = MFRecommender(learn_rate=LEARN_RATE)
        self._model.initialize()
        self._ledger = Ledger()
        self._counts = Counts()

    def announce(self, items: Sequence[Item]) -> None:
        """Items that nobody has chosen may be ranked."""
        self._ledger.announce(items)

    def rank(self, user_id: str, *, now: float, n: int, repeats: bool = False) -> Sequence[str]:
        """Rank by how near the prediction is to 1."""
        self._register_items()
        items, user = len(self._ledger.items), self._ledger.user(user_id)
        if user is None:
            scores = self._counts.scores(items)
        else:
            scores = -self._model.score(User(user), np.arange(items))
        return self._ledger.best(scores, user_id, n=n, repeats=repeats)

    def learn(self, observation: Observation) -> None:
        """One step."""
        user, item = self._ledger.add(observation)
        self._counts.add(item)
        self._register_items()
        if self._model.is_new_user(user):
            self._model.register(User(user))
        self._model.update(Event(User(user), FlursItem(item), 1.0))

    def _register_items(self) -> None:
        for item in range(self._model.n_item, len(self._ledger.items)):
            self._model.register(FlursItem(item))


def make_flurs(options: Options) -> Flurs:
    """Seeded."""
    return Flurs(seed=options.seed)
