"""
Write in words what users like, when their history has moved, and send it as an event.

It comes back through `events` like anything else that is known of a user, so a replay has the same
words without a model, and the user's own words, which may have come meanwhile, win.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from mode import Service

from agents.asking import PAUSE, Asking
from agents.metrics import Metrics
from agents.recent import Recent
from agents.shards import Sharded, State
from slates.knowledge import Knowledge
from slates.preferences import (
    LEAST_MOVED,
    common_to,
    is_due,
    liked_by,
    question_for,
    read_preferences,
    tell,
)
from streams.errors import ModelUnavailable
from streams.events import Author, Preferences, encode_event
from streams.kafka import Outbox
from streams.profiles import Profile

log = logging.getLogger("headwater")

IN_LINE = 1_000
"""Users that wait at most; the others' turn comes with one of their next slates."""


class Written(NamedTuple):
    """What a user likes, by whoever could say it."""

    text: str
    """Empty where there is nothing to say."""
    by: Author


async def write(profile: Profile, knowledge: Knowledge, *, asking: Asking | None) -> Written:
    """
    Say what a user likes: a model where there is one, else counts; a model's words are checked.

    Raises:
        ModelUnavailable: There is one, and it gave no answer.
    """
    liked = liked_by(profile, knowledge)
    common = common_to(liked, knowledge)
    own = Written(tell(liked, common), "engine")
    if asking is None or not liked:
        return own
    asked = question_for(liked, common, asking.prompt, most=asking.most, count=asking.count)
    answer = await asking.model.ask(asked.question, within=asking.within)
    said = read_preferences(answer.text, liked)
    return Written(said, "model") if said else own


def preferences_of(user_id: str, profile: Profile, written: Written) -> Preferences:
    """The event that says it; the same again where it is written again of the same history."""
    return Preferences(
        user_id=user_id, text=written.text, by=written.by, basis=profile.interactions
    )


class Preferring(Service):  # type: ignore[misc]
    """Users whose slates a model looks at in, events out, one at a time."""

    def __init__(
        self,
        *,
        profiles: Sharded[Profile],
        knowledge: Knowledge,
        asking: Asking,
        outbox: Outbox,
        topic: str,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._profiles = profiles
        self._knowledge = knowledge
        self._asking = asking
        self._outbox = outbox
        self._topic = topic
        self._metrics = metrics
        self._clock = clock
        self._from = clock()
        self._line: dict[str, tuple[int, State[Profile]]] = {}
        self._came = asyncio.Event()
        self._asked: Recent[int] = Recent()
        """User to the interactions that were known when they were written about last."""

    def consider(self, user_id: str, partition: int) -> None:
        """
        A slate of a user is worth a model's time: so are their preferences, when it is time.

        Args:
            user_id: Who.
            partition: Of `events`, where the profile is.
        """
        if len(self._line) >= IN_LINE or self._clock() < self._from:
            return
        profiles = self._profiles.shard(partition)
        if self._is_time(user_id, profiles.peek(user_id) or Profile()):
            self._line[user_id] = partition, profiles
            self._came.set()

    def _is_time(self, user_id: str, profile: Profile) -> bool:
        """Is it due, and not on its way to the profile already?"""
        asked = self._asked.get(user_id)
        new = asked is None or not 0 <= profile.interactions - asked < LEAST_MOVED
        return new and is_due(profile)

    @Service.task  # type: ignore[untyped-decorator]
    async def _work(self) -> None:
        while not self.should_stop:
            self._came.clear()
            while self._line:
                user_id = next(iter(self._line))
                partition, profiles = self._line.pop(user_id)
                await self.refresh(user_id, profiles, partition=partition)
            await self._came.wait()

    async def refresh(self, user_id: str, profiles: State[Profile], *, partition: int) -> None:
        """Write a user's preferences, if it is still time; what cannot be written now is left."""
        profile = profiles.peek(user_id) or Profile()
        if not self._is_time(user_id, profile):
            return
        self._asked.put(user_id, profile.interactions)
        try:
            written = await write(profile, self._knowledge, asking=self._asking)
        except ModelUnavailable as error:
            self._metrics.degraded.labels(f"preferences-{error.reason}").inc()
            log.warning("preferences stay as they are for %.0f s: %s", PAUSE, error)
            self._from = self._clock() + PAUSE
            self._asked.forget(user_id)
            self._line.clear()
            return
        if written.text:
            event = preferences_of(user_id, profile, written)
            await self._outbox.post(
                self._topic, key=user_id.encode(), value=encode_event(event), partition=partition
            )
        self._metrics.preferences_written.labels(written.by if written.text else "nobody").inc()
