"""The roles trending and learning: folds of what events have caused, and nothing else."""

from __future__ import annotations

from agents import learning, trending
from agents.learning import Learning
from agents.trending import Trending
from agents.wiring.sockets import Sockets
from agents.written import Written
from streams import topics
from streams.rankers import decode_ranker, encode_ranker
from streams.trends import Trend, decode_trend, encode_trend, glance_trend


def register_trending(sockets: Sockets, written: Written[Trend] | None) -> None:
    """Co-visits become the trends of items; `written` is told of them where they are followed."""
    trends = sockets.table(
        topics.CO_VISITS,
        topics.ITEM_TRENDS,
        encode=encode_trend,
        decode=decode_trend,
        glance=glance_trend,
        written=written,
    )
    trending.register(
        sockets.app,
        source=sockets.source(topics.CO_VISITS),
        consuming=sockets.consuming,
        trending=Trending(trends=trends, half_life=sockets.half_life, metrics=sockets.metrics),
    )


def register_learning(sockets: Sockets) -> None:
    """Lessons become the weights of rankers."""
    rankers = sockets.table(
        topics.LESSONS, topics.RANKERS, encode=encode_ranker, decode=decode_ranker
    )
    learning.register(
        sockets.app,
        source=sockets.source(topics.LESSONS),
        consuming=sockets.consuming,
        learning=Learning(rankers=rankers, metrics=sockets.metrics),
    )
