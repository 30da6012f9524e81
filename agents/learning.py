"""Fold lessons into rankers; the changelog of the fold is the topic everybody reads."""

from __future__ import annotations

from typing import Any

from agents.consuming import Consuming
from agents.metrics import Metrics
from agents.shards import Sharded
from slates.ranking import START
from streams.errors import MalformedEvent
from streams.kafka import Record
from streams.rankers import Ranker, decode_lesson, fold_lesson
from streams.wire import UNDECODABLE


class Learning:
    """One lesson in: its strategy's ranker folded."""

    def __init__(self, *, rankers: Sharded[Ranker], metrics: Metrics) -> None:
        self._rankers = rankers
        self._metrics = metrics

    async def fold_lesson(self, record: Record) -> None:
        """
        Deal with one record of `lessons`; one that the ranker contains already changes nothing.

        Raises:
            RejectedEvent: It is no lesson.
        """
        if record.key is None or record.value is None:
            raise MalformedEvent("a lesson without key or value, expected a strategy and JSON")
        try:
            strategy = record.key.decode()
            lesson = decode_lesson(record.value)
        except UNDECODABLE as exc:
            raise MalformedEvent(f"not a lesson: {exc}") from exc
        rankers = self._rankers.shard(record.partition)
        before = rankers.peek(strategy) or Ranker()
        after = fold_lesson(before, lesson, start=START)
        if after is not before:
            rankers.put(strategy, after)
            self._metrics.lessons.labels("folded").inc()


def register(app: Any, *, source: Any, consuming: Consuming, learning: Learning) -> Any:
    """Attach the agent to the app."""

    async def agent(stream: Any) -> None:
        await consuming.each(stream, learning.fold_lesson)

    return app.agent(source, name="learning")(agent)
