"""
How good slates are, while they are served: choices against the slate before, clicks by place.

Prequential: whatever a user comes to is looked for on the slate they were sent last, before the
event changes anything.  What is remembered for that is bounded, and lost when a worker ends.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from agents.metrics import Metrics
from agents.recent import Recent
from streams.events import Event, Forget, Gains, Impression, Interaction
from streams.profiles import Profile

DEPTH = 10
"""Places looked at, as in HR@10 and NDCG@10."""
MEMORY = 1_000.0
"""Choices, or slates shown, over which the gauges look back; older ones fade."""


class Fading:
    """
    A mean in which older values fade.

    >>> mean = Fading()
    >>> mean.add(1.0)
    1.0
    """

    def __init__(self) -> None:
        self._total = 0.0
        self._weight = 0.0

    def add(self, value: float, weight: float = 1.0) -> float:
        """The mean with one more value."""
        keep = math.exp(-weight / MEMORY)
        self._total = self._total * keep + value
        self._weight = self._weight * keep + weight
        return self._total / self._weight if self._weight else 0.0


class Scoring:
    """Joins slates, impressions and interactions of the users this worker owns."""

    def __init__(self, *, gains: Gains, metrics: Metrics) -> None:
        self._gains = gains
        self._metrics = metrics
        self._sent: Recent[Sequence[str]] = Recent()
        self._shown: Recent[Sequence[str]] = Recent()
        self._hits, self._ndcg = Fading(), Fading()
        self._clicks, self._unbiased = Fading(), Fading()

    def slated(self, user_id: str, item_ids: Sequence[str]) -> None:
        """A slate was sent."""
        self._sent.put(user_id, item_ids[:DEPTH])

    def observe(self, event: Event, before: Profile) -> None:
        """
        Score an event.

        Args:
            event: With `at` filled in.
            before: The profile as it was: who comes back to an item did not choose it anew.
        """
        match event:
            case Forget():
                self._sent.forget(event.user_id)
            case Impression():
                self._note_impression(event)
            case Interaction() if self._gains.is_visit(event.action):
                if event.item_id not in before.seen:
                    self._score_choice(event)
                self._score_click(event)
            case _:
                pass

    def _score_choice(self, event: Interaction) -> None:
        slate = self._sent.get(event.user_id)
        if slate is None:
            return
        place = _place(slate, event.item_id)
        gain = 0.0 if place is None else gain_at(place)
        self._metrics.choices.labels("no" if place is None else "yes").inc()
        self._metrics.hit_rate.set(self._hits.add(float(place is not None)))
        self._metrics.ndcg.set(self._ndcg.add(gain))

    def _note_impression(self, event: Impression) -> None:
        self._shown.put(event.slate_id, event.item_ids)
        for place in range(len(event.item_ids)):
            self._metrics.impressions.labels(_label(place)).inc()
        looks = sum(map(gain_at, range(len(event.item_ids))))
        self._metrics.click_through.set(self._clicks.add(0.0, len(event.item_ids)))
        self._metrics.click_through_seen.set(self._unbiased.add(0.0, looks))

    def _score_click(self, event: Interaction) -> None:
        """A click on what was shown; the same slate may be clicked more than once."""
        slate = None if event.slate_id is None else self._shown.get(event.slate_id)
        place = None if slate is None else _place(slate, event.item_id)
        if place is None:
            return
        self._metrics.clicks.labels(_label(place)).inc()
        self._metrics.click_through.set(self._clicks.add(1.0, 0.0))
        self._metrics.click_through_seen.set(self._unbiased.add(1.0, 0.0))


def gain_at(place: int) -> float:
    """
    What a hit at a 0-based place is worth, and how likely somebody looks there.

    Source:
        Järvelin and Kekäläinen, TOIS 2002; as the odds of examination in position-based click
        models: Joachims, Swaminathan and Schnabel, WSDM 2017.

    >>> gain_at(0), gain_at(2)
    (1.0, 0.5)
    """
    return 1 / math.log2(place + 2)


def _place(item_ids: Sequence[str], item_id: str) -> int | None:
    return item_ids.index(item_id) if item_id in item_ids else None


def _label(place: int) -> str:
    return str(place) if place < DEPTH else f"{DEPTH}+"
