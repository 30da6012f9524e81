"""State is written once per key and interval, after all that it caused, or not at all."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.keeping import Place
from agents.safety.lease import Lease
from agents.stretches import Last, Stretch, checksum
from agents.tables import ENCODE_BATCH, Commits, FoldTable, Shard
from agents.testing import DictState, SmallOutbox
from streams.errors import DeliveryFailed, MembershipLost
from streams.kafka import Run


def refuse_to_encode(value: str) -> bytes:
    if value == "broken":
        raise ValueError(value)
    return value.encode()


def table_of(name: str, *, owning: tuple[int, ...] = ()) -> FoldTable[str]:
    table: FoldTable[str] = FoldTable(
        source="shop.events", changelog=f"shop.{name}", encode=refuse_to_encode, decode=bytes.decode
    )
    table.give({partition: Shard() for partition in owning})
    return table


# -- one shard


def test_what_was_put_can_be_peeked() -> None:
    shard: Shard[str] = Shard()
    shard.put("ann", "one")
    shard.put("ann", "two")
    assert shard.peek("ann") == "two"


def test_a_shard_begins_with_what_it_is_given_and_owes_nothing() -> None:
    shard = Shard({"ann": "one"})
    assert (shard.peek("ann"), len(shard), shard.take_dirty()) == ("one", 1, [])


def test_nothing_is_there_under_an_unknown_or_removed_key() -> None:
    shard = Shard({"ann": "one"})
    shard.put("ann", None)
    assert (shard.peek("ann"), shard.peek("eve"), len(shard)) == (None, None, 0)


def test_looking_for_a_key_makes_none() -> None:
    shard: Shard[str] = Shard()
    shard.peek("ann")
    assert (len(shard), shard.take_dirty()) == (0, [])


def test_removing_an_unknown_key_is_no_error_and_leaves_a_tombstone() -> None:
    shard: Shard[str] = Shard()
    shard.put("ann", None)
    assert shard.take_dirty() == [("ann", None)]


def test_many_changes_of_a_key_are_one_with_the_last_value() -> None:
    shard: Shard[str] = Shard()
    for value in ("one", "two", "three"):
        shard.put("ann", value)
    shard.put("eve", "one")
    assert shard.take_dirty() == [("ann", "three"), ("eve", "one")]


def test_a_key_put_again_after_its_removal_is_there() -> None:
    shard: Shard[str] = Shard()
    for value in ("one", None, "two"):
        shard.put("ann", value)
    assert shard.take_dirty() == [("ann", "two")]


def test_what_was_taken_is_taken_once() -> None:
    shard: Shard[str] = Shard()
    shard.put("ann", "one")
    shard.take_dirty()
    assert shard.take_dirty() == []
    assert shard.peek("ann") == "one"


LAW = settings(max_examples=50, deadline=None, derandomize=True, database=None)
CHANGES = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.one_of(st.none(), st.sampled_from(["one", "two"])), st.booleans()
    )
)


@LAW
@given(changes=CHANGES)
def test_a_shard_is_what_a_dictionary_is_and_so_is_a_replay_of_what_was_taken(
    changes: list[tuple[str, str | None, bool]],
) -> None:
    shard, oracle = Shard[str](), DictState[str]()
    replayed: dict[str, str | None] = {}
    for key, value, commit in changes:
        shard.put(key, value)
        oracle.shard(0).put(key, value)
        assert shard.peek(key) == oracle.shard(0).peek(key)
        if commit:
            replayed |= dict(shard.take_dirty())
    replayed |= dict(shard.take_dirty())
    assert {k: v for k, v in replayed.items() if v is not None} == oracle.values
    assert len(shard) == len(oracle.values)


# -- one table


def test_a_shard_of_a_partition_that_is_not_owned_cannot_be_had() -> None:
    with pytest.raises(KeyError):
        table_of("profiles", owning=(1,)).shard(0)


def test_a_key_is_looked_for_in_its_own_partition_only() -> None:
    table = table_of("profiles", owning=(0, 1))
    table.shard(0).put("ann", "one")
    assert (table.shard(0).peek("ann"), table.shard(1).peek("ann")) == ("one", None)


def test_a_table_has_the_keys_of_all_its_shards() -> None:
    table = table_of("profiles", owning=(0, 1))
    table.shard(0).put("ann", "one")
    table.shard(1).put("ann", "one")
    table.shard(1).put("eve", "one")
    assert len(table) == 3


def test_what_is_retained_stays_as_it_is_with_all_that_is_owed() -> None:
    table = table_of("profiles", owning=(0, 1))
    table.shard(1).put("ann", "one")
    table.retain({1, 2})
    assert set(table.shards) == {1}
    assert table.shard(1).take_dirty() == [("ann", "one")]


def test_what_is_given_comes_beside_what_there_was() -> None:
    table = table_of("profiles", owning=(0,))
    table.shard(0).put("ann", "one")
    table.give({1: Shard({"eve": "two"})})
    assert (table.shard(0).peek("ann"), table.shard(1).peek("eve")) == ("one", "two")


def test_a_change_of_a_shard_that_moved_away_ends_in_an_orphan() -> None:
    table = table_of("profiles", owning=(0,))
    at_work_on = table.shard(0)
    table.retain(())
    table.give({0: Shard({"ann": "restored"})})
    at_work_on.put("ann", "too late")
    assert table.shard(0).peek("ann") == "restored"
    assert table.shard(0).take_dirty() == []


# -- a commit


class Committing:
    """Two tables of four partitions, an outbox, and a lease whose clock is set by hand."""

    def __init__(self, **outbox: Any) -> None:
        self.diary: list[str] = []
        self.now = 0.0
        self.outbox = SmallOutbox(diary=self.diary, **outbox)
        self.lease = Lease(session=10.0, clock=lambda: self.now)
        self.kept: list[Mapping[Place, Stretch | None]] = []
        self.commits = Commits(
            self.outbox,
            lease=self.lease,
            keep=self.kept.append,
            on_commit=lambda: self.diary.append("done"),
        )
        owning = (0, 1, 2, 3)
        self.profiles = table_of("profiles", owning=owning)
        self.trends = table_of("trends", owning=owning)
        self.commits.tables += [self.profiles, self.trends]

    def put_many(self, count: int) -> None:
        for number in range(count):
            self.profiles.shard(1).put(f"user-{number}", "one")


async def test_outputs_are_settled_before_state_is_written_and_state_before_it_is_done() -> None:
    working = Committing()
    await working.outbox.post("co-visits", key=b"dune", value=b"[]")
    working.profiles.shard(1).put("ann", "one")
    working.trends.shard(2).put("dune", "two")
    await working.commits.settle()
    assert working.diary == [
        "post co-visits",
        "settle",
        "post shop.profiles",
        "post shop.trends",
        "settle",
        "done",
    ]


async def test_state_goes_to_its_changelog_in_its_own_partition() -> None:
    working = Committing()
    working.profiles.shard(3).put("ann ☂", "one")
    working.profiles.shard(2).put("eve", None)
    await working.commits.settle()
    written = [(p.key, p.value, p.partition) for p in working.outbox.on("shop.profiles")]
    assert written == [(b"eve", None, 2), ("ann ☂".encode(), b"one", 3)]


async def test_what_was_written_is_not_written_again() -> None:
    working = Committing()
    working.profiles.shard(1).put("ann", "one")
    await working.commits.settle()
    await working.commits.settle()
    assert len(working.outbox.posted) == 1


@pytest.mark.parametrize("count", [ENCODE_BATCH - 1, ENCODE_BATCH, 2 * ENCODE_BATCH + 1])
async def test_all_that_changed_is_written_however_much_it_is(count: int) -> None:
    working = Committing()
    working.put_many(count)
    await working.commits.settle()
    keys = [posted.key for posted in working.outbox.posted]
    assert keys == [f"user-{number}".encode() for number in range(count)]


async def test_others_have_their_turn_while_much_is_encoded() -> None:
    working = Committing()
    working.put_many(2 * ENCODE_BATCH)
    asyncio.get_running_loop().call_soon(working.diary.append, "someone else")
    await working.commits.settle()
    assert working.diary.index("someone else") < working.diary.index("post shop.profiles")


async def test_a_lost_output_raises_and_no_state_is_written_after_it() -> None:
    working = Committing(losing=["co-visits"])
    await working.outbox.post("co-visits", key=b"dune", value=b"[]")
    working.profiles.shard(1).put("ann", "one")
    with pytest.raises(DeliveryFailed):
        await working.commits.settle()
    assert working.outbox.posted == []
    assert working.diary == ["post co-visits", "settle"]


@pytest.mark.parametrize("how", ["refusing", "losing"])
async def test_state_that_cannot_be_written_raises_and_nothing_is_written_after_it(
    how: str,
) -> None:
    working = Committing(**{how: ["shop.profiles"]})
    working.profiles.shard(1).put("ann", "one")
    working.trends.shard(2).put("dune", "two")
    with pytest.raises(DeliveryFailed):
        await working.commits.settle()
    assert working.outbox.posted == []
    assert "done" not in working.diary


async def test_state_that_cannot_be_encoded_keeps_the_commit_from_being_done() -> None:
    working = Committing()
    working.profiles.shard(1).put("ann", "broken")
    with pytest.raises(ValueError, match="broken"):
        await working.commits.settle()
    assert "done" not in working.diary


async def test_a_commit_with_nothing_to_write_is_done_too() -> None:
    working = Committing()
    await working.commits.settle()
    assert working.diary == ["settle", "settle", "done"]


# -- what is kept of a commit


async def test_what_was_acknowledged_is_kept_with_its_place_on_the_changelog() -> None:
    working = Committing()
    working.profiles.shard(3).put("ann ☂", "one")
    await working.commits.settle()
    working.profiles.shard(3).put("ann ☂", "two")
    working.profiles.shard(3).put("eve", None)
    working.trends.shard(0).put("dune", "one")
    await working.commits.settle()
    ann = "ann ☂".encode()
    assert working.kept == [
        {Place("shop.profiles", 3): Stretch({ann: b"one"}, 0, 1, Last(0, checksum(ann, b"one")))},
        {
            Place("shop.profiles", 3): Stretch(
                {ann: b"two", b"eve": None}, 1, 3, Last(2, checksum(b"eve", None))
            ),
            Place("shop.trends", 0): Stretch(
                {b"dune": b"one"}, 0, 1, Last(0, checksum(b"dune", b"one"))
            ),
        },
    ]


async def test_where_records_of_others_lie_in_between_that_is_told() -> None:
    working = Committing()
    post_many = working.outbox.post_many

    async def post_with_others(topic: str, partition: int, records: Any) -> Run:
        run = Run()
        for record in records:
            (sent,) = (await post_many(topic, partition, [record]))._batches
            run.add(*sent)
            await post_many(topic, partition, [(b"other", b"value")])
        return run

    working.outbox.post_many = post_with_others  # type: ignore[method-assign]
    working.profiles.shard(3).put("ann", "one")
    working.profiles.shard(3).put("eve", "one")
    await working.commits.settle()
    assert working.kept == [{Place("shop.profiles", 3): None}]


@pytest.mark.parametrize("error", [DeliveryFailed, MembershipLost])
async def test_of_what_was_not_acknowledged_nothing_is_kept(error: type[Exception]) -> None:
    working = Committing()
    settle = working.outbox.settle

    async def settle_once() -> None:
        await settle()
        working.outbox.settle = fail  # type: ignore[method-assign]

    async def fail() -> None:
        raise error("no answer")

    working.outbox.settle = settle_once  # type: ignore[method-assign]
    working.profiles.shard(1).put("ann", "one")
    with pytest.raises(error):
        await working.commits.settle()
    assert len(working.outbox.posted) == 1
    assert working.kept == []


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
