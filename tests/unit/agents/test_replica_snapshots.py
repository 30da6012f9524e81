"""A replica of the vectors goes on where its snapshot ends."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from agents.catalogue import Catalogue
from agents.metrics import Metrics
from agents.snapshotting import Snapshotting
from indexes.embedding import DIM
from indexes.exact import ExactIndex
from tests.support.following import Following, Gated, value

# Python 3.12 warns that a child may inherit a held lock, and counts numpy's threads: ours exits.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


FAILURES = "headwater_local_state_failures_total"


def kept(folder: Path) -> tuple[set[str], Mapping[int, int]]:
    """The items in the snapshot there, and the offsets it has reached."""
    snapshots = Snapshotting(folder, every=1.0, metrics=Metrics())
    restored = snapshots.read(Catalogue(ExactIndex(DIM), half_life=1000.0))
    assert restored is not None
    return set(restored.known), restored.offsets


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


async def test_of_the_log_before_the_end_of_the_snapshot_nothing_is_read_again(
    tmp_path: Path,
) -> None:
    first = Following(tmp_path)
    first.log.append(b"dune", value("sand"))
    first.log.append(b"emma", value("tea"))
    async with first.following():
        pass
    second = Following(tmp_path)
    second.log.append(b"dune", b"another value at the same place: reading it would be refused")
    second.log.append(b"emma", value("tea"))
    async with second.following():
        assert second.catalogue.matching({}) == {"dune", "emma"}
    assert second.refused("malformed_vector") is None


@pytest.mark.parametrize("grown", [1, 4, 5, 9])
async def test_a_snapshot_of_another_log_is_thrown_away_and_the_log_read_from_its_start(
    tmp_path: Path, grown: int, caplog: pytest.LogCaptureFixture
) -> None:
    """However long the other log has grown since: what counts is which records it has."""
    first = Following(tmp_path)
    for number in range(5):
        first.log.append(b"old-%d" % number, value(str(number)))
    async with first.following():
        pass
    second = Following(tmp_path)
    for number in range(grown):
        second.log.append(b"new-%d" % number, value(str(number)))
    new = {f"new-{number}" for number in range(grown)}
    async with second.following():
        assert second.catalogue.matching({}) == new
        assert set(second.catalogue.index.item_ids()) == new
    assert "the topic does not have the records that it ends with" in caplog.text
    assert second.count(FAILURES, topic="item-vectors", reason="other_log") == 1

    third = Following(tmp_path)
    third.log.records = [*second.log.records]
    async with third.following():
        assert third.catalogue.matching({}) == new
    assert third.count(FAILURES, topic="item-vectors", reason="other_log") is None


async def test_stopping_leaves_a_snapshot_behind_with_all_that_was_read(tmp_path: Path) -> None:
    following = Following(tmp_path)
    following.log.append(b"dune", value("sand"))
    async with following.following():
        pass
    assert kept(tmp_path) == ({"dune"}, {0: 1, 1: 0})


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
    assert kept(tmp_path) == ({"dune"}, {0: 1, 1: 0})


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
