"""State is what the changelog says, or what it was one generation ago, and never half of it."""

import asyncio

import pytest

import agents.packing
import agents.restoring
import agents.tails
from agents.metrics import Metrics
from agents.restoring import Restoring
from agents.tables import FoldTable
from agents.testing import NOWHERE
from streams.errors import ChangelogUnreadable, TopicMismatch
from tests.support.changelogs import (
    EVENTS,
    PROFILES,
    TRENDS,
    VISITS,
    Changelogs,
    Owning,
    SmallReader,
    table_of,
)

# -- what is restored


async def test_a_shard_has_what_its_partition_of_the_changelog_has(logs: Changelogs) -> None:
    logs.write("ann ☂".encode(), b"1", topic=PROFILES, partition=0)
    logs.write(b"eve", b"2", topic=PROFILES, partition=2)
    owning = Owning(logs)
    await owning.restore(1, events=[0, 1, 2])
    found = {p: (s.peek("ann ☂"), s.peek("eve")) for p, s in owning.profiles.shards.items()}
    assert found == {0: (1, None), 1: (None, None), 2: (None, 2)}


async def test_of_many_values_of_a_key_the_newest_wins(logs: Changelogs) -> None:
    for value in (b"1", b"2", None, b"3", b"4"):
        logs.write(b"ann", value, topic=PROFILES)
        logs.write(b"eve", b"9", topic=PROFILES)
    owning = Owning(logs)
    await owning.restore(1, events=[0])
    assert owning.profiles.shard(0).peek("ann") == 4


async def test_a_key_whose_newest_record_is_a_tombstone_is_not_there(logs: Changelogs) -> None:
    for value in (b"1", None):
        logs.write(b"ann", value, topic=PROFILES)
    owning = Owning(logs)
    await owning.restore(1, events=[0])
    assert (owning.profiles.shard(0).peek("ann"), len(owning.profiles)) == (None, 0)


async def test_an_older_value_that_cannot_be_decoded_does_not_matter(logs: Changelogs) -> None:
    for value in (b"{", b"1"):
        logs.write(b"ann", value, topic=PROFILES)
    owning = Owning(logs)
    await owning.restore(1, events=[0])
    assert owning.profiles.shard(0).peek("ann") == 1


async def test_what_is_restored_is_not_owed_to_the_changelog(logs: Changelogs) -> None:
    logs.write(b"ann", b"1", topic=PROFILES)
    owning = Owning(logs)
    await owning.restore(1, events=[0])
    assert owning.profiles.shard(0).take_dirty() == []


async def test_only_partitions_of_the_table_s_own_source_count(logs: Changelogs) -> None:
    owning = Owning(logs)
    await owning.restoring.restore(1, {EVENTS: {0, 2}, VISITS: {3}, "shop.items": {1}})
    assert logs.was_read() == [(PROFILES, (0, 2)), (TRENDS, (3,))]
    assert (set(owning.profiles.shards), set(owning.trends.shards)) == ({0, 2}, {3})


async def test_a_worker_that_owns_nothing_reads_nothing(logs: Changelogs) -> None:
    owning = Owning(logs)
    await owning.restoring.restore(1, {"shop.items": {1}})
    assert logs.was_read() == []
    assert owning.profiles.shards == {}


async def test_a_table_added_later_is_restored_too(logs: Changelogs) -> None:
    tables: list[FoldTable[int]] = []
    metrics = Metrics()
    restoring = Restoring(NOWHERE, tables, keeping=logs.keeping(metrics), metrics=metrics)
    tables.append(table_of(EVENTS, PROFILES))
    await restoring.restore(1, {EVENTS: {0}})
    assert set(tables[0].shards) == {0}


async def test_how_long_restoring_took_is_told_by_changelog(logs: Changelogs) -> None:
    owning = Owning(logs)
    await owning.restore(1, events=[0])
    family = "headwater_state_restore_seconds"
    registry = owning.metrics.registry
    assert registry.get_sample_value(family, {"changelog": PROFILES}) is not None
    assert registry.get_sample_value(family, {"changelog": TRENDS}) is None


