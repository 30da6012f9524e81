"""Without a lease nothing is written, and what was owed is written once there is one."""

import asyncio
from collections.abc import Callable

import pytest

from agents.safety.lease import Lease
from agents.shards import Shard
from agents.tables import ENCODE_BATCH, FoldTable
from streams.errors import MembershipLost
from tests.support.committing import Committing

# -- a commit of a worker that may have been replaced


async def test_without_a_lease_nothing_is_settled_or_written() -> None:
    working = Committing()
    working.profiles.shard(1).put("ann", "one")
    working.now = 10.0
    with pytest.raises(MembershipLost):
        await working.commits.settle()
    assert working.diary == []


async def test_what_was_not_begun_for_want_of_a_lease_is_written_once_there_is_one() -> None:
    working = Committing()
    working.profiles.shard(1).put("ann", "one")
    working.lease.lose()
    with pytest.raises(MembershipLost):
        await working.commits.settle()
    working.lease.regain()
    await working.commits.settle()
    assert [posted.key for posted in working.outbox.posted] == [b"ann"]


async def test_a_lease_that_ends_while_outputs_are_settled_keeps_state_from_being_written() -> None:
    working = Committing()
    settle = working.outbox.settle

    async def settle_slowly() -> None:
        await settle()
        working.now = 10.0

    working.outbox.settle = settle_slowly  # type: ignore[method-assign]
    working.profiles.shard(1).put("ann", "one")
    with pytest.raises(MembershipLost):
        await working.commits.settle()
    assert working.diary == ["settle"]


async def test_a_lease_that_ends_while_much_is_encoded_keeps_it_from_being_written() -> None:
    working = Committing()
    working.put_many(2 * ENCODE_BATCH)
    asyncio.get_running_loop().call_soon(working.lease.lose)
    with pytest.raises(MembershipLost):
        await working.commits.settle()
    assert working.diary == ["settle"]


async def test_a_lease_that_ends_between_two_changelogs_stops_the_second() -> None:
    working = Committing()
    working.profiles.shard(1).put("ann", "one")
    for number in range(ENCODE_BATCH):
        working.trends.shard(1).put(f"item-{number}", "one")
    asyncio.get_running_loop().call_soon(working.lease.lose)
    with pytest.raises(MembershipLost):
        await working.commits.settle()
    assert [posted.topic for posted in working.outbox.posted] == ["shop.profiles"]
    assert "done" not in working.diary


# -- a commit that a lost lease broke off is made up for


def ends_before(working: Committing) -> None:
    """The lease has ended when the commit begins."""
    working.lease.lose()


def ends_while_settling(working: Committing) -> None:
    """It ends while outputs are settled."""
    settle = working.outbox.settle

    async def settle_slowly() -> None:
        await settle()
        working.lease.lose()
        working.outbox.settle = settle  # type: ignore[method-assign]

    working.outbox.settle = settle_slowly  # type: ignore[method-assign]


def ends_while_encoding(table: FoldTable[str], lease: Lease) -> None:
    """It ends while the values of a table are encoded."""
    encode = table.encode

    def encode_slowly(value: str) -> bytes:
        lease.lose()
        table.encode = encode
        return encode(value)

    table.encode = encode_slowly


MOMENTS: dict[str, Callable[[Committing], None]] = {
    "before it": ends_before,
    "while outputs are settled": ends_while_settling,
    "while the first table is encoded": lambda w: ends_while_encoding(w.profiles, w.lease),
    "after the first table was written": lambda w: ends_while_encoding(w.trends, w.lease),
}


class BrokenOff(Committing):
    """What there was to commit when the lease ended."""

    def __init__(self, moment: str) -> None:
        super().__init__()
        self.profiles.shard(1).put("ann", "one")
        self.profiles.shard(1).put("eve", None)
        self.profiles.shard(2).put("bob", "one")
        self.trends.shard(3).put("dune", "one")
        MOMENTS[moment](self)

    async def fail(self) -> None:
        with pytest.raises(MembershipLost):
            await self.commits.settle()
        assert "done" not in self.diary

    async def written(self) -> list[tuple[str, bytes | None, bytes | None, int | None]]:
        """Everything that the next commit writes."""
        before = len(self.outbox.posted)
        self.lease.regain()
        await self.commits.settle()
        assert self.diary[-1] == "done"
        return [(p.topic, p.key, p.value, p.partition) for p in self.outbox.posted[before:]]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_all_that_a_broken_off_commit_owed_is_written_by_the_next(moment: str) -> None:
    working = BrokenOff(moment)
    await working.fail()
    assert sorted(await working.written()) == [
        ("shop.profiles", b"ann", b"one", 1),
        ("shop.profiles", b"bob", b"one", 2),
        ("shop.profiles", b"eve", None, 1),
        ("shop.trends", b"dune", b"one", 3),
    ]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_what_has_changed_since_a_broken_off_commit_is_written_as_it_is_now(
    moment: str,
) -> None:
    working = BrokenOff(moment)
    await working.fail()
    working.profiles.shard(1).put("ann", "two")
    working.profiles.shard(1).put("eve", "back")
    working.profiles.shard(2).put("bob", None)
    working.trends.shard(3).put("emma", "new")
    assert sorted(await working.written()) == [
        ("shop.profiles", b"ann", b"two", 1),
        ("shop.profiles", b"bob", None, 2),
        ("shop.profiles", b"eve", b"back", 1),
        ("shop.trends", b"dune", b"one", 3),
        ("shop.trends", b"emma", b"new", 3),
    ]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_commit_may_be_broken_off_time_and_again(moment: str) -> None:
    working = BrokenOff(moment)
    await working.fail()
    await working.fail()
    assert len(await working.written()) == 4
    assert await working.written() == []


@pytest.mark.parametrize("moment", MOMENTS)
async def test_what_was_owed_for_a_partition_that_moved_away_is_not_written(moment: str) -> None:
    """Its new owner has read the events again; ours would be written over theirs."""
    working = BrokenOff(moment)
    await working.fail()
    working.profiles.retain({2})
    working.profiles.give({1: Shard({"ann": "restored"})})
    working.trends.retain(())
    assert await working.written() == [("shop.profiles", b"bob", b"one", 2)]


async def test_what_changes_while_a_commit_is_broken_off_is_not_forgotten() -> None:
    working = Committing()
    working.put_many(2 * ENCODE_BATCH)

    def meanwhile() -> None:
        working.profiles.shard(1).put("user-0", "two")
        working.profiles.shard(1).put("ann", "one")
        working.lease.lose()

    asyncio.get_running_loop().call_soon(meanwhile)
    with pytest.raises(MembershipLost):
        await working.commits.settle()
    working.lease.regain()
    await working.commits.settle()
    written = {posted.key: posted.value for posted in working.outbox.posted}
    assert len(written) == len(working.outbox.posted) == 2 * ENCODE_BATCH + 1
    assert (written[b"user-0"], written[b"ann"]) == (b"two", b"one")
