"""
Hand slates that have left on to a language model, where that pays.

A slate never waits for it: the draft is made after the slate was sent.  A newer slate of a user
takes back the draft of the one before, so that nobody is asked about what is not shown any more.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from agents.catalogue import Catalogue
from agents.metrics import Metrics
from agents.recent import Recent
from slates.building import Built
from slates.cascade import Verdict, judge
from slates.config import SlateConfig
from slates.draft import WITHDRAWN, Draft, encode_draft
from slates.drafting import draft_of, lean
from slates.revising import mark, model_line
from slates.slate import Slate, encode_slate
from streams import topics
from streams.kafka import Outbox, Record
from streams.profiles import Profile
from streams.requests import SlateRequest
from streams.topics import Topics

log = logging.getLogger("headwater")

NO_MODEL = "not-configured"
ASKED_FOR = ("words", "request")
"""Causes by which somebody waits for the model: without it they get less than they asked for."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What is thought of refining a slate; stands on it."""

    verdict: Verdict | None = None
    """None where no model is wanted."""
    degraded: tuple[str, ...] = ()
    """Says so where a model was wanted and there is none."""

    @property
    def asks(self) -> bool:
        """Is there to be a draft?"""
        return self.verdict is not None and self.verdict.asked

    def __str__(self) -> str:
        """As the slate has it."""
        return "" if self.verdict is None else str(self.verdict)


class Proposing:
    """Decides about drafts, and sends them."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        outbox: Outbox,
        names: Topics,
        has_model: bool,
        lacking: Callable[[str], str],
        max_bytes: int,
        metrics: Metrics,
        own_words: bool = False,
        proposed: Callable[[str, int], None] = lambda _user, _partition: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """
        Send nothing yet.

        Args:
            catalogue: What drafts are made from.
            outbox: What sends them.
            names: Of the topics.
            has_model: Is there a model that could be asked?
            lacking: Why a user's slate cannot be refined now, such as a budget; "" where it can.
            max_bytes: The longest draft that whoever reads it takes.
            metrics: Where drafts are counted.
            own_words: May what users wrote of their preferences be on a draft?
            proposed: Told of each user whose slate is worth a model's time, and of the partition.
            clock: Seconds since 1970.
        """
        self._catalogue = catalogue
        self._outbox = outbox
        self._topic = names.name(topics.SLATE_DRAFTS)
        self._slates = names.name(topics.RECOMMENDATIONS)
        self._has_model = has_model
        self._lacking = lacking
        self._max_bytes = max_bytes
        self._metrics = metrics
        self._own_words = own_words
        self._proposed = proposed
        self._clock = clock
        self._drafted: Recent[float] = Recent()
        """User to the deadline of their last draft."""

    def judge(
        self, request: SlateRequest, built: Built, *, interactions: int, config: SlateConfig
    ) -> Opinion:
        """What is to be done about a slate that was just built."""
        verdict = judge(request, built, self._catalogue, interactions=interactions, config=config)
        if verdict is None or not verdict.asked:
            return Opinion(verdict)
        if not self._has_model:
            return Opinion(Verdict(False, "no-model"), (model_line(NO_MODEL),))
        if reason := self._lacking(request.user_id):
            poorer = verdict.why in ASKED_FOR or not reason.startswith("budget")
            return Opinion(Verdict(False, reason), (model_line(reason),) if poorer else ())
        return Opinion(verdict)

    async def propose(
        self,
        record: Record,
        slate: Slate,
        request: SlateRequest,
        built: Built,
        profile: Profile,
        *,
        config: SlateConfig,
    ) -> None:
        """Send the draft of a slate that has just been posted."""
        await asyncio.sleep(0)  # the slate goes out first; what follows takes a tenth of its time
        draft = draft_of(
            slate,
            request,
            built,
            profile,
            self._catalogue,
            config=config,
            own_words=self._own_words,
        )
        value = self._encoded(draft)
        if value is None:
            await self._give_up(record, draft)
            return
        self._drafted.put(slate.user_id, draft.deadline)
        await self._outbox.offer(
            self._topic, key=record.key, value=value, partition=record.partition
        )
        self._proposed(slate.user_id, record.partition)

    async def withdraw(self, record: Record, user_id: str) -> None:
        """A newer slate was sent that is not refined: what was drafted before it is of no use."""
        deadline = self._drafted.get(user_id)
        if deadline is None:
            return
        self._drafted.forget(user_id)
        if deadline > self._clock():
            await self._post(record, WITHDRAWN)

    async def forget(self, record: Record, user_id: str) -> None:
        """
        Nothing of the user's may be refined any more.

        Said whether or not there is a model here: there may have been one an hour ago.
        """
        self._drafted.forget(user_id)
        await self._post(record, None)

    def _encoded(self, draft: Draft) -> bytes | None:
        """Its bytes, without what makes it too long; None where it still is."""
        for each in (draft, lean(draft)):
            value = encode_draft(each)
            if len(value) <= self._max_bytes:
                return value
        return None

    async def _give_up(self, record: Record, draft: Draft) -> None:
        """The slate said that a model was asked: it has to hear that none was."""
        log.warning("%s: too long for a draft, not refined", draft.slate.slate_id)
        slate = mark(draft, "too-long", now=self._clock(), took=0.0)
        self._metrics.degraded.labels(slate.degraded[-1]).inc()
        await self._outbox.post(
            self._slates, key=record.key, value=encode_slate(slate), partition=record.partition
        )

    async def _post(self, record: Record, value: bytes | None) -> None:
        await self._outbox.post(
            self._topic, key=record.key, value=value, partition=record.partition
        )