# -- what is kept


async def test_shards_are_kept_from_one_generation_to_the_next(logs: Changelogs) -> None:
    owning = Owning(logs)
    await owning.restore(4, events=[0, 1])
    owning.profiles.shard(1).put("ann", 7)
    logs.was_read()
    await owning.restore(5, events=[1, 2])
    assert logs.was_read() == [(PROFILES, (2,))]
    assert set(owning.profiles.shards) == {1, 2}
    assert owning.profiles.shard(1).take_dirty() == [("ann", 7)]


@pytest.mark.parametrize("generation", [6, 4, 3, 1], ids=["a gap", "the same", "older", "anew"])
async def test_after_any_other_generation_than_the_next_everything_is_read_again(
    logs: Changelogs, generation: int
) -> None:
    """Somebody else may have owned it in between."""
    owning = Owning(logs)
    await owning.restore(4, events=[0])
    owning.profiles.shard(0).put("ann", 7)
    logs.write(b"ann", b"8", topic=PROFILES)
    logs.was_read()
    await owning.restore(generation, events=[0])
    assert logs.was_read() == [(PROFILES, (0,))]
    assert owning.profiles.shard(0).peek("ann") == 8
    assert owning.profiles.shard(0).take_dirty() == []


async def test_what_was_given_back_in_between_is_read_again(logs: Changelogs) -> None:
    owning = Owning(logs)
    await owning.restore(4, events=[0])
    owning.profiles.shard(0).put("ann", 7)
    await owning.restore(5)
    assert owning.profiles.shards == {}
    logs.write(b"ann", b"8", topic=PROFILES)
    await owning.restore(6, events=[0])
    assert owning.profiles.shard(0).peek("ann") == 8


# -- what can go wrong


@pytest.mark.parametrize(
    ("key", "value"), [(b"ann", b"{"), (b"\xff", b"1")], ids=["value", "key no text"]
)
async def test_what_cannot_be_decoded_is_named_with_its_place_and_key(
    logs: Changelogs, key: bytes, value: bytes
) -> None:
    logs.write(b"eve", b"1", topic=PROFILES, partition=3)
    logs.write(key, value, topic=PROFILES, partition=3)
    with pytest.raises(ChangelogUnreadable) as caught:
        await Owning(logs).restore(1, events=[3])
    assert str(caught.value).startswith(f"{PROFILES}-3-1, key {key!r}: ")


async def test_partitions_beside_one_that_cannot_be_decoded_are_not_owned_either(
    logs: Changelogs,
) -> None:
    logs.write(b"eve", b"1", topic=PROFILES, partition=0)
    logs.write(b"ann", b"{", topic=PROFILES, partition=3)
    owning = Owning(logs)
    with pytest.raises(ChangelogUnreadable):
        await owning.restore(1, events=[0, 3])
    assert owning.profiles.shards == {}


async def test_a_reader_is_stopped_when_it_is_done(logs: Changelogs) -> None:
    logs.write(b"ann", b"1", topic=PROFILES)
    await Owning(logs).restore(1, events=[0])
    assert [(reader.stops, reader.running) for reader in logs.readers] == [(1, False)]


async def test_a_reader_that_fails_is_stopped_and_leaves_nothing(logs: Changelogs) -> None:
    def fail(_: SmallReader) -> None:
        raise ConnectionError("the broker went away")

    logs.write(b"ann", b"1", topic=PROFILES)
    logs.on_read = fail
    owning = Owning(logs)
    with pytest.raises(ConnectionError):
        await owning.restore(1, events=[0])
    assert [reader.stops for reader in logs.readers] == [1]
    assert owning.profiles.shards == {}


# -- a rebalance during a restore


