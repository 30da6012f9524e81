"""
Headwater itself, as a contender: the agents' own folds and ranking, without Kafka between them.

What a worker would do with an event is done here in the same order by the same functions: rank for
the profile before it, learn from what was chosen, send the co-visit, fold the profile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from agents.catalogue import Catalogue
from agents.known import Known
from agents.settings import Settings, load_settings
from evaluation.contender import Observation
from evaluation.peers.options import Options
from evaluation.vectors import KeptVectors
from indexes.embedding import DIM, Encoder, fingerprint
from indexes.items import HnswIndex
from slates.building import arrange, build
from slates.config import DAY
from slates.draft import Draft
from slates.drafting import draft_of
from slates.ranking import START
from slates.shortlisting import Prepared, prepare
from slates.slate import Slate, Timings, Versions
from slates.teaching import lesson_of
from streams.covisits import co_visit_of
from streams.events import Interaction
from streams.items import Item, ItemFacts
from streams.profiles import Profile, fold
from streams.rankers import Ranker, fold_lesson
from streams.requests import SlateRequest, Trigger
from streams.trends import Trend
from streams.trends import fold as fold_trend

Encode = Callable[[Sequence[str]], NDArray[np.floating]]
UNASKED = 10
"""Of events that nobody asked a ranking for, one in so many teaches; workers take samples, too."""


class Engine:
    """Ranks and learns as a worker does."""

    name = "headwater"

    def __init__(
        self,
        settings: Settings,
        encode: Encode | None,
        *,
        action: str = "click",
        as_slates: bool = False,
        diversity: float | None = None,
        items: int = 0,
    ) -> None:
        """
        Know nothing yet.

        Args:
            settings: As a worker has them; without `lessons_per_second` nothing is taught.
            encode: Texts to (n, dim) unit vectors; None leaves all texts alike.
            action: What an observation without a value was.
            as_slates: Rank as slates show it, diverse and with places for the unknown, and not by
                score alone.
            diversity: Of slates, in place of what the strategy says.
            items: So many are to come, for which the index makes room.
        """
        config = settings.known_strategies()[settings.strategy]
        changed = {} if diversity is None else {"diversity": diversity}
        self._config = config.model_copy(update=changed)
        self._half_life = settings.slates.popularity_half_life_days * DAY
        self._gains = settings.gains()
        self._teaches = settings.lessons_per_second > 0 and config.ranker == "learned"
        self._encode = encode
        self._action = action
        self._as_slates = as_slates
        if as_slates:
            self.name = "headwater-slates"
        self.catalogue = Catalogue(HnswIndex(DIM, items=items), half_life=self._half_life)
        self.ranker = Ranker()
        self._profiles: dict[str, Profile] = {}
        self._trends: dict[str, Trend] = {}
        self._offset = 0
        self._last: tuple[str, int, Prepared] | None = None

    def announce(self, items: Sequence[Item]) -> None:
        """Put items into the catalogue, as the replica of their vectors would."""
        texts = [item.text() for item in items]
        vectors = self._vectors(texts)
        self.catalogue.index.upsert_many(
            [(item.item_id, row) for item, row in zip(items, vectors, strict=True)]
        )
        for item in items:
            self._recall(item.item_id, item.facts())

    def rank(self, user_id: str, *, now: float, n: int, repeats: bool = False) -> Sequence[str]:
        """Name the best by score, as the shortlist of a slate has them."""
        prepared = self.prepare(user_id, now=now, repeats=repeats)
        self._last = (user_id, self._offset, prepared)
        return [prepared.shortlist.candidates.item_ids[row] for row in self._order(prepared)[:n]]

    def _order(self, prepared: Prepared) -> Sequence[int]:
        """Rows of the shortlist, best first; a slate's after its last place go on by score."""
        by_score: list[int] = prepared.shortlist.order.tolist()
        if not self._as_slates:
            return by_score
        _, shown = arrange(prepared, self.catalogue, self._config.size, self._config)
        there = set(shown)
        return [*shown, *(row for row in by_score if row not in there)]

    def prepare(self, user_id: str, *, now: float, repeats: bool = False) -> Prepared:
        """What `rank` names the best of, with their scores."""
        profile = self._profiles.get(user_id, Profile())
        request = SlateRequest(user_id=user_id)
        config = self._config.model_copy(update={"repeats": repeats}) if repeats else self._config
        return prepare(request, profile, self.catalogue, now=now, config=config)

    def draft(self, user_id: str, *, now: float, top: int) -> Draft:
        """A slate with its reasons, and the best of the shortlist, as a worker hands them on."""
        profile = self._profiles.get(user_id, Profile())
        request = SlateRequest(user_id=user_id)
        config = self._config.model_copy(update={"refine_top": top})
        built = build(request, profile, self.catalogue, now=now, config=config)
        slate = Slate(
            slate_id=f"evaluation/{user_id}",
            user_id=user_id,
            revision=1,
            strategy=config.strategy,
            scenario=request.scenario,
            trigger=Trigger("evaluation", "request", now, now),
            items=built.items,
            ranked_by="engine",
            degraded=(),
            versions=Versions(),
            timings=Timings(),
            produced_at=now,
        )
        return draft_of(slate, request, built, profile, self.catalogue, config=config)

    def order(self, user_id: str, given: Collection[str], *, now: float) -> Sequence[str]:
        """Rank given items, best first, without those that the user has had or nobody knows."""
        only = frozenset(item_id for item_id in given if item_id in self.catalogue.index)
        room = {"retrieve": max(len(only), 1), "companions": len(only)}
        prepared = prepare(
            SlateRequest(user_id=user_id),
            self._profiles.get(user_id, Profile()),
            self.catalogue,
            now=now,
            config=self._config.model_copy(update=room),
            only=only,
        )
        ids = prepared.shortlist.candidates.item_ids
        return [ids[row] for row in prepared.shortlist.order.tolist()]

    def learn(self, observation: Observation) -> None:
        """Fold an event, and let it teach the ranker."""
        event = self._event(observation)
        if event.item_id not in self.catalogue.index:
            self._announce_bare(event.item_id)
        profile = self._profiles.get(event.user_id, Profile())
        if self._is_lesson(event, profile):
            self._teach(event)
        visit = co_visit_of(event, profile, gains=self._gains, partition=0, offset=self._offset)
        trend = fold_trend(
            self._trends.get(event.item_id, Trend()), visit, half_life=self._half_life
        )
        self._trends[event.item_id] = trend
        self.catalogue.follow(event.item_id, trend)
        after = fold(profile, event, gains=self._gains, partition=0, offset=self._offset)
        self._profiles[event.user_id] = after or Profile()
        self._offset += 1

    def _is_lesson(self, event: Interaction, before: Profile) -> bool:
        """As `agents.teaching` has it: did the user choose among what they had not seen?"""
        is_choice = self._gains.is_visit(event.action) and event.item_id not in before.seen
        return is_choice and self._teaches

    def _teach(self, event: Interaction) -> None:
        prepared = self._prepared_for(event)
        if prepared is None:
            return
        lesson = lesson_of(prepared, event.item_id, partition=0, offset=self._offset)
        if lesson is not None:
            self.ranker = fold_lesson(self.ranker, lesson, start=START)
            self.catalogue.learn(self._config.school, self.ranker)

    def _prepared_for(self, event: Interaction) -> Prepared | None:
        """What was ranked just now for this event; made now for a few of the others."""
        if self._last is not None and self._last[:2] == (event.user_id, self._offset):
            return self._last[2]
        if self._offset % UNASKED:
            return None
        return self.prepare(event.user_id, now=event.at or 0.0)

    def _event(self, observation: Observation) -> Interaction:
        return Interaction(
            user_id=observation.user_id,
            item_id=observation.item_id,
            at=observation.at,
            action=self._action if observation.value is None else "rating",
            value=observation.value,
        )

    def _announce_bare(self, item_id: str) -> None:
        """An item that no file names: it has an id, and no text that says anything."""
        self.catalogue.index.upsert_many([(item_id, _nothing())])
        self._recall(item_id, ItemFacts(item_id))

    def _recall(self, item_id: str, facts: ItemFacts) -> None:
        self.catalogue.recall(item_id, Known(facts, b"", 0, 0))

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.floating]:
        if self._encode is None:
            return np.tile(_nothing(), (len(texts), 1))
        return self._encode(texts)


def _nothing() -> NDArray[np.float32]:
    """The direction of a text that says nothing; all such texts are alike."""
    vector = np.zeros(DIM, np.float32)
    vector[0] = 1.0
    return vector


def make_engine(options: Options) -> Engine:
    """The engine as a worker would be set up, with texts encoded once for all runs."""
    return _make(options, as_slates=False)


def make_slates(options: Options) -> Engine:
    """The same, ranking as slates show it."""
    return _make(options, as_slates=True)


def _make(options: Options, *, as_slates: bool) -> Engine:
    settings = load_settings(strategy=options.strategy)
    path = settings.state_dir / f"vectors-{fingerprint().hex()}.npz"
    encode = KeptVectors(_Lazily().encode, path)
    return Engine(
        settings, encode, as_slates=as_slates, diversity=options.diversity, items=options.items
    )


class _Lazily:
    """An encoder that is loaded when there is something to encode."""

    def __init__(self) -> None:
        self._encoder: Encoder | None = None

    def encode(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """Texts to unit vectors."""
        self._encoder = self._encoder or Encoder()
        return self._encoder.encode(texts)
