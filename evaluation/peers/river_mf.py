"""
`river`'s online matrix factorisation; the owner module of that library.

Each event is learned as 1 and a few items drawn at random as 0: from what was chosen alone
everything would be 1.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from river import optim, reco

from evaluation.contender import Observation
from evaluation.peers.ledger import Floats, Ledger, grown
from evaluation.peers.options import Options
from streams.items import Item

FACTORS = 20
NEGATIVES = 4
"""Items drawn for each event that count as not chosen."""
STEP = 0.05
"""Of the gradient descent."""


class RiverFactorisation:
    """
    Biased matrix factorisation by stochastic gradient descent.

    River predicts one item at a time; here the factors of all items are kept side by side, and
    `test_river_is_ranked_as_river_would` compares the two.

    Source:
        Paterek, KDD Cup 2007, as in `river.reco.BiasedMF`.
    """

    name = "river-mf"

    def __init__(self, *, seed: int = 0) -> None:
        self.model = reco.BiasedMF(
            n_factors=FACTORS,
            bias_optimizer=optim.SGD(STEP),
            latent_optimizer=optim.SGD(STEP),
            latent_initializer=optim.initializers.Normal(sigma=0.1, seed=seed),
        )
        self._rng = random.Random(seed)
        self._ledger = Ledger()
        self._factors: Floats = np.zeros((1024, FACTORS))
        self._biases: Floats = np.zeros(1024)

    def announce(self, items: Sequence[Item]) -> None:
        """Items that nobody has chosen may be drawn, and ranked."""
        self._ledger.announce(items)

    def rank(self, user_id: str, *, now: float, n: int, repeats: bool = False) -> Sequence[str]:
        """Rank by the prediction, but for what is the same for all items."""
        items = len(self._ledger.items)
        self._grow(items)
        scores = self._biases[:items].copy()
        if self._ledger.user(user_id) is not None:
            scores += self._factors[:items] @ self.model.u_latents[user_id]
        return self._ledger.best(scores, user_id, n=n, repeats=repeats)

    def learn(self, observation: Observation) -> None:
        """One step for what was chosen, and one for each item drawn."""
        _, item = self._ledger.add(observation)
        had = self._ledger.had(observation.user_id)
        self._learn_one(observation.user_id, item, 1.0)
        for _ in range(NEGATIVES):
            other = self._rng.randrange(len(self._ledger.items))
            if other not in had:
                self._learn_one(observation.user_id, other, 0.0)

    def _learn_one(self, user_id: str, item: int, reward: float) -> None:
        self.model.learn_one(user=user_id, item=item, y=reward)  # type: ignore[no-untyped-call]
        self._grow(item + 1)
        self._factors[item] = self.model.i_latents[item]
        self._biases[item] = self.model.i_biases[item]

    def _grow(self, items: int) -> None:
        self._biases = grown(self._biases, items)
        if len(self._factors) < len(self._biases):
            more = np.zeros((len(self._biases) - len(self._factors), FACTORS))
            self._factors = np.concatenate([self._factors, more])


def make_river(options: Options) -> RiverFactorisation:
    """Seeded."""
    return RiverFactorisation(seed=options.seed)