async def cut_off(owning: Owning, logs: Changelogs, *, generation: int) -> None:
    """Cancel a restore of partitions 0 and 1 after its first read."""
    reads = 0
    waiting: list[asyncio.Task[None]] = []

    def count(_: SmallReader) -> None:
        nonlocal reads
        reads += 1
        if reads == 2:
            waiting[0].cancel()

    logs.on_read = count
    waiting.append(asyncio.create_task(owning.restore(generation, events=[0, 1])))
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    logs.on_read = None


async def test_a_restore_that_is_cancelled_midway_leaves_nothing_half_filled(
    logs: Changelogs,
) -> None:
    for partition in (0, 1):
        for key in (b"ann", b"eve", b"joe"):
            logs.write(key, b"1", topic=PROFILES, partition=partition)
    owning = Owning(logs)
    await cut_off(owning, logs, generation=1)
    assert owning.profiles.shards == {}
    assert [(reader.stops, reader.running) for reader in logs.readers] == [(1, False)]


async def test_a_cancelled_restore_keeps_what_it_had_and_the_next_reads_the_rest(
    logs: Changelogs,
) -> None:
    for key in (b"ann", b"eve", b"joe"):
        logs.write(key, b"1", topic=PROFILES, partition=1)
    owning = Owning(logs)
    await owning.restore(4, events=[0])
    owning.profiles.shard(0).put("ann", 7)
    await cut_off(owning, logs, generation=5)
    logs.was_read()
    await owning.restore(6, events=[0, 1])
    assert logs.was_read() == [(PROFILES, (1,))]
    assert owning.profiles.shard(0).peek("ann") == 7
    assert len(owning.profiles.shard(1)) == 3


async def test_a_restore_that_is_cancelled_at_one_table_has_filled_those_before_it(
    logs: Changelogs,
) -> None:
    logs.write(b"ann", b"1", topic=PROFILES)
    logs.write(b"dune", b"1", topic=TRENDS)
    logs.blocked = TRENDS
    owning = Owning(logs)
    owned = {EVENTS: {0}, VISITS: {0}}
    restore = asyncio.create_task(owning.restoring.restore(1, owned))
    while len(logs.readers) < 2:
        await asyncio.sleep(0)
    restore.cancel()
    with pytest.raises(asyncio.CancelledError):
        await restore
    logs.blocked = None
    logs.was_read()
    await owning.restoring.restore(2, owned)
    assert logs.was_read() == [(TRENDS, (0,))]
    assert (owning.profiles.shard(0).peek("ann"), owning.trends.shard(0).peek("dune")) == (1, 1)


async def test_a_restore_lets_others_have_their_turn(logs: Changelogs) -> None:
    """Heartbeats must go on while thousands of values are decoded."""
    count = 3 * agents.packing.DECODE_BATCH
    table = table_of(EVENTS, PROFILES)
    decoded = 0
    seen: list[int] = []

    def decode(value: bytes) -> int:
        nonlocal decoded
        decoded += 1
        return int(value)

    async def others() -> None:
        while True:
            seen.append(decoded)
            await asyncio.sleep(0)

    table.decode = decode
    for number in range(count):
        logs.write(f"user-{number}".encode(), b"1", topic=PROFILES)
    other = asyncio.create_task(others())
    metrics = Metrics()
    restoring = Restoring(NOWHERE, [table], keeping=logs.keeping(metrics), metrics=metrics)
    await restoring.restore(1, {EVENTS: {0}})
    other.cancel()
    assert any(0 < number < count for number in seen)
    assert len(table) == count


async def test_an_assignment_that_the_changelog_has_no_partition_for_is_refused(
    logs: Changelogs,
) -> None:
    logs.partitions = 2
    owning = Owning(logs)
    with pytest.raises(TopicMismatch) as caught:
        await owning.restore(1, events=[1, 2])
    assert str(caught.value).startswith(f"{EVENTS}-2 is assigned to this worker")
    assert f"{PROFILES!r} has 2 partitions: give it as many as {EVENTS!r}" in str(caught.value)
    assert logs.was_read() == []
