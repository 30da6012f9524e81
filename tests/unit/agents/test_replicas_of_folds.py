"""Replicas of trends and rankers follow the newest of each, and pass over what they cannot read."""

import asyncio
import logging
from pathlib import Path

import pytest

from agents.catalogue import Catalogue
from agents.metrics import Metrics
from agents.replicas import RankerReplica
from agents.testing import SmallLog
from agents.trend_replica import TrendReplica
from agents.trend_snapshots import Ours
from agents.trend_snapshotting import TrendSnapshotting
from indexes.embedding import DIM
from indexes.exact import ExactIndex
from streams.predecessors import Predecessors
from streams.rankers import Ranker, encode_ranker
from streams.trends import Trend, encode_trend
from tests.support.following import PATIENCE

# Python 3.12 warns that a child may inherit a held lock, and counts numpy's threads: ours exits.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


# -- trends


class FollowingTrends:
    """A `TrendReplica` with what it was handed."""

    def __init__(self, folder: Path) -> None:
        self.log = SmallLog("item-trends")
        self.metrics = Metrics()
        self.catalogue = Catalogue(ExactIndex(DIM), half_life=1000.0)
        self.snapshots = TrendSnapshotting(
            folder, ours=Ours("item-trends", 1000.0), every=3600.0, metrics=self.metrics
        )
        self.replica = TrendReplica(
            self.log, self.metrics, catalogue=self.catalogue, snapshots=self.snapshots
        )

    async def follow(self) -> None:
        await self.replica.start()
        async with asyncio.timeout(PATIENCE):
            await self.replica.ready.wait()
        await self.replica.stop()


async def test_the_newest_trend_of_each_item_is_followed(tmp_path: Path) -> None:
    following = FollowingTrends(tmp_path)
    following.log.append(b"dune", encode_trend(Trend(popularity=1.0)))
    following.log.append(b"emma", encode_trend(Trend(popularity=5.0)))
    following.log.append(b"dune", encode_trend(Trend(popularity=2.0)))
    await following.follow()
    assert following.catalogue.trend("dune") == Trend(popularity=2.0)
    assert following.catalogue.trend("emma") == Trend(popularity=5.0)


async def test_an_item_whose_trend_was_removed_has_none(tmp_path: Path) -> None:
    following = FollowingTrends(tmp_path)
    following.log.append(b"dune", encode_trend(Trend(popularity=1.0)))
    following.log.append(b"dune", None)
    await following.follow()
    assert following.catalogue.trend("dune") == Trend()


async def test_a_trend_that_cannot_be_read_is_counted_and_the_former_one_stays(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR)
    following = FollowingTrends(tmp_path)
    following.log.append(b"dune", encode_trend(Trend(popularity=1.0)))
    following.log.append(b"dune", b"{")
    await following.follow()
    assert following.catalogue.trend("dune") == Trend(popularity=1.0)
    labels = {"topic": "item-trends", "reason": "decode_error"}
    found = following.metrics.registry.get_sample_value("headwater_dead_letters_total", labels)
    assert found == 1
    assert "item-trends-0-1 refused" in caplog.text


async def test_at_start_only_the_newest_trend_of_an_item_is_followed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    following = FollowingTrends(tmp_path)
    for popularity in range(1, 40):
        following.log.append(b"dune", encode_trend(Trend(popularity=float(popularity))))
    followed: list[float] = []
    follow = following.catalogue.follow

    def count(item_id: str, trend: Trend | None) -> None:
        followed.append(0.0 if trend is None else trend.popularity)
        follow(item_id, trend)

    monkeypatch.setattr(following.catalogue, "follow", count)
    await following.follow()
    assert followed == [39.0]


async def test_what_people_came_from_is_followed_into_the_crowd(tmp_path: Path) -> None:
    following = FollowingTrends(tmp_path)
    for supporters in (1, 2):
        after_dune = Predecessors(("dune",), (supporters,), (10_000,), (10_000,))
        following.log.append(b"emma", encode_trend(Trend(predecessors=after_dune)))
    await following.follow()
    assert following.catalogue.crowd.supporters("dune", "emma") == 2


async def test_a_removed_trend_leaves_the_crowd(tmp_path: Path) -> None:
    following = FollowingTrends(tmp_path)
    after_dune = Predecessors(("dune",), (3,), (10_000,), (10_000,))
    following.log.append(b"emma", encode_trend(Trend(predecessors=after_dune)))
    following.log.append(b"emma", None)
    await following.follow()
    assert following.catalogue.crowd.supporters("dune", "emma") == 0


async def test_a_trend_whose_columns_do_not_fit_is_refused_and_the_replica_goes_on(
    tmp_path: Path,
) -> None:
    following = FollowingTrends(tmp_path)
    crooked = Trend(predecessors=Predecessors(("dune", "moby"), (3,), (10_000,), (10_000,)))
    following.log.append(b"emma", encode_trend(crooked))
    following.log.append(b"dune", encode_trend(Trend(popularity=2.0)))
    await following.follow()
    assert following.catalogue.trend("emma") == Trend()
    assert following.catalogue.trend("dune") == Trend(popularity=2.0)


# -- rankers


class FollowingRankers:
    """A `RankerReplica` with what it was handed."""

    def __init__(self) -> None:
        self.log = SmallLog("rankers")
        self.metrics = Metrics()
        self.catalogue = Catalogue(ExactIndex(DIM), half_life=1000.0)
        self.replica = RankerReplica(self.log, self.metrics, catalogue=self.catalogue)

    async def follow(self) -> None:
        await self.replica.start()
        async with asyncio.timeout(PATIENCE):
            await self.replica.ready.wait()
        await self.replica.stop()


def ranker(**weights: float) -> bytes:
    return encode_ranker(Ranker(weights=weights))


async def test_the_newest_ranker_of_each_strategy_is_followed() -> None:
    following = FollowingRankers()
    following.log.append(b"hybrid", ranker(close=1.0))
    following.log.append(b"other", ranker(close=5.0))
    following.log.append(b"hybrid", ranker(close=2.0, fresh=0.5))
    await following.follow()
    assert following.catalogue.weights("hybrid") == {"close": 2.0, "fresh": 0.5}
    assert following.catalogue.weights("other") == {"close": 5.0}


async def test_a_strategy_that_was_taught_nothing_has_no_weights() -> None:
    following = FollowingRankers()
    await following.follow()
    assert following.catalogue.weights("hybrid") == {}


async def test_a_ranker_that_was_removed_is_unlearned() -> None:
    following = FollowingRankers()
    following.log.append(b"hybrid", ranker(close=1.0))
    following.log.append(b"hybrid", None)
    await following.follow()
    assert following.catalogue.weights("hybrid") == {}


async def test_a_ranker_that_cannot_be_read_is_counted_and_the_former_one_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR)
    following = FollowingRankers()
    following.log.append(b"hybrid", ranker(close=1.0))
    following.log.append(b"hybrid", encode_ranker(Ranker(version=99)))
    await following.follow()
    assert following.catalogue.weights("hybrid") == {"close": 1.0}
    labels = {"topic": "rankers", "reason": "validation_error"}
    found = following.metrics.registry.get_sample_value("headwater_dead_letters_total", labels)
    assert found == 1
    assert "rankers-0-1 refused" in caplog.text
