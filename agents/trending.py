"""Fold co-visits into item trends; the changelog of the fold is the topic everybody reads."""

from __future__ import annotations

from typing import Any

from agents.consuming import Consuming
from agents.metrics import Metrics
from agents.shards import Sharded
from streams.errors import MalformedEvent
from streams.kafka import Record
from streams.trends import Trend, decode_co_visit, fold
from streams.wire import UNDECODABLE


class Trending:
    """One co-visit in: its item's trend folded."""

    def __init__(self, *, trends: Sharded[Trend], half_life: float, metrics: Metrics) -> None:
        self._trends = trends
        self._half_life = half_life
        self._metrics = metrics

    async def fold_co_visit(self, record: Record) -> None:
        """
        Deal with one record of `co-visits`; one that the trend contains already changes nothing.

        Raises:
            RejectedEvent: It is no co-visit.
        """
        if record.key is None or record.value is None:
            raise MalformedEvent("a co-visit without key or value, expected an item id and JSON")
        try:
            item_id = record.key.decode()
            visit = decode_co_visit(record.value)
        except UNDECODABLE as exc:
            raise MalformedEvent(f"not a co-visit: {exc}") from exc
        trends = self._trends.shard(record.partition)
        before = trends.peek(item_id) or Trend()
        after = fold(before, visit, half_life=self._half_life)
        if after is not before:
            trends.put(item_id, after)
            self._metrics.trends_folded.inc()


def register(app: Any, *, source: Any, consuming: Consuming, trending: Trending) -> Any:
    """Attach the agent to the app."""

    async def agent(stream: Any) -> None:
        await consuming.each(stream, trending.fold_co_visit)

    return app.agent(source, name="trending")(agent)
