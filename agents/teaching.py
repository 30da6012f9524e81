"""
Let choices teach the ranker: what a user came to, compared with what they could have been shown.

A lesson costs about as much as a slate, so there are at most so many a second; a busy worker
learns from a sample, which is enough for a dozen weights, and from fewer while many events wait.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from agents.catalogue import Catalogue
from agents.metrics import Metrics
from agents.waiting import MANY
from slates.config import SlateConfig
from slates.shortlisting import prepare
from slates.teaching import lesson_of
from streams import topics
from streams.events import Gains, Interaction
from streams.kafka import Outbox, Record
from streams.profiles import Profile
from streams.rankers import encode_lesson
from streams.requests import SlateRequest
from streams.topics import Topics

BEHIND = 10.0
"""How many times as long nothing is taught where many events wait to be folded."""


class Teaching:
    """Sends lessons."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        config: SlateConfig,
        gains: Gains,
        outbox: Outbox,
        names: Topics,
        per_second: float,
        is_ready: Callable[[], bool],
        unfolded: Callable[[], int],
        metrics: Metrics,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._catalogue = catalogue
        self._config = config
        self._gains = gains
        self._outbox = outbox
        self._topic = names.name(topics.LESSONS)
        rate = per_second if config.ranker == "learned" else 0.0  # fixed weights learn nothing
        self._pause = 1 / rate if rate > 0 else float("inf")
        self._is_ready = is_ready
        self._unfolded = unfolded
        self._metrics = metrics
        self._clock = clock
        self._next = self._clock() if rate > 0 else float("inf")

    async def teach(self, event: Interaction, record: Record, profile: Profile) -> None:
        """
        Send what an interaction teaches; nothing where it is not its turn.

        Args:
            event: With `at` filled in.
            record: Where it stands.
            profile: As it was before the event.
        """
        now = self._clock()
        if now < self._next or not self._teaches(event, profile):
            return
        self._next = now + self._pause * (BEHIND if self._unfolded() > MANY else 1)
        request = SlateRequest(user_id=event.user_id)
        prepared = prepare(
            request, profile, self._catalogue, now=event.at or 0.0, config=self._config
        )
        lesson = lesson_of(
            prepared, event.item_id, partition=record.partition, offset=record.offset
        )
        if lesson is None:
            return
        await self._outbox.post_later(
            self._topic, key=self._config.school.encode(), value=encode_lesson(lesson)
        )
        self._metrics.lessons.labels("sent").inc()

    def _teaches(self, event: Interaction, profile: Profile) -> bool:
        """Who skips an item, or comes back to it, did not choose it among the unseen."""
        is_choice = self._gains.is_visit(event.action) and event.item_id not in profile.seen
        return is_choice and self._is_ready()
