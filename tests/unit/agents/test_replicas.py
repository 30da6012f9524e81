"""A replica holds what its topic says, is ready when it does, and keeps no more than it read."""

import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from agents.metrics import Metrics
from agents.replicas import PROBES, Replica
from agents.testing import HashEncoder, SmallLog
from indexes.embedding import DIM
from indexes.exact import ExactIndex
from indexes.items import HnswIndex
from streams.items import ItemFacts, content_hash
from streams.vectors import decode_vector, encode_vector
from tests.support.following import Following, Gated, value

# Python 3.12 warns that a child may inherit a held lock, and counts numpy's threads: ours exits.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


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


async def test_a_replica_that_does_not_say_how_to_apply_records_is_no_replica() -> None:
    replica = Replica("x", SmallLog("x"), Metrics())
    with pytest.raises(NotImplementedError):
        await replica.apply([])
