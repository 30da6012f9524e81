"""A replica holds what its topic says, is ready when it does, and keeps no more than it read."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from agents.catalogue import Catalogue
from agents.handover import Handover
from agents.metrics import Metrics
from agents.replicas import PROBES, RankerReplica, Replica, VectorReplica
from agents.snapshotting import Snapshotting
from agents.takeover import Takeover
from agents.testing import HashEncoder, SmallLog
from agents.trend_replica import TrendReplica
from agents.trend_snapshots import Ours
from agents.trend_snapshotting import TrendSnapshotting
from indexes.embedding import DIM, fingerprint
from indexes.exact import ExactIndex
from indexes.images import Snapshottable
from indexes.items import HnswIndex
from streams.items import ItemFacts, content_hash
from streams.predecessors import Predecessors
from streams.rankers import Ranker, encode_ranker
from streams.trends import Trend, encode_trend
from streams.vectors import VectorRecord, decode_vector, encode_vector

# Python 3.12 warns that a child may inherit a held lock, and counts numpy's threads: ours exits.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

PATIENCE = 5.0


def value(
    text: str = "sand",
    *,
    title: str = "Dune",
    vector: NDArray[Any] | None = None,
    encoder: bytes | None = None,
    announced_at: float = 0.0,
) -> bytes:
    row = HashEncoder()([text])[0] if vector is None else vector
    made_by = encoder or fingerprint()
    facts = ItemFacts(title)
    return encode_vector(VectorRecord(made_by, content_hash(text), row, facts, 0, 0, announced_at))


class Following:
    """A `VectorReplica` with what it was handed."""

    def __init__(self, folder: Path, *, index: Snapshottable | None = None) -> None:
        self.log = SmallLog("item-vectors", partitions=2)
        self.metrics = Metrics()
        chosen = ExactIndex(DIM) if index is None else index
        self.catalogue = Catalogue(chosen, half_life=1000.0)
        self.snapshots = Snapshotting(folder, every=3600.0, metrics=self.metrics)
        self.replica = VectorReplica(
            self.log,
            self.metrics,
            catalogue=self.catalogue,
            fingerprint=fingerprint(),
            snapshots=self.snapshots,
            takeover=Takeover(
                Handover(folder),
                catalogue=self.catalogue,
                fingerprint=fingerprint(),
                new_reader=lambda: SmallLog("item-vectors", partitions=2),
                metrics=self.metrics,
            ),
        )

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        await self.replica.start()
        try:
            await self.until(self.replica.ready.is_set)
            yield
        finally:
            await self.replica.stop()

    async def until(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not what():
                await asyncio.sleep(0.001)

    async def read(self) -> None:
        """Until everything on the log has been taken over."""
        target = sum(record.partition >= 0 for record in self.log.records)
        await self.until(lambda: sum(self.log.positions.values()) == target)
        reads = self.log.reads
        await self.until(lambda: self.log.reads > reads + 1)

    def refused(self, reason: str) -> float | None:
        labels = {"topic": "item-vectors", "reason": reason}
        return self.count("headwater_dead_letters_total", **labels)

    def count(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


# -- taking over


async def test_an_item_on_the_topic_can_be_found_and_is_announced(tmp_path: Path) -> None:
    following = Following(tmp_path)
    async with following.following():
        following.log.append(b"dune", value())
        await following.read()
        (found,) = following.catalogue.index.search(HashEncoder()(["sand"]).astype("f4"), n=1)
    assert [match.item_id for match in found] == ["dune"]
    assert following.catalogue.facts("dune") == ItemFacts("Dune")


async def test_the_newest_record_of_a_key_wins_also_within_a_batch(tmp_path: Path) -> None:
    following = Following(tmp_path)
    following.log.append(b"dune", value("sand", title="First"))
    following.log.append(b"dune", value("spice", title="Second"))
    async with following.following():
        assert following.catalogue.facts("dune") == ItemFacts("Second")
        row = following.catalogue.vector("dune")
    assert np.allclose(row, HashEncoder()(["spice"])[0], atol=2e-3)


async def test_a_tombstone_removes_an_item_from_facts_and_index(tmp_path: Path) -> None:
    following = Following(tmp_path)
    following.log.append(b"dune", value())
    async with following.following():
        following.log.append(b"dune", None)
        await following.read()
    assert len(following.catalogue) == len(following.catalogue.index) == 0


REFUSED = {
    "NaN": (value(vector=np.full(DIM, np.nan, np.float16)), "malformed_vector"),
    "a wrong size": (value(vector=np.ones(3, np.float16)), "malformed_vector"),
    "another encoder": (value(encoder=b"not-ours"), "encoder_mismatch"),
    "noise": (b"\xff", "malformed_vector"),
}


@pytest.mark.parametrize(("broken", "reason"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_cannot_be_used_is_refused_counted_and_leaves_the_item_as_it_was(
    tmp_path: Path, broken: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    following = Following(tmp_path)
    following.log.append(b"dune", value("sand", title="Good"))
    following.log.append(b"dune", broken)
    async with following.following():
        following.log.append(b"dune", broken)
        await following.read()
        assert following.catalogue.facts("dune") == ItemFacts("Good")
        row = following.catalogue.vector("dune")
    assert np.allclose(row, HashEncoder()(["sand"])[0], atol=2e-3)
    assert following.refused(reason) == 2
    assert "item-vectors-0-1 refused" in caplog.text


async def test_unchanged_text_with_new_facts_leaves_no_dead_entry_in_the_index(
    tmp_path: Path,
) -> None:
    following = Following(tmp_path, index=HnswIndex(DIM))
    following.log.append(b"dune", value("sand", title="Dune"))
    async with following.following():
        following.log.append(b"dune", value("sand", title="Dune, second edition"))
        await following.read()
        assert following.catalogue.facts("dune") == ItemFacts("Dune, second edition")
        assert following.catalogue.index.stats().tombstones == 0
        following.log.append(b"dune", value("spice"))
        await following.read()
        assert following.catalogue.index.stats().tombstones == 1
        assert following.count("headwater_index_tombstones") == 1


async def test_the_gauges_follow_the_index(tmp_path: Path) -> None:
    following = Following(tmp_path)
    following.log.append(b"dune", value("sand"))
    following.log.append(b"emma", value("tea"))
    async with following.following():
        assert following.count("headwater_index_items") == 2
        assert following.count("headwater_index_generation") == 1


class Gated(ExactIndex):
    """An index whose next write waits for the gate."""

    def __init__(self, *, open: bool = False) -> None:
        super().__init__(DIM)
        self.reached = threading.Event()
        self.gate = threading.Event()
        if open:
            self.gate.set()

    def upsert_many(self, items: Sequence[tuple[str, NDArray[Any]]]) -> None:
        self.reached.set()
        assert self.gate.wait(PATIENCE)
        super().upsert_many(items)


async def test_while_a_vector_is_written_its_item_has_no_hash_and_its_former_facts(
    tmp_path: Path,
) -> None:
    """Otherwise an item could be sent with the vector of another text."""
    index = Gated(open=True)
    following = Following(tmp_path, index=index)
    following.log.append(b"dune", value("sand", title="First"))
    async with following.following():
        index.reached.clear()
        index.gate.clear()
        following.log.append(b"dune", value("spice", title="Second"))
        await following.until(index.reached.is_set)
        known = following.catalogue.known("dune")
        index.gate.set()
        await following.read()
    assert known is not None
    assert (known.facts.title, known.content_hash) == ("First", b"")


# -- being ready


async def test_a_replica_is_ready_at_the_end_that_the_log_had_at_start(tmp_path: Path) -> None:
    index = Gated()
    following = Following(tmp_path, index=index)
    following.log.append(b"dune", value())
    await following.replica.start()
    await following.until(index.reached.is_set)
    assert not following.replica.ready.is_set()
    assert following.count("headwater_replica_ready", replica="item-vectors") == 0
    following.log.append(b"late", value("late"), partition=1)
    index.gate.set()
    await following.until(following.replica.ready.is_set)
    assert following.count("headwater_replica_ready", replica="item-vectors") == 1
    assert following.count("headwater_replica_behind", replica="item-vectors") == 0
    assert following.log.ends == {0: 1, 1: 0}
    await following.replica.stop()


async def test_a_replica_of_an_empty_log_is_ready_at_once(tmp_path: Path) -> None:
    following = Following(tmp_path)
    async with following.following():
        assert len(following.catalogue) == 0


async def test_one_that_is_ready_stays_ready_when_more_comes(tmp_path: Path) -> None:
    following = Following(tmp_path)
    async with following.following():
        for number in range(5):
            following.log.append(b"%d" % number, value(str(number)))
        await following.read()
        assert following.replica.ready.is_set()


# -- proof that items can be found


async def test_an_item_that_came_after_start_is_proven_findable_and_its_time_is_observed(
    tmp_path: Path,
) -> None:
    following = Following(tmp_path)
    async with following.following():
        following.log.append(b"dune", value(announced_at=time.time() - 2.0))
        await following.read()
    assert following.count("headwater_item_to_findable_seconds_count") == 1
    taken = following.count("headwater_item_to_findable_seconds_sum")
    assert taken == pytest.approx(2.0, abs=1.0)


async def test_items_that_were_there_at_start_are_not_measured(tmp_path: Path) -> None:
    following = Following(tmp_path)
    following.log.append(b"dune", value())
    async with following.following():
        pass
    assert following.count("headwater_item_to_findable_seconds_count") == 0


async def test_of_a_flood_only_the_last_ones_are_measured(tmp_path: Path) -> None:
    following = Following(tmp_path)
    async with following.following():
        for number in range(3 * PROBES):
            following.log.append(b"%d" % number, value(str(number)))
        await following.read()
    assert following.count("headwater_item_to_findable_seconds_count") == PROBES


async def test_an_item_with_unchanged_text_is_not_measured_again(tmp_path: Path) -> None:
    following = Following(tmp_path)
    async with following.following():
        following.log.append(b"dune", value(title="One"))
        await following.read()
        following.log.append(b"dune", value(title="Two"))
        await following.read()
    assert following.count("headwater_item_to_findable_seconds_count") == 1


async def test_an_item_to_which_something_was_added_is_not_measured_again(tmp_path: Path) -> None:
    """It could be found before; its announcement may be hours old."""
    following = Following(tmp_path)
    async with following.following():
        first = decode_vector("dune", value("one"), dim=DIM)
        following.log.append(b"dune", value("one"))
        await following.read()
        again = msgspec.structs.replace(first, content_hash=content_hash("one and more"))
        following.log.append(b"dune", encode_vector(again))
        await following.read()
    known = following.catalogue.known("dune")
    assert known is not None
    assert known.content_hash == content_hash("one and more")
    assert following.count("headwater_item_to_findable_seconds_count") == 1


class Blind(ExactIndex):
    """Finds nothing."""

    def search(self, *args: Any, **kwargs: Any) -> Any:
        return [[]]


async def test_an_item_that_its_own_vector_does_not_find_is_logged_and_not_measured(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    following = Following(tmp_path, index=Blind(DIM))
    async with following.following():
        following.log.append(b"dune", value())
        await following.read()
    assert following.count("headwater_item_to_findable_seconds_count") == 0
    assert "'dune' is in the index but not among its own neighbours" in caplog.text


# -- snapshots


async def test_a_replica_goes_on_where_its_snapshot_ends(tmp_path: Path) -> None:
    first = Following(tmp_path)
    first.log.append(b"dune", value("sand", title="Dune"))
    first.log.append(b"emma", value("tea", title="Emma"), partition=1)
    async with first.following():
        pass
    second = Following(tmp_path)
    second.log.records = [*first.log.records]
    second.log.append(b"moby", value("sea", title="Moby"))
    async with second.following():
        assert second.catalogue.matching({}) == {"dune", "emma", "moby"}
        assert second.log.positions == {0: 2, 1: 1}
    assert [match.facts.title for match in map(second.catalogue.known, ["dune"]) if match] == [
        "Dune"
    ]


async def test_the_gauges_tell_of_what_a_snapshot_brought_before_anything_comes(
    tmp_path: Path,
) -> None:
    first = Following(tmp_path)
    first.log.append(b"dune", value("sand"))
    async with first.following():
        pass
    second = Following(tmp_path)
    second.log.records = [*first.log.records]
    async with second.following():
        assert second.count("headwater_index_items") == 1


async def test_of_the_log_before_the_snapshot_nothing_is_read_again(tmp_path: Path) -> None:
    first = Following(tmp_path)
    first.log.append(b"dune", value("sand"))
    async with first.following():
        pass
    second = Following(tmp_path)
    second.log.append(b"dune", b"another value at the same place: reading it would be refused")
    async with second.following():
        assert second.catalogue.matching({}) == {"dune"}
    assert second.refused("malformed_vector") is None


async def test_a_snapshot_of_another_log_is_thrown_away_and_the_log_read_from_its_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = Following(tmp_path)
    for number in range(5):
        first.log.append(b"old-%d" % number, value(str(number)))
    async with first.following():
        pass
    second = Following(tmp_path)
    second.log.append(b"new", value("new"))
    async with second.following():
        assert second.catalogue.matching({}) == {"new"}
        assert second.catalogue.index.item_ids() == ["new"]
    assert "not of this log" in caplog.text


async def test_stopping_leaves_a_snapshot_behind_with_all_that_was_read(tmp_path: Path) -> None:
    following = Following(tmp_path)
    following.log.append(b"dune", value("sand"))
    async with following.following():
        pass
    catalogue = Catalogue(ExactIndex(DIM), half_life=1000.0)
    assert Snapshotting(tmp_path, every=1.0, metrics=Metrics()).restore(catalogue) == {0: 1, 1: 0}
    assert catalogue.matching({}) == {"dune"}


async def test_what_was_not_followed_to_the_end_leaves_the_former_snapshot(tmp_path: Path) -> None:
    """It would be of today, but may lack removals of yesterday that the log forgets tomorrow."""
    first = Following(tmp_path)
    first.log.append(b"dune", value("sand"))
    async with first.following():
        pass
    index = Gated()
    second = Following(tmp_path, index=index)
    second.log.records = [*first.log.records]
    second.log.append(b"emma", value("tea"))
    second.log.append(b"dune", None)
    await second.replica.start()
    await second.until(index.reached.is_set)
    asyncio.get_running_loop().call_later(0.1, index.gate.set)
    await second.replica.stop()
    catalogue = Catalogue(ExactIndex(DIM), half_life=1000.0)
    assert Snapshotting(tmp_path, every=1.0, metrics=Metrics()).restore(catalogue) == {0: 1, 1: 0}


async def test_a_snapshot_taken_while_stopping_never_claims_what_it_does_not_contain(
    tmp_path: Path,
) -> None:
    index = Gated(open=True)
    following = Following(tmp_path, index=index)
    following.log.append(b"dune", value("sand"))
    await following.replica.start()
    await following.until(following.replica.ready.is_set)
    index.reached.clear()
    index.gate.clear()
    following.log.append(b"emma", value("tea"))
    await following.until(index.reached.is_set)
    asyncio.get_running_loop().call_later(0.1, index.gate.set)
    await following.replica.stop()
    index.gate.set()

    after = Following(tmp_path)
    after.log.records = [*following.log.records]
    async with after.following():
        assert after.catalogue.matching({}) == {"dune", "emma"}


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


async def test_a_replica_that_does_not_say_how_to_apply_records_is_no_replica() -> None:
    replica = Replica("x", SmallLog("x"), Metrics())
    with pytest.raises(NotImplementedError):
        await replica.apply([])
